/** Takes the body of a request: all of it, in time, and not more than fits. */
import type { IncomingMessage } from 'node:http';
import { type Refusal, refusals } from './refusal.ts';
import { createRoster } from './roster.ts';

export interface BodyReader {
  /**
   * The body, or why there is none. What comes after a refusal is read and thrown away, as a client that is still sending
   * would not see the answer otherwise. Rejects when the client goes away.
   */
  read(request: IncomingMessage): Promise<Buffer | Refusal>;
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

  function read(request: IncomingMessage): Promise<Buffer | Refusal> {
    return new Promise((resolve, reject) => {
      let chunks: Buffer[] = [];
      let size = 0;
      const seat = pending.join({ since: performance.now(), late: () => refuse(refusals.tooSlow()) });
      function refuse(refusal: Refusal): void {
        pending.leave(seat);
        request.off('data', take);
        chunks = [];
        request.resume();
        resolve(refusal);
      }
      function take(chunk: Buffer): void {
        size += chunk.length;
        if (size > limits.bytes) refuse(refusals.tooLarge());
        else chunks.push(chunk);
      }
      request.on('data', take);
      request.on('end', () => {
        pending.leave(seat);
        resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
      });
      request.on('error', (error) => {
        pending.leave(seat);
        reject(error);
      });
      if (Number(request.headers['content-length'] ?? 0) > limits.bytes) refuse(refusals.tooLarge());
    });
  }

  return { read, stop: () => clearInterval(sweep) };
}
