/**
 * Keeps the model true: snapshot, then events, for ever. A daemon that goes away is said so at once
 * and asked again until it answers. After rest an event reaches the model at once, in a burst at most ten times a second.
 */

import { messageOf } from '../src/base/error.ts';
import type { GodelEvent } from '../src/base/event.ts';
import type { BoardSnapshot } from '../src/system/schema.ts';
import { BOARD_PATTERNS, type BoardChange, changeOf } from './model/changes.ts';
import { clean } from './model/text.ts';
import type { BoardClient } from './ports.ts';
import type { Store } from './store.ts';

/** Shortest time (ms) between two draws that nobody asked for by a key. */
const COALESCE_MS = 100;
const RETRY_MS: readonly number[] = [200, 400, 800, 1_500, 2_000];
const SNAPSHOT_TIMEOUT_MS = 15_000;

export interface Connection {
  start(): void;
  stop(): Promise<void>;
}

export interface ConnectionOptions {
  readonly client: BoardClient;
  readonly store: Store;
  readonly now: () => number;
  /** Called after each snapshot; the first one decides whether the first questions are asked. */
  /** Something began to wait and may be heard. */
  readonly onBell?: () => void;
  readonly onSnapshot?: (snapshot: BoardSnapshot) => void;
}

interface Batch {
  add(event: GodelEvent): void;
  stop(): void;
}

/** Collects events; an action of the person in flight makes them pass at once. */
function createBatch(store: Store, now: () => number, onUnreadable: () => void, onBell?: () => void): Batch {
  let changes: BoardChange[] = [];
  let seq = 0;
  let lastFlush = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (changes.length === 0) return;
    const batch = changes;
    changes = [];
    lastFlush = now();
    store.dispatch({ type: 'changes', seq, changes: batch });
  };
  return {
    add(event) {
      const change = changeOf(event);
      if (!change) return onUnreadable();
      seq = Math.max(seq, event.seq);
      if (change.kind === 'none') return;
      if (change.kind === 'inbox' && change.bell) onBell?.();
      changes.push(change);
      const wait = store.get().pending.length > 0 ? 0 : COALESCE_MS - (now() - lastFlush);
      if (wait <= 0) flush();
      else timer ??= setTimeout(flush, wait);
    },
    stop() {
      clearTimeout(timer);
      changes = [];
    },
  };
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
  });
}

export function createConnection({ client, store, now, onBell, onSnapshot }: ConnectionOptions): Connection {
  const stopped = new AbortController();
  let loop: Promise<void> = Promise.resolve();

  function away(problem: string): void {
    const { connection } = store.get();
    const sinceMs = connection.state === 'away' ? connection.sinceMs : now();
    store.dispatch({ type: 'connection', connection: { state: 'away', sinceMs, problem: clean(problem) } });
  }

  /** One life of the stream; true when the daemon asked for a new snapshot, false when the line was cut. */
  async function follow(): Promise<boolean> {
    const snapshot = await client.call('boardShow', {}, { timeoutMs: SNAPSHOT_TIMEOUT_MS, signal: stopped.signal });
    store.dispatch({ type: 'snapshot', snapshot });
    store.dispatch({ type: 'connection', connection: { state: 'live', sinceMs: now() } });
    onSnapshot?.(snapshot);
    const life = new AbortController();
    let isStale = false;
    const reread = () => {
      isStale = true;
      life.abort();
    };
    const batch = createBatch(store, now, reread, onBell);
    const signal = AbortSignal.any([stopped.signal, life.signal]);
    const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    try {
      // After a cut the client would replay; a snapshot is as cheap and also right when the daemon's log was renewed.
      const onConnection = (isConnected: boolean) => {
        if (!isConnected) life.abort();
      };
      await client.events({
        since: snapshot.seq,
        patterns: BOARD_PATTERNS,
        onEvent: batch.add,
        onResync: reread,
        onConnection,
        signal,
      });
      await ended;
    } finally {
      batch.stop();
      life.abort();
    }
    return isStale;
  }

  async function run(): Promise<void> {
    for (let failures = 0; !stopped.signal.aborted; ) {
      try {
        const isStale = await follow();
        failures = 0;
        if (stopped.signal.aborted) return;
        if (!isStale) away('the connection was cut');
      } catch (error) {
        if (stopped.signal.aborted) return;
        away(messageOf(error));
      }
      await delay(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 2_000, stopped.signal);
      failures += 1;
    }
  }

  return {
    start() {
      loop = run();
    },
    async stop() {
      stopped.abort();
      await loop;
    },
  };
}
