/** Server-sent events: bytes to the JSON documents they carry, and back. Torn lines are put together again. Pure. */
import { createLineSplitter } from './lines.ts';
import type { Json } from './wire.ts';

export interface EventParser {
  /** Documents that became complete; `done` when the stream said [DONE]. */
  push(chunk: Buffer): { documents: Json[]; done: boolean };
  /** Whatever the stream left behind without a line end. */
  finish(): { documents: Json[]; done: boolean };
}

export function createEventParser(): EventParser {
  let found: Json[] = [];
  let done = false;

  function take(line: Buffer): void {
    if (line.length < 6 || line[0] !== 100 || line.toString('latin1', 0, 5) !== 'data:') return;
    const text = line.toString('utf8', 5).trim();
    if (text === '[DONE]') done = true;
    else {
      try {
        const document: unknown = JSON.parse(text);
        if (typeof document === 'object' && document !== null) found.push(document as Json);
      } catch {
        // A malformed event has no meaning that could be translated.
      }
    }
  }

  function taken(): { documents: Json[]; done: boolean } {
    const documents = found;
    found = [];
    return { documents, done };
  }

  const lines = createLineSplitter(take);
  return {
    push(chunk) {
      lines.push(chunk);
      return taken();
    },
    finish() {
      lines.finish();
      return taken();
    },
  };
}

export const dataLine = (document: Json): string => `data: ${JSON.stringify(document)}\n\n`;
export const namedEvent = (document: Json & { type: string }): string =>
  `event: ${document.type}\ndata: ${JSON.stringify(document)}\n\n`;
