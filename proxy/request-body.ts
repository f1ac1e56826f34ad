/** Takes the body of a request: all of it, in time, and not more than fits. */
import type { Request } from './http/connection.ts';
import { type Refusal, refusals } from './refusal.ts';

/**
 * Hands on the body (at most `mostBytes`), or why there is none. What comes after a refusal is read and thrown away, as a client
 * that is still sending would not see the answer otherwise. Of a client that goes away nothing is heard.
 */
export function readBody(request: Request, mostBytes: number, done: (body: Buffer | Refusal) => void): void {
  let chunks: Buffer[] = [];
  let size = 0;
  let refused = false;
  function refuse(refusal: Refusal): void {
    if (refused) return;
    refused = true;
    chunks = [];
    done(refusal);
  }
  request.take({
    data(bytes) {
      if (refused) return;
      size += bytes.length;
      if (size > mostBytes) refuse(refusals.tooLarge());
      // Of a read that held little but the frames of chunks, only what was in them is kept.
      else chunks.push(bytes.length * 4 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes);
    },
    end() {
      if (!refused) done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    },
    late: () => refuse(refusals.tooSlow()),
    gone() {},
  });
  if (request.framing > mostBytes) refuse(refusals.tooLarge());
}
