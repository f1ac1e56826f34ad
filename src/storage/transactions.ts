/**
 * Groups of transactions: units of work that wait for the writer share one SQLite transaction, and so one flush of the
 * disk. Each has a savepoint of its own: one that fails takes back its own work and nobody else's, and none is told that
 * it is done before all of them are on disk. A lone unit waits for nobody.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Kysely, Transaction } from 'kysely';
import { asAsked } from '../base/acting.ts';
import type { Tables } from './tables.ts';

export type Tx = Transaction<Tables>;

export interface TransactOptions {
  /** Takes long: it shares with nobody, so that nobody waits for it who need not. */
  alone?: boolean;
  /** What is done is of no use to anybody before this resolves: others may come along until then. */
  until?: Promise<unknown> | undefined;
  /** Called when others can see what is done, which may not be on disk yet. */
  committed?: () => void;
  /** Told when others can see it: a crash of the machine may take it back, one of the daemon does not. On disk within a second. */
  soft?: boolean;
  /** Nobody waits for it: it goes along with the next one, if there is one soon. */
  lazy?: boolean;
}

export type Transact = <T>(work: (tx: Tx) => Promise<T>, options?: TransactOptions) => Promise<T>;

/** What the connection itself can do, without the cost of a query builder. */
export interface Savepoints {
  /** False after SQLite took everything back by itself, as it does when the disk is full. */
  readonly inTransaction: boolean;
  begin(): void;
  commit(): void;
  /** Takes the whole transaction back. */
  abort(): void;
  set(): void;
  release(): void;
  rollback(): void;
}

interface Member extends TransactOptions {
  work: (tx: Tx) => Promise<unknown>;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

/** What a member is told: that others can see its work, and how it ended once the group is on disk. */
interface Outcome {
  soft: boolean;
  committed(): void;
  tell(): void;
}

/** Longest time (ms) during which a group takes others in while git is being written. */
const OPEN_MS = 20;
/** And while git waits for it: small groups in turns keep both busy, where one group of all would let one wait for the other. */
const BRIEF_MS = 5;
/** Longest time (ms) a lazy one waits for company. */
const LAZY_MS = 200;
/** Longest time (ms) until a soft one is on disk. */
const SOFT_MS = 1_000;

export interface TransactParts {
  /** The one connection that writes; nothing else uses it. */
  writer: Kysely<Tables>;
  savepoints: Savepoints;
  /** Resolves when everything that was committed is on disk. */
  synced: () => Promise<void>;
}

/** For how long a group takes others in. */
interface Window {
  /** There is time for more until this resolves. */
  stay(until: Promise<unknown> | undefined): void;
  /** What has to end before anybody needs the group. */
  until(): Promise<unknown> | undefined;
  /** Milliseconds left; none from zero down. */
  restMs(): number;
}

function createWindow(): Window {
  const opened = performance.now();
  let until: Promise<unknown> | undefined;
  return {
    stay(next) {
      if (!next || next === until) return;
      until = next;
      const over = () => {
        if (until === next) until = undefined;
      };
      next.then(over, over);
    },
    until: () => until,
    restMs: () => opened + (until ? OPEN_MS : BRIEF_MS) - performance.now(),
  };
}

/** Runs the work of everybody in the order of their calls. */
export function createTransact({ writer, savepoints, synced }: TransactParts): Transact {
  // All there is to a transaction of Kysely is that it runs on one connection, and this one has no other.
  const tx = writer as Tx;
  const waiting: Member[] = [];
  let running = false;
  let arrived: (() => void) | undefined;
  let soon: NodeJS.Timeout | undefined;
  let unsynced: NodeJS.Timeout | undefined;
  /** Ends when every group so far was told. */
  let told: Promise<void> = Promise.resolve();

  /** Does the work of one member. */
  async function attempt(member: Member): Promise<Outcome> {
    const soft = member.soft ?? false;
    savepoints.set();
    try {
      const value = await member.work(tx);
      savepoints.release();
      return { soft, committed: () => member.committed?.(), tell: () => member.resolve(value as never) };
    } catch (error) {
      // Nothing of the whole group is left.
      if (!savepoints.inTransaction) throw error;
      savepoints.rollback();
      return { soft, committed() {}, tell: () => member.reject(error) };
    }
  }

  /** The next one for this group, if it may join; those who are on their way get a turn of the event loop to arrive. */
  async function joining(window: Window): Promise<Member | undefined> {
    if (waiting.length === 0) await nextTurn();
    const until = window.until();
    if (waiting.length === 0 && until) await arrival(until, window.restMs());
    return waiting[0]?.alone || window.restMs() <= 0 ? undefined : waiting.shift();
  }

  /** Resolves when somebody comes, and at the latest with `until` or after `ms`. */
  function arrival(until: Promise<unknown>, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      arrived = () => {
        clearTimeout(timer);
        resolve();
      };
      until.then(arrived, arrived);
    });
  }

  function sync(): Promise<void> {
    clearTimeout(unsynced);
    unsynced = undefined;
    return synced();
  }

  /** Nobody is left to be told when it fails; the next one that waits for the disk is. */
  function syncSoon(): void {
    unsynced ??= setTimeout(() => void sync().catch(() => {}), SOFT_MS);
  }

  /** Resolves when a group is as safe as its members want it; one that wants it on disk makes all of them wait. */
  async function safe(outcomes: readonly Outcome[]): Promise<void> {
    if (outcomes.some(({ soft }) => !soft)) await sync();
    else syncSoon();
  }

  /** Tells everybody of a group once it is safe, in the order of the groups; the next group need not wait for that. */
  async function acknowledge(
    members: readonly Member[],
    outcomes: readonly Outcome[],
    before: Promise<void>,
  ): Promise<void> {
    try {
      for (const outcome of outcomes) outcome.committed();
      await safe(outcomes);
    } catch (error) {
      for (const member of members) member.reject(error);
      return;
    }
    await before;
    for (const outcome of outcomes) outcome.tell();
  }

  async function runGroup(first: Member): Promise<void> {
    const members = [first];
    const outcomes: Outcome[] = [];
    try {
      savepoints.begin();
      const window = createWindow();
      for (let member: Member | undefined = first; member; ) {
        window.stay(member.until);
        outcomes.push(await attempt(member));
        member = first.alone ? undefined : await joining(window);
        if (member) members.push(member);
      }
      savepoints.commit();
    } catch (error) {
      if (savepoints.inTransaction) savepoints.abort();
      for (const member of members) member.reject(error);
      return;
    }
    told = acknowledge(members, outcomes, told);
  }

  async function run(): Promise<void> {
    running = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) await runGroup(next);
    running = false;
  }

  function start(): void {
    clearTimeout(soon);
    soon = undefined;
    if (!running) void run();
  }

  return (work, options = {}) =>
    new Promise((resolve, reject) => {
      // Whoever's turn begins the group, each works as who he is.
      waiting.push({ ...options, work: asAsked(work), resolve, reject });
      if (running) arrived?.();
      else if (options.lazy) soon ??= setTimeout(start, LAZY_MS);
      else start();
    });
}
