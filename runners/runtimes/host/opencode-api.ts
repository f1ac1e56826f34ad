/** The HTTP interface that opencode serves beside its own screen: requests, and the stream of what happens. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../../../src/base/json-lines.ts';

/** Name of the proxy in its configuration. */
export const OPENCODE_PROVIDER = 'godel';

export interface OpencodeApi {
  /** Resolves when it answers; rejects after the time (ms), or when it was stopped. */
  ready(limitMs: number): Promise<void>;
  get<T>(path: string): Promise<T>;
  /** Rejects when no answer came in time (ms). */
  post(path: string, body: object, limitMs?: number): Promise<Json>;
  /** Follows the events until it is stopped; `onGap` is called when some may have been missed. */
  follow(onEvent: (type: string, properties: Json) => void, onGap: () => void): Promise<void>;
  stop(): void;
}

const REQUEST_MS = 30_000;
const PAUSE_MS = 200;

/** The events in a stream of server-sent events; a piece that is cut goes on with the next. */
async function* eventsIn(body: AsyncIterable<Uint8Array>): AsyncGenerator<Json> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) yield JSON.parse(line.slice(5)) as Json;
  }
}

export function createOpencodeApi(port: number, password: string): OpencodeApi {
  const base = `http://127.0.0.1:${port}`;
  const headers = {
    authorization: `Basic ${Buffer.from(`opencode:${password}`).toString('base64')}`,
    'content-type': 'application/json',
  };
  const stopped = new AbortController();
  const signal = (ms: number) => AbortSignal.any([stopped.signal, AbortSignal.timeout(ms)]);

  async function request(path: string, init: RequestInit, ms = REQUEST_MS): Promise<unknown> {
    const response = await fetch(`${base}${path}`, { ...init, headers, signal: signal(ms) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 300)}`);
    return text === '' ? {} : JSON.parse(text);
  }

  return {
    async ready(limitMs) {
      const deadline = Date.now() + limitMs;
      for (;;) {
        const failed = await request('/global/health', {}, 5_000).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failed === undefined) return;
        if (stopped.signal.aborted || Date.now() > deadline) throw failed;
        await delay(PAUSE_MS);
      }
    },
    get: async <T>(path: string) => (await request(path, {})) as T,
    post: async (path, body, limitMs) =>
      (await request(path, { method: 'POST', body: JSON.stringify(body) }, limitMs)) as Json,
    async follow(onEvent, onGap) {
      for (let first = true; !stopped.signal.aborted; first = false) {
        try {
          const { body } = await fetch(`${base}/event`, { headers, signal: stopped.signal });
          if (!first) onGap();
          for await (const event of eventsIn(body as unknown as AsyncIterable<Uint8Array>))
            onEvent(String(event.type), (event.properties ?? {}) as Json);
        } catch {
          // It ended, or its stream was cut: the next round tells.
        }
        await delay(PAUSE_MS);
      }
    },
    stop: () => stopped.abort(),
  };
}
