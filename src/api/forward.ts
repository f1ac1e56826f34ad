/** Passes /proxy/v1/… on to the proxy without looking at it. */
import { request as httpRequest } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../base/error.ts';
import { failure } from '../errors.ts';

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'proxy-authorization',
  'te',
  'trailer',
]);

function endToEnd(headers: Record<string, string | string[] | undefined>): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !HOP_BY_HOP.has(name));
  return Object.fromEntries(kept) as Record<string, string | string[]>;
}

/** @throws GodelError proxy-down when the proxy cannot be reached */
export async function forwardToProxy(
  request: FastifyRequest,
  reply: FastifyReply,
  proxyUrl: string | undefined,
): Promise<void> {
  if (proxyUrl === undefined) throw failure('proxy-down', { problem: 'it is not running' });
  const target = new URL(request.url, proxyUrl);
  const upstream = httpRequest(target, { method: request.method, headers: endToEnd(request.headers) });
  const answered = new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    upstream.on('response', resolve);
    upstream.on('error', reject);
  });
  reply.raw.once('close', () => reply.raw.writableFinished || upstream.destroy());
  request.raw.pipe(upstream);
  const response = await answered.catch((error: unknown) => {
    throw failure('proxy-down', { problem: messageOf(error) }, error);
  });
  reply.hijack();
  reply.raw.writeHead(response.statusCode ?? 502, endToEnd(response.headers));
  // A cut upstream must not look like a clean end: pipeline destroys the client's connection with it.
  await pipeline(response, reply.raw).catch(() => reply.raw.destroy());
}
