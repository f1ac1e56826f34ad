/** Takes the body of a request: all of it, in time, and not more than fits. */
import type { IncomingMessage } from 'node:http';
import { type Refusal, refusals } from './refusal.ts';

export interface BodyLimits {
  bytes: number;
  ms: number;
}

/**
 * The body, or why there is none. What comes after a refusal is read and thrown away, as a client that is still sending would
 * not see the answer otherwise. Rejects when the client goes away.
 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer | Refusal> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    const refuse = (refusal: Refusal) => {
      clearTimeout(timer);
      request.off('data', take);
      chunks = [];
      request.resume();
      resolve(refusal);
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limits.bytes) refuse(refusals.tooLarge());
      else chunks.push(chunk);
    };
    const timer = setTimeout(() => refuse(refusals.tooSlow()), limits.ms);
    request.on('data', take);
    request.on('end', () => {
      clearTimeout(timer);
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    if (Number(request.headers['content-length'] ?? 0) > limits.bytes) refuse(refusals.tooLarge());
  });
}
