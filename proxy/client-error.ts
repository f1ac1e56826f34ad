/** Answers what is not even a request (headers that are too large, too slow or no HTTP) in the dialect it seems to be meant for. */
import type { Socket } from 'node:net';
import { type Refusal, refusals } from './refusal.ts';
import { refusalBody } from './wire/errors.ts';
import { wireOf } from './wire/routes.ts';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

function refusalOf(code: string | undefined): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') return refusals.headersTooLarge();
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? refusals.tooSlow() : refusals.notHttp();
}

export function answerClientError(error: Error & { code?: string; rawPacket?: Buffer }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const path = /^[A-Z]+ (\S+) HTTP/.exec(error.rawPacket?.toString('latin1', 0, 2_048) ?? '')?.[1];
  const refusal = refusalOf(error.code);
  const body = refusalBody(wireOf(path ?? '/', {}), refusal);
  const head = [
    `HTTP/1.1 ${refusal.status} ${REASONS[refusal.status] ?? 'Error'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'x-should-retry: false',
    'connection: close',
  ];
  // What is still coming is thrown away, or the answer would be lost with the connection.
  socket.resume();
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
