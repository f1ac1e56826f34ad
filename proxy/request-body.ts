/** Takes the body of a request: all of it, in time, and not more than fits. */
import type { Request } from './http/connection.ts';
import { type Refusal, refusals } from './refusal.ts';
import { createRoster } from './roster.ts';

export interface BodyReader {
  /**
   * Hands on the body, or why there is none. What comes after a refusal is read and thrown away, as a client that is still
   * sending would not see the answer otherwise. Of a client that goes away nothing is heard.
   */
  read(request: Request, done: (body: Buffer | Refusal) => void): void;
  stop(): void;
}

interface Pending {
  since: number;
  late(): void;
}

/** How often (ms) slow clients are looked for: one timer for all of them. */
const CHECK_MS = 1_000;

export function createBodyReader(limits: { bytes: number; ms: number }): BodyReader {
  const pending = createRoster<Pending>();
  const sweep = setInterval(
    () => {
      const oldest = performance.now() - limits.ms;
      for (const each of pending.values()) if (each.since < oldest) each.late();
    },
    Math.min(CHECK_MS, limits.ms),
  );
  sweep.unref();

  function read(request: Request, done: (body: Buffer | Refusal) => void): void {
    let chunks: Buffer[] = [];
    let size = 0;
    let refused = false;
    const seat = pending.join({ since: performance.now(), late: () => refuse(refusals.tooSlow()) });
    function refuse(refusal: Refusal): void {
      pending.leave(seat);
      refused = true;
      chunks = [];
      done(refusal);
    }
    request.take({
      data(bytes) {
        if (refused) return;
        size += bytes.length;
        if (size > limits.bytes) refuse(refusals.tooLarge());
        // Of a read that held little but the frames of chunks, only what was in them is kept.
        else chunks.push(bytes.length * 4 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes);
      },
      end() {
        pending.leave(seat);
        if (!refused) done(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
      },
      gone: () => pending.leave(seat),
    });
    if (request.framing > limits.bytes) refuse(refusals.tooLarge());
  }

  return { read, stop: () => clearInterval(sweep) };
}
