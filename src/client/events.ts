/** Events of the daemon over its WebSocket: replayed from a position, then live, reconnected for ever. */
import { connect } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import type { GodelEvent } from '../base/event.ts';
import type { Endpoint } from './http.ts';

export interface EventsOptions {
  /** Position already known; events after it are replayed. */
  since: number;
  patterns?: readonly string[] | undefined;
  onEvent: (event: GodelEvent) => void;
  /** The daemon cannot replay from here: a snapshot must be read again. */
  onResync: () => void;
  onConnection?: ((connected: boolean) => void) | undefined;
  signal: AbortSignal;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const RESYNC_CODE = 4009;

/** The path of a socket is no part of a URL: it may hold `#`, `?` or `%`. */
function target(endpoint: Endpoint): { url: string; options: ClientOptions } {
  const { socketPath } = endpoint;
  if (socketPath !== undefined) return { url: 'ws://daemon', options: { createConnection: () => connect(socketPath) } };
  return { url: (endpoint.url ?? 'http://127.0.0.1:7373').replace(/^http/, 'ws'), options: {} };
}

/** Follows events until the signal aborts. Returns at once. */
export function followEvents(
  endpoint: Endpoint,
  headers: Record<string, string>,
  projectId: string | undefined,
  options: EventsOptions,
): void {
  let position = options.since;
  let pauseMs = FIRST_PAUSE_MS;

  function open(): void {
    if (options.signal.aborted) return;
    const patterns = (options.patterns ?? ['*']).join(',');
    const query = new URLSearchParams({
      since: String(position),
      patterns,
      ...(projectId === undefined ? {} : { projectId }),
    });
    const { url, options: how } = target(endpoint);
    const socket = new WebSocket(`${url}/events?${query}`, 'godel-events-v1', { ...how, headers });
    const abort = () => socket.terminate();
    options.signal.addEventListener('abort', abort, { once: true });
    socket.on('open', () => {
      pauseMs = FIRST_PAUSE_MS;
      options.onConnection?.(true);
    });
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as {
        type: string;
        payload: GodelEvent & { code?: string; lastSeq?: number };
      };
      if (message.type === 'event') {
        position = message.payload.seq;
        options.onEvent(message.payload);
      } else if (message.type === 'error' && message.payload.code === 'resync') {
        position = message.payload.lastSeq ?? position;
        options.onResync();
      }
    });
    socket.on('error', () => {});
    socket.on('close', (code) => {
      options.signal.removeEventListener('abort', abort);
      if (options.signal.aborted) return;
      options.onConnection?.(false);
      setTimeout(open, code === RESYNC_CODE ? 0 : pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    });
  }

  open();
}
