/**
 * The one way a service changes something: rows, events and outbox in one transaction, then the
 * events are published, then (for what is kept in git) the answer waits until git has it.
 */

import { acting } from '../base/acting.ts';
import { createBreath } from '../base/breath.ts';
import type { Clock } from '../base/clock.ts';
import type { EventBus, EventDraft, GodelEvent } from '../base/event.ts';
import type { EventType } from '../events.ts';
import type { Database, Tx } from './database.ts';
import { appendEvent } from './journal.ts';
import type { Rules } from './record/rules.ts';
import { persistRecord, type RecordDraft, type Replica } from './records.ts';
import type { TransactOptions } from './transactions.ts';

export interface Unit {
  readonly tx: Tx;
  /** Milliseconds since the epoch, the same for the whole unit. */
  readonly nowMs: number;
  readonly now: string;
  emit(draft: EventDraft & { type: EventType }): Promise<void>;
  /** Keeps a record in the state ref of `projectId`. */
  persist(projectId: string, draft: RecordDraft): Promise<void>;
}

export interface UnitOfWork {
  /** Resolves when all of it is durable, in SQLite and where persisted in git. */
  run<T>(work: (unit: Unit) => Promise<T>): Promise<T>;
  /**
   * For what is seen rather than wanted, and would be seen again: resolves, and is told, when it is committed. It outlives a
   * crash of the daemon; one of the machine may take the last second of it back. What nobody waits for may go along with the
   * next one (`lazy`): it keeps its place in the order.
   */
  note<T>(work: (unit: Unit) => Promise<T>, how?: { lazy?: boolean }): Promise<T>;
}

export interface UnitOfWorkOptions {
  database: Database;
  bus: EventBus;
  clock: Clock;
  replica: Replica;
  /** How the fields of the record at a path merge. */
  rulesOf: (path: string) => Rules;
  /** Rejects when git could not take a change now. */
  assertWritable?: (projectId: string) => Promise<void>;
  /** Resolves when the outbox row is in git; rejects when git refused it. */
  flushed: (projectId: string, outboxId: number) => Promise<void>;
  /** While git is being written, what ends when it is done: a change made now is in git after that at the earliest. */
  writing?: () => Promise<unknown> | undefined;
}

/** How soon a unit is told and on disk. */
type Haste = Pick<TransactOptions, 'soft' | 'lazy'>;

export function createUnitOfWork(options: UnitOfWorkOptions): UnitOfWork {
  const { database, bus, clock, replica, rulesOf, flushed } = options;
  /** Does the work in a transaction; what resolves when git has it. */
  async function commit<T>(work: (unit: Unit) => Promise<T>, how: Haste): Promise<[T, Promise<unknown>]> {
    const events: GodelEvent[] = [];
    /** The last outbox row of each project that it changed. */
    const waits = new Map<string, number>();
    let inGit: Promise<unknown> = Promise.resolve();
    const result = await database.transact(
      async (tx) => {
        const nowMs = clock.now();
        const breathe = createBreath();
        return work({
          tx,
          nowMs,
          now: new Date(nowMs).toISOString(),
          emit: async (draft) => void events.push(await appendEvent(tx, attributed(draft), nowMs)),
          persist: async (projectId, draft) => {
            await breathe();
            // Here a refusal rolls everything back; after the commit it could only be told of.
            if (!waits.has(projectId)) await options.assertWritable?.(projectId);
            const rules = rulesOf(draft.path);
            const named = { ...draft, subject: withName(draft.subject) };
            waits.set(projectId, await persistRecord(tx, { projectId, draft: named, rules, replica, nowMs }));
          },
        });
      },
      {
        ...how,
        until: how.soft ? undefined : options.writing?.(),
        // Git writes while the database waits for the disk.
        committed() {
          inGit = Promise.all([...waits].map(([projectId, id]) => flushed(projectId, id)));
          inGit.catch(() => {});
        },
      },
    );
    await bus.publish(events);
    return [result, inGit];
  }

  async function run<T>(work: (unit: Unit) => Promise<T>, how: Haste): Promise<T> {
    const [result, inGit] = await commit(work, how);
    await inGit;
    return result;
  }

  return {
    run: (work) => run(work, { soft: false }),
    note: (work, { lazy = false } = {}) => run(work, { soft: true, lazy }),
  };
}

/** An event says who caused it, and what it takes back. */
function attributed(draft: EventDraft): EventDraft {
  const who = acting();
  if (!who) return draft;
  const causation = who.undoes === undefined ? {} : { causationId: who.undoes };
  const together = who.together === undefined ? {} : { correlationId: who.together };
  return { ...draft, metadata: { userId: who.id, ...causation, ...together, ...draft.metadata } };
}

/** The subject of a change names who made it. */
function withName(subject: string): string {
  const name = acting()?.name;
  return name === undefined || subject.includes(name) ? subject : `${subject} (${name})`;
}
