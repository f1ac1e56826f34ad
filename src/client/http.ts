/** One HTTP exchange with the daemon, over its Unix socket or a URL. Plain node:http, to start fast. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface Endpoint {
  socketPath?: string | undefined;
  /** Base URL, for example http://127.0.0.1:7373; used when there is no socket. */
  url?: string | undefined;
  /** Connections that outlive an exchange; without it each exchange has one of its own. */
  connections?: HttpAgent | undefined;
}

/** Longest time (ms) a connection is kept for the next exchange: far shorter than the daemon keeps its end. */
const IDLE_MS = 5_000;

/** Connections kept open between exchanges; at rest they keep no process alive. */
export function keptConnections(endpoint: Endpoint): HttpAgent {
  const isSecure = endpoint.socketPath === undefined && endpoint.url?.startsWith('https:');
  return new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true, timeout: IDLE_MS });
}

export interface Exchange {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string | undefined;
  /** Milliseconds; 0 waits without limit. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

function target(endpoint: Endpoint, path: string): { options: RequestOptions; secure: boolean } {
  if (endpoint.socketPath !== undefined) return { options: { socketPath: endpoint.socketPath, path }, secure: false };
  const url = new URL(path, endpoint.url ?? 'http://127.0.0.1:7373');
  return {
    options: { host: url.hostname, port: url.port, path: url.pathname + url.search },
    secure: url.protocol === 'https:',
  };
}

/** What went wrong on a connection that was kept, and closed by the other end before the request was out. */
class StaleConnectionError extends Error {}

function attempt(endpoint: Endpoint, spec: Exchange): Promise<Answer> {
  const { options, secure } = target(endpoint, spec.path);
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(
      {
        ...options,
        method: spec.method,
        headers: spec.headers,
        agent: endpoint.connections ?? false,
        ...(spec.signal ? { signal: spec.signal } : {}),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    request.on('error', (error: NodeJS.ErrnoException) =>
      reject(isUnsent(request.reusedSocket, spec.method, error) ? new StaleConnectionError() : error),
    );
    if (spec.timeoutMs > 0)
      request.setTimeout(spec.timeoutMs, () => request.destroy(new Error(`no answer in ${spec.timeoutMs} ms`)));
    request.end(spec.body);
  });
}

/** A pipe that is broken took nothing; after a reset nobody knows, so only what may be asked twice is asked again. */
function isUnsent(isReused: boolean, method: string, error: NodeJS.ErrnoException): boolean {
  return isReused && (error.code === 'EPIPE' || (error.code === 'ECONNRESET' && method === 'GET'));
}

/** Resolves with any answer; rejects when there is none. */
export async function exchange(endpoint: Endpoint, spec: Exchange): Promise<Answer> {
  try {
    return await attempt(endpoint, spec);
  } catch (error) {
    if (!(error instanceof StaleConnectionError)) throw error;
    return attempt({ ...endpoint, connections: undefined }, spec);
  }
}
