/**
 * Group commit for one repository: takes what is in the outbox, writes it as one commit, marks it
 * flushed, wakes those who wait. It starts at once when idle; what arrives meanwhile forms the next group.
 */
import type { Clock } from '../../base/clock.ts';
import { StateMovedError, writeGroup } from './fast-import.ts';
import { readRef } from './read.ts';

export interface PendingChange {
  id: number;
  path: string;
  content: string | null;
  subject: string;
  createdMs: number;
}

export interface FlusherOptions {
  gitDir: string;
  clock: Clock;
  /** The oldest unflushed changes, in order. */
  loadPending: () => Promise<PendingChange[]>;
  markFlushed: (done: { upToId: number; oid: string }) => Promise<void>;
  /** Another writer moved the ref: takes its changes in before ours are written on top. */
  onMoved: (oid: string | null) => Promise<void>;
  onError: (error: unknown) => void;
}

export interface Flusher {
  /** Writes everything that is pending now. */
  flush(): Promise<void>;
  /** Resolves when the change is in git; rejects when git refused its group. */
  whenFlushed(id: number): Promise<void>;
  backlog(): { rows: number; oldestMs: number };
  stop(): Promise<void>;
}

interface Waiter {
  id: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

const MAX_MOVES = 10;
const RETRY_MS = 2_000;

function messageOf(changes: readonly PendingChange[]): { subject: string; body?: string } {
  const [first] = changes;
  if (changes.length === 1 && first) return { subject: first.subject };
  return { subject: `${changes.length} changes`, body: changes.map((change) => change.subject).join('\n') };
}

export function createFlusher(options: FlusherOptions): Flusher {
  const { gitDir, clock } = options;
  const waiters = new Set<Waiter>();
  let flushedUpTo = 0;
  let running: Promise<void> | undefined;
  let stopped = false;
  let backlog = { rows: 0, oldestMs: 0 };
  let head: string | null | undefined;
  let retry: NodeJS.Timeout | undefined;

  async function write(changes: PendingChange[]): Promise<string> {
    // The last change of a path wins inside a group; the order of the others does not matter.
    const byPath = new Map(changes.map((change) => [change.path, change]));
    for (let attempt = 1; ; attempt += 1) {
      head ??= await readRef(gitDir);
      try {
        return await writeGroup({
          gitDir,
          expected: head,
          changes: [...byPath.values()],
          ...messageOf(changes),
          nowMs: clock.now(),
        });
      } catch (error) {
        if (!(error instanceof StateMovedError) || attempt >= MAX_MOVES) throw error;
        head = await readRef(gitDir);
        await options.onMoved(head);
      }
    }
  }

  function settle(upToId: number): void {
    flushedUpTo = Math.max(flushedUpTo, upToId);
    for (const waiter of waiters) {
      if (waiter.id > flushedUpTo) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  }

  async function flushGroup(): Promise<boolean> {
    const changes = await options.loadPending();
    const [oldest, last] = [changes[0], changes.at(-1)];
    backlog = { rows: changes.length, oldestMs: oldest ? clock.now() - oldest.createdMs : 0 };
    if (!last) return false;
    head = await write(changes);
    await options.markFlushed({ upToId: last.id, oid: head });
    backlog = { rows: 0, oldestMs: 0 };
    settle(last.id);
    return true;
  }

  async function loop(): Promise<void> {
    try {
      while (await flushGroup());
    } catch (error) {
      head = undefined;
      options.onError(error);
      for (const waiter of waiters) waiter.reject(error);
      waiters.clear();
      // The changes stay in the outbox: a full disk heals without anybody's help.
      if (!stopped) retry = setTimeout(() => void kick(), RETRY_MS);
    }
  }

  /** Starts the loop, or another round after the one that runs. */
  function kick(): Promise<void> {
    clearTimeout(retry);
    if (running) return running;
    running = loop().finally(() => {
      running = undefined;
      // A change that came while the last group was being marked would otherwise wait for the next one.
      if (waiters.size > 0 && !stopped) void kick();
    });
    return running;
  }

  return {
    flush: kick,
    whenFlushed(id) {
      if (id <= flushedUpTo) return Promise.resolve();
      return new Promise((resolve, reject) => {
        waiters.add({ id, resolve, reject });
        void kick();
      });
    },
    backlog: () => backlog,
    async stop() {
      stopped = true;
      clearTimeout(retry);
      await running;
    },
  };
}
