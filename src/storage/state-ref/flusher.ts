/**
 * Group commit for one repository: takes what is in the outbox, writes it as one commit, marks it
 * flushed, wakes those who wait. It starts at once when idle; what arrives meanwhile forms the next group.
 */
import type { Clock } from '../../base/clock.ts';
import { git, looseRef } from '../../base/git.ts';
import { createGroupWriter, StateMovedError } from './group-writer.ts';
import { STATE_REF } from './layout.ts';
import { readRef } from './read.ts';

export interface PendingChange {
  id: number;
  path: string;
  content: string;
  subject: string;
  createdMs: number;
}

export interface FlusherOptions {
  gitDir: string;
  clock: Clock;
  /** The oldest changes after the one with id `after`, in order. */
  loadPending: (after: number, limit: number) => Promise<PendingChange[]>;
  /** Forgets changes that are in git. They are acknowledged before: a start finds out by itself what git has. */
  markFlushed: (done: { upToId: number; oid: string }) => Promise<void>;
  /** Another writer moved the ref: takes its changes in before ours are written on top. */
  onMoved: (oid: string | null) => Promise<void>;
  onError: (error: unknown) => void;
  /** Last paragraph of a commit message, one `Name: value` a line. */
  trailers: (changes: readonly PendingChange[]) => string;
}

/** What a merge may do with the ref while it has it to itself. */
export interface FlusherTurn {
  head(): Promise<string | null>;
  /** Writes everything that is pending; with `merged` as one commit that has it as second parent. */
  commit(merged?: string): Promise<void>;
  /** Moves the ref to a descendant, or to where it begins. */
  forward(oid: string): Promise<void>;
  /** Ends the process that writes, so that its packs may be moved. */
  release(): Promise<void>;
}

export interface Flusher {
  /** Writes everything that is pending now. */
  flush(): Promise<void>;
  /** Resolves when the change is in git; rejects when git refused its group. */
  whenFlushed(id: number): Promise<void>;
  /** Takes in what another writer did to the ref, if anything. */
  reread(): Promise<void>;
  /** Runs `work` while nothing else is written. */
  merge<T>(work: (turn: FlusherTurn) => Promise<T>): Promise<T>;
  /** While a group is being written, what ends with it. */
  writing(): Promise<unknown> | undefined;
  backlog(): { rows: number; oldestMs: number };
  stop(): Promise<void>;
}

interface Waiter {
  id: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

const MAX_MOVES = 10;
/** Most changes of one commit; a merge is one commit whatever its size. */
const GROUP = 1_000;
const RETRY_MS = 2_000;

/** What `git log refs/godel/state` shows: the change itself, or their number and a list, then the trailers. */
function messageOf(
  changes: readonly PendingChange[],
  trailers: string,
  merged: string | undefined,
): { subject: string; body: string } {
  // What Godel notes about itself does not hide the one change it comes with.
  const work = changes.filter((change) => !/^(replicas\/|format\.json)/.test(change.path));
  const [first] = work;
  const subject = work.length === 1 && first ? first.subject : `${changes.length} changes`;
  const list = changes.length > 1 ? `${changes.map((change) => change.subject).join('\n')}\n\n` : '';
  return { subject: merged ? `merge ${merged.slice(0, 10)}: ${subject}` : subject, body: `${list}${trailers}` };
}

export function createFlusher(options: FlusherOptions): Flusher {
  const { gitDir, clock } = options;
  const writer = createGroupWriter(gitDir);
  const waiters = new Set<Waiter>();
  let flushedUpTo = 0;
  let writing: Promise<string> | undefined;
  let running: Promise<void> | undefined;
  let stopped = false;
  let backlog = { rows: 0, oldestMs: 0 };
  /** Commit of the ref; undefined when it has to be looked at first. */
  let head: string | null | undefined;
  /** The last commit that was taken in or is ours: nothing is written on top of another. */
  let taken: string | null | undefined;
  let retry: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  /** What is in git and was not taken out of the outbox yet. */
  let unmarked: { upToId: number; oid: string } | undefined;
  let marking: Promise<void> = Promise.resolve();

  /** One attempt to write the oldest changes on top of the ref as it is now. */
  async function write(changes: readonly PendingChange[], expected: string | null, merged?: string): Promise<string> {
    // The last change of a path wins inside a group; the order of the others does not matter.
    const byPath = new Map(changes.map((change) => [change.path, change]));
    const message = messageOf(changes, options.trailers(changes), merged);
    return writer.write({
      expected,
      changes: [...byPath.values()],
      ...message,
      ...(merged === undefined ? {} : { merged }),
      nowMs: clock.now(),
    });
  }

  function settle(upToId: number): void {
    flushedUpTo = Math.max(flushedUpTo, upToId);
    for (const waiter of waiters) {
      if (waiter.id > flushedUpTo) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  }

  async function mark(): Promise<void> {
    if (!unmarked) return;
    const done = unmarked;
    await options.markFlushed(done);
    if (unmarked === done) unmarked = undefined;
  }

  /** Takes out of the outbox what git has; the next change need not wait for it. */
  function markSoon(oid: string): void {
    unmarked = { upToId: flushedUpTo, oid };
    marking = marking.then(mark).catch(options.onError);
  }

  /** The outbox holds only what git does not have. */
  const marked = (): Promise<void> => marking.then(mark);

  /** Writes a group; what others wrote meanwhile is taken in first. False when there was nothing to write. */
  async function flushGroup(merged?: string): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      const most = merged === undefined ? GROUP : Number.MAX_SAFE_INTEGER;
      const changes = await options.loadPending(flushedUpTo, most);
      const [oldest, last] = [changes[0], changes.at(-1)];
      backlog = { rows: changes.length, oldestMs: oldest ? clock.now() - oldest.createdMs : 0 };
      if (!last && merged === undefined) return false;
      if (head === undefined) {
        await marked();
        await reread();
        continue;
      }
      try {
        writing = write(changes, head, merged);
        const oid = await writing.finally(() => {
          writing = undefined;
        });
        head = taken = oid;
        backlog = { rows: 0, oldestMs: 0 };
        settle(last?.id ?? 0);
        markSoon(oid);
        return true;
      } catch (error) {
        if (!(error instanceof StateMovedError) || attempt >= MAX_MOVES) throw error;
        await marked();
        await reread();
      }
    }
  }

  /** Takes in what another writer did to the ref; whether there was anything. */
  async function reread(): Promise<boolean> {
    // Until that is done the next group begins here again.
    head = undefined;
    const found = await readRef(gitDir);
    const isMoved = found !== taken;
    if (isMoved) await options.onMoved(found);
    head = taken = found;
    return isMoved;
  }

  /** As `exclusive`, with an outbox that holds only what git does not have. */
  const settled = <T>(work: () => Promise<T>): Promise<T> => exclusive(() => marked().then(work));

  /** One at a time: groups, rereading, merges. */
  function exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  const turnOf: FlusherTurn = {
    async head() {
      return head === undefined ? readRef(gitDir) : head;
    },
    async commit(merged) {
      if (merged === undefined) while (await flushGroup());
      else await flushGroup(merged);
      await marked();
    },
    async forward(oid) {
      const before = (await turnOf.head()) ?? '0'.repeat(oid.length);
      await git(gitDir, ['update-ref', STATE_REF, oid, before], { config: ['core.fsync=committed'] });
      // Whoever moved it takes it in; should that fail, the next group does.
      head = undefined;
    },
    release: () => writer.close(),
  };

  async function loop(): Promise<void> {
    try {
      let asked: Waiter[];
      do asked = [...waiters];
      while (await exclusive(() => flushGroup()));
      // Nothing is left to write: whoever waits still would wait for ever.
      for (const waiter of asked)
        if (waiters.delete(waiter)) waiter.reject(new Error(`change ${waiter.id} is not in the outbox`));
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
    async reread() {
      const moved = await settled(async () => {
        const loose = await looseRef(gitDir, STATE_REF);
        return loose !== undefined && loose === head ? false : reread();
      });
      if (moved) await kick();
    },
    merge: (work) => settled(() => work(turnOf)),
    writing: () => writing,
    backlog: () => backlog,
    async stop() {
      stopped = true;
      clearTimeout(retry);
      await running;
      await turn;
      await marking;
      await writer.close();
    },
  };
}
