/** Answers what is not even a request (headers that are too large, too slow or no HTTP) in the dialect it seems to be meant for. */
import type { Socket } from 'node:net';
import type { HttpError } from './http/head.ts';
import { type Refusal, refusals } from './refusal.ts';
import { refusalBody } from './wire/errors.ts';
import { wireOf } from './wire/routes.ts';

const ANSWERS: Readonly<Record<HttpError['status'], { reason: string; refusal: () => Refusal }>> = {
  400: { reason: 'Bad Request', refusal: refusals.notHttp },
  408: { reason: 'Request Timeout', refusal: refusals.tooSlow },
  431: { reason: 'Request Header Fields Too Large', refusal: refusals.headersTooLarge },
};

/** `start`: what is known of the request. The connection ends with the answer. */
export function answerClientError(socket: Socket, error: HttpError, start: string): void {
  if (!socket.writable) return void socket.destroy();
  const { reason, refusal } = ANSWERS[error.status];
  const path = /^[A-Z]+ (\S+) HTTP/.exec(start)?.[1];
  const body = refusalBody(wireOf(path ?? '/', []), refusal());
  const head = [
    `HTTP/1.1 ${error.status} ${reason}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'x-should-retry: false',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
