/** The WebSocket `/events`, protocol godel-events-v1 (spec-v2 section 3.2): replay, then live, never a silent gap. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import type { Actor } from '../access/schema.ts';
import { GodelError, messageOf } from '../base/error.ts';
import { type GodelEvent, payloadText, typeMatcher } from '../base/event.ts';
import { newId } from '../base/id.ts';
import type { EventSource } from './server.ts';

const messageSchema = z.object({
  id: z.string(),
  type: z.enum(['subscribe', 'unsubscribe', 'command', 'ping', 'pong']),
  payload: z.record(z.string(), z.unknown()).default({}),
});

export interface EventsSocketOptions {
  events: EventSource;
  /** The actor of an upgrade request; undefined refuses it. */
  actorOf: (request: IncomingMessage) => Promise<Actor | undefined>;
  /** Runs an operation by name, as a command of the protocol asks for. */
  command: (actor: Actor, name: string, input: Record<string, unknown>) => Promise<unknown>;
}

export interface EventsSocket {
  attach(server: Server): void;
  stop(): Promise<void>;
}

interface Filter {
  patterns: string[];
  projectId?: string | undefined;
  beadId?: string | undefined;
  agentId?: string | undefined;
}

/** A filter in force. */
interface Subscription extends Filter {
  matchers: readonly ((type: string) => boolean)[];
}

const REPLAY_BATCH = 1_000;
const HEARTBEAT_MS = 30_000;
/** A client that has this much (bytes) unread is told to read a snapshot again. */
const MAX_BUFFERED = 8 * 1024 * 1024;
const RESYNC_CODE = 4009;

function passes(event: GodelEvent, filter: Subscription): boolean {
  const { metadata } = event;
  if (filter.projectId !== undefined && metadata.projectId !== filter.projectId) return false;
  if (filter.beadId !== undefined && metadata.beadId !== filter.beadId) return false;
  if (filter.agentId !== undefined && metadata.agentId !== filter.agentId) return false;
  return filter.matchers.some((matches) => matches(event.type));
}

/** Events as they are told, written once for all who hear them. */
const texts = new WeakMap<GodelEvent, string>();

/** The payload is in it twice, for those who know it as `data`. */
function textOf(event: GodelEvent): string {
  const known = texts.get(event);
  if (known !== undefined) return known;
  const { payload: _payload, ...head } = event;
  const body = payloadText(event);
  const text = `${JSON.stringify(head).slice(0, -1)},"payload":${body},"data":${body}}`;
  texts.set(event, text);
  return text;
}

/** What is told in one go is written in one go. */
function gather(stream: Duplex): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

/** One connection: its subscriptions, and a cursor that makes replay and live meet without gap or repetition. */
function createFeed(socket: WebSocket, stream: Duplex, events: EventSource) {
  let filters: Subscription[] = [];
  let cursor = events.lastSeq();
  let replaying = false;

  const say = (type: string, payload: unknown, id: string = newId(), metadata?: object) =>
    socket.send(JSON.stringify({ id, type, timestamp: Date.now(), payload, ...(metadata ? { metadata } : {}) }));

  function deliver(event: GodelEvent): void {
    if (event.seq <= cursor) return;
    cursor = event.seq;
    if (!filters.some((filter) => passes(event, filter))) return;
    if (socket.bufferedAmount > MAX_BUFFERED) {
      say('error', { code: 'resync', message: 'Too slow: read a snapshot again.', lastSeq: cursor });
      socket.close(RESYNC_CODE, 'resync');
      return;
    }
    gather(stream);
    socket.send(`{"id":"${newId()}","type":"event","timestamp":${Date.now()},"payload":${textOf(event)}}`);
  }

  /** Reads the log from `since` to its end; what is published meanwhile is in the log as well. */
  async function replay(since: number): Promise<void> {
    if (since > 0 && events.oldestSeq() > since + 1) {
      say('error', { code: 'resync', message: 'Those events are no longer kept.', lastSeq: events.lastSeq() });
    }
    replaying = true;
    cursor = since;
    try {
      for (;;) {
        const batch = await events.since(cursor, REPLAY_BATCH, {});
        for (const event of batch) deliver(event);
        if (batch.length < REPLAY_BATCH && cursor >= events.lastSeq()) break;
        if (batch.length === 0) break;
      }
    } finally {
      replaying = false;
    }
  }

  return {
    say,
    live: (event: GodelEvent) => {
      if (!replaying) deliver(event);
    },
    replay,
    subscribe: (filter: Filter) => {
      filters = [...filters, { ...filter, matchers: filter.patterns.map(typeMatcher) }];
    },
    unsubscribe: (patterns: string[]) => {
      filters = patterns.length === 0 ? [] : filters.filter((filter) => filter.patterns.join() !== patterns.join());
    },
  };
}

type Feed = ReturnType<typeof createFeed>;

export function createEventsSocket(options: EventsSocketOptions): EventsSocket {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: 1024 * 1024,
    handleProtocols: (offered) => (offered.has('godel-events-v1') ? 'godel-events-v1' : false),
  });
  const feeds = new Map<WebSocket, { feed: Feed; alive: boolean }>();
  const unsubscribe = options.events.bus.subscribe((event) => {
    for (const { feed } of feeds.values()) feed.live(event);
  });
  const heartbeat = setInterval(() => {
    for (const [socket, state] of feeds) {
      if (!state.alive) socket.terminate();
      state.alive = false;
      socket.ping();
    }
  }, HEARTBEAT_MS);
  heartbeat.unref();

  async function handle(feed: Feed, actor: Actor, text: string): Promise<void> {
    const message = messageSchema.parse(JSON.parse(text));
    const { id, payload } = message;
    if (message.type === 'ping') return feed.say('pong', {}, id);
    if (message.type === 'subscribe') {
      const patterns = z.array(z.string()).default(['*']).parse(payload.patterns);
      const filters = z
        .object({ projectId: z.string().optional(), beadId: z.string().optional(), agentId: z.string().optional() })
        .default({})
        .parse(payload.filters);
      feed.subscribe({ patterns, ...filters });
      return feed.say('response', { success: true }, id);
    }
    if (message.type === 'unsubscribe') {
      feed.unsubscribe(z.array(z.string()).default([]).parse(payload.patterns));
      return feed.say('response', { success: true }, id);
    }
    if (message.type !== 'command') return;
    const { command, ...input } = payload;
    const data = await options.command(actor, String(command).replaceAll(':', ' '), input);
    feed.say('response', { success: true, data }, id, { correlationId: id });
  }

  async function open(socket: WebSocket, stream: Duplex, actor: Actor, url: URL): Promise<void> {
    const feed = createFeed(socket, stream, options.events);
    feeds.set(socket, { feed, alive: true });
    socket.on('pong', () => {
      const state = feeds.get(socket);
      if (state) state.alive = true;
    });
    socket.on('close', () => feeds.delete(socket));
    socket.on('error', () => socket.terminate());
    socket.on('message', (data) => {
      handle(feed, actor, String(data)).catch((error: unknown) => {
        const code = error instanceof GodelError ? error.kind : 'invalid_request';
        feed.say('error', { code, message: messageOf(error) });
      });
    });
    const patterns = url.searchParams.get('patterns')?.split(',');
    const projectId = url.searchParams.get('projectId') ?? undefined;
    const since = url.searchParams.get('since');
    if (patterns || since !== null) feed.subscribe({ patterns: patterns ?? ['*'], projectId });
    if (since !== null) await feed.replay(Number(since) || 0);
  }

  async function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://godel');
    const known = url.pathname === '/events' || url.pathname === '/api/v1/events';
    const actor = known ? await options.actorOf(request) : undefined;
    if (!actor) {
      stream.end(`HTTP/1.1 ${known ? '401 Unauthorized' : '404 Not Found'}\r\nConnection: close\r\n\r\n`);
      return;
    }
    server.handleUpgrade(request, stream, head, (socket) => {
      void open(socket, stream, actor, url).catch(() => socket.terminate());
    });
  }

  return {
    attach(http) {
      http.on('upgrade', (request, stream, head) => {
        stream.on('error', () => stream.destroy());
        void upgrade(request, stream, head).catch(() => stream.destroy());
      });
    },
    async stop() {
      unsubscribe();
      clearInterval(heartbeat);
      for (const socket of feeds.keys()) socket.close(1001, 'daemon stops');
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        setTimeout(() => {
          for (const socket of feeds.keys()) socket.terminate();
        }, 100).unref();
      });
    },
  };
}
