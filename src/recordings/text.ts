/** Recorded requests and answers as text for people. Pure. */
import type { Recording, Turn, TurnPart } from './schema.ts';

const KIB = 1024;

export function partText(part: TurnPart): string {
  if ('text' in part) return part.text;
  if ('call' in part) return `→ ${part.call} ${JSON.stringify(part.input)}`;
  return 'result' in part ? `← ${part.failed ? 'error: ' : ''}${part.result}` : `[${part.media}]`;
}

const size = (bytes: number) => (bytes < KIB ? `${bytes} B` : `${Math.round(bytes / KIB)} KiB`);

function headOf(recording: Recording): string {
  const { at, agentName, provider, model, status, outcome, requestBytes, answerBytes } = recording;
  const sizes = `${size(requestBytes)} → ${size(answerBytes)}`;
  return `── ${at.slice(0, 19).replace('T', ' ')} ${agentName ?? '-'} ${provider}/${model} ${status} ${outcome} ${sizes}`;
}

function turnText({ role, parts }: Turn): string {
  return parts.map((part) => `${role}: ${partText(part)}`).join('\n');
}

/** What a request added to its conversation, and what was answered: the newest turns, back to the last answer before. */
function saidIn(recording: Recording, turns: ReadonlyMap<string, Turn>): Turn[] {
  const said: Turn[] = [];
  let turn = turns.get(recording.turn ?? '');
  for (; turn; turn = turns.get(turn.parent ?? '')) {
    if (turn.role === 'assistant' && said.length > 0) break;
    said.unshift(turn);
  }
  return said;
}

/** Requests and answers, the newest first. */
export function exchangesText(recordings: readonly Recording[], turns: readonly Turn[]): string {
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  return recordings
    .map((recording) => {
      const said = saidIn(recording, byId).map(turnText);
      const bytes = `Its bytes: godel recording show ${recording.requestId}`;
      return [headOf(recording), ...said, bytes].join('\n');
    })
    .join('\n\n');
}
