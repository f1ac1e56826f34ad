/** Server-sent events: bytes to the JSON documents they carry, and back. Torn lines are put together again. Pure. */
import type { Json } from './wire.ts';

export interface EventParser {
  /** Documents that became complete; `done` when the stream said [DONE]. */
  push(chunk: Buffer): { documents: Json[]; done: boolean };
  /** Whatever the stream left behind without a line end. */
  finish(): { documents: Json[]; done: boolean };
}

export function createEventParser(): EventParser {
  let rest: Buffer = Buffer.alloc(0);
  let done = false;

  function take(line: Buffer, into: Json[]): void {
    if (line.length < 6 || line[0] !== 100 || line.toString('latin1', 0, 5) !== 'data:') return;
    const text = line.toString('utf8', 5).trim();
    if (text === '[DONE]') done = true;
    else {
      try {
        const document: unknown = JSON.parse(text);
        if (typeof document === 'object' && document !== null) into.push(document as Json);
      } catch {
        // A malformed event has no meaning that could be translated.
      }
    }
  }

  return {
    push(chunk) {
      const documents: Json[] = [];
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = bytes.indexOf(10, from); end >= 0; end = bytes.indexOf(10, from)) {
        take(bytes.subarray(from, end), documents);
        from = end + 1;
      }
      rest = bytes.subarray(from);
      return { documents, done };
    },
    finish() {
      const documents: Json[] = [];
      take(rest, documents);
      rest = Buffer.alloc(0);
      return { documents, done };
    },
  };
}

export const dataLine = (document: Json): string => `data: ${JSON.stringify(document)}\n\n`;
export const namedEvent = (document: Json & { type: string }): string =>
  `event: ${document.type}\ndata: ${JSON.stringify(document)}\n\n`;
