/** A whole answer as the events of a stream, and the events of a stream as a whole answer. Pure. */
import type { TokenUse } from '../../src/costs/schema.ts';
import type { Answer, Part, StreamEvent } from './neutral.ts';

/** Text is sent in pieces of this length (characters) when an answer has to look like a stream. */
function piecesOf(text: string, size: number | undefined): string[] {
  if (text === '') return [];
  return size === undefined ? [text] : (text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'gu')) ?? []);
}

function eventsOfPart(part: Part, index: number, size: number | undefined): StreamEvent[] {
  switch (part.kind) {
    case 'text':
      return [...piecesOf(part.text, size).map((text): StreamEvent => ({ kind: 'text', text })), { kind: 'close' }];
    case 'thinking':
      return [
        ...piecesOf(part.text, size).map((text): StreamEvent => ({ kind: 'thinking', text })),
        ...(part.signature ? [{ kind: 'signature' as const, signature: part.signature }] : []),
        { kind: 'close' },
      ];
    case 'call': {
      const { id, name, input, signature } = part;
      return [
        { kind: 'call', index, id, name, ...(signature ? { signature } : {}) },
        ...piecesOf(input, size).map((text): StreamEvent => ({ kind: 'input', index, text })),
        { kind: 'close', index },
      ];
    }
    case 'media':
      return part.data === undefined ? [] : [{ kind: 'media', mediaType: part.mediaType, data: part.data }];
    case 'result':
      return [];
  }
}

export function eventsOf(answer: Answer, pieceLength?: number): StreamEvent[] {
  const { id, model, usage } = answer;
  let calls = 0;
  const events: StreamEvent[] = [{ kind: 'start', id, model, ...(usage ? { usage } : {}) }];
  for (const part of answer.parts) {
    events.push(...eventsOfPart(part, calls, pieceLength));
    if (part.kind === 'call') calls += 1;
  }
  events.push({ kind: 'stop', stop: answer.stop });
  if (usage) events.push({ kind: 'usage', usage });
  events.push({ kind: 'end' });
  return events;
}

export interface Collector {
  take(event: StreamEvent): void;
  /** The answer so far. */
  answer(): Answer;
  error(): Extract<StreamEvent, { kind: 'error' }> | undefined;
  complete(): boolean;
}

type Open<K extends Part['kind']> = Extract<Part, { kind: K }>;

export function createCollector(id: string): Collector {
  const answer: Answer = { id, model: '', parts: [], stop: 'end', usage: undefined };
  const calls = new Map<number, Open<'call'>>();
  let open: Part | undefined;
  let failed: Extract<StreamEvent, { kind: 'error' }> | undefined;
  let ended = false;

  function opened<K extends 'text' | 'thinking'>(kind: K): Open<K> {
    if (open?.kind === kind) return open as Open<K>;
    const part = { kind, text: '' } as Open<K>;
    open = part;
    answer.parts.push(part);
    return part;
  }

  function take(event: StreamEvent): void {
    switch (event.kind) {
      case 'start':
        answer.id = event.id || answer.id;
        answer.model = event.model || answer.model;
        answer.usage = event.usage ?? answer.usage;
        return;
      case 'text':
      case 'thinking':
        opened(event.kind).text += event.text;
        return;
      case 'signature':
        opened('thinking').signature = event.signature;
        return;
      case 'media':
        open = undefined;
        answer.parts.push(event);
        return;
      case 'call': {
        const { id: callId, name, signature } = event;
        const call: Open<'call'> = { kind: 'call', id: callId, name, input: '', ...(signature ? { signature } : {}) };
        calls.set(event.index, call);
        answer.parts.push(call);
        open = undefined;
        return;
      }
      case 'input': {
        const call = calls.get(event.index);
        if (call) call.input += event.text;
        return;
      }
      case 'close':
        if (event.index === undefined) open = undefined;
        return;
      case 'stop':
        answer.stop = event.stop;
        return;
      case 'usage':
        answer.usage = event.usage;
        return;
      case 'error':
        failed = event;
        return;
      case 'end':
        ended = true;
    }
  }

  return { take, answer: () => answer, error: () => failed, complete: () => ended };
}

/** The same counts for every dialect that tells the sum. */
export function sums(use: TokenUse): { input: number; output: number; written: number } {
  const written = use.cacheWrite5m + use.cacheWrite1h;
  return { input: use.input + use.cacheRead + written, output: use.output + use.reasoning, written };
}
