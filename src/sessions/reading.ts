/** Reads conversations: the file of the runtime where it has one, else what the proxy recorded. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { NativeHistory } from '../agents/runtime.ts';
import { createLineReader, jsonLines, type LineReader } from '../base/json-lines.ts';
import { putNewest } from '../base/newest.ts';
import { statsOf } from '../base/stats.ts';
import type { Turn } from '../recordings/schema.ts';
import type { Session, SessionTurn, TurnSource } from './schema.ts';

export interface Conversation {
  turns: SessionTurn[];
  source: TurnSource;
  /** The file as it is, where the runtime has one. */
  native?: { file: string; text: string } | undefined;
}

export interface ReadingOptions {
  historyOf: (runtime: string) => NativeHistory | undefined;
  homeOf: (agentId: string) => string;
  recorded: (session: Session) => Promise<Turn[]>;
}

export interface Reading {
  /** Turns of a session in the order they were written. */
  read(session: Session): Promise<Conversation>;
}

/** A recorded turn in the form of all turns. Pure. */
export function fromRecording(turn: Turn): SessionTurn {
  const text = turn.parts.map((part) => ('text' in part ? part.text : 'result' in part ? part.result : '')).join('\n');
  const calls = turn.parts.flatMap((part) => ('call' in part ? [{ tool: part.call, input: part.input }] : []));
  const isResult = turn.role === 'user' && turn.parts.some((part) => 'result' in part);
  return {
    id: turn.id,
    parent: turn.parent,
    role: isResult ? 'tool' : turn.role,
    text: text.trim(),
    calls,
    at: turn.at,
  };
}

interface Parsed {
  key: string;
  conversation: Conversation;
  lines: LineReader;
}

/** Conversations that were read before; the oldest goes first. */
const MOST_KEPT = 100;
/** And so many characters of all of them. */
const MOST_CHARACTERS = 32 * 1024 * 1024;
const NOTHING: Conversation = { turns: [], source: 'none' };

/** Up to here reading a file that was just written takes less than to have it read beside. */
const SMALL_BYTES = 64 * 1024;

export function createReading(options: ReadingOptions): Reading {
  const kept = new Map<string, Parsed>();

  function keep(sessionId: string, parsed: Parsed): void {
    putNewest(kept, sessionId, parsed, MOST_KEPT);
    let characters = 0;
    for (const [id, { conversation }] of [...kept].toReversed()) {
      characters += conversation.native?.text.length ?? 0;
      if (characters > MOST_CHARACTERS) kept.delete(id);
    }
  }

  async function readNative(session: Session, history: NativeHistory): Promise<Conversation | undefined> {
    const place = { home: options.homeOf(session.agentId), sessionFile: session.file, sessionId: session.nativeId };
    const file = await history.find(place);
    const info = file === undefined ? undefined : statsOf(file);
    if (file === undefined || !info) return undefined;
    const key = `${file} ${info.size} ${info.mtimeMs}`;
    const known = kept.get(session.id);
    if (history.load) {
      const loaded = await history.load(file, place);
      return { turns: history.read(jsonLines(loaded)), source: 'runtime', native: { file, text: loaded } };
    }
    if (known?.key === key) return known.conversation;
    const text = info.size <= SMALL_BYTES ? readFileSync(file, 'utf8') : await readFile(file, 'utf8');
    const lines = known?.lines ?? createLineReader();
    const conversation: Conversation = { turns: history.read(lines(text)), source: 'runtime', native: { file, text } };
    keep(session.id, { key, conversation, lines });
    return conversation;
  }

  return {
    async read(session) {
      const history = options.historyOf(session.runtime);
      const native = history && (await readNative(session, history));
      if (native) return native;
      const turns = (await options.recorded(session)).map(fromRecording);
      return turns.length > 0 ? { turns, source: 'recording' } : NOTHING;
    },
  };
}
