/**
 * Puts texts of beads into the index of the search, bit by bit and beside everything else: each change notes only that its
 * text is due, since the index costs more than the rest of a change and only a search needs it. A search waits until
 * nothing is due. What is due is known by the rows themselves, so that a daemon that was killed goes on where it was.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Database, Tx } from './database.ts';
import { indexTexts } from './graph.ts';

export interface SearchFill {
  /** Begins if there is something to do. Returns at once. */
  start(): void;
  /** Something may be due: begins within a second, so that one text of a bead that changes often is enough. */
  soon(): void;
  /** Resolves when every bead can be found by what it holds now; who waits has it done without pauses. */
  done(): Promise<void>;
  /** Ends between two bits; the next start goes on there. */
  stop(): Promise<void>;
}

/** Beads of one transaction: some 10 ms, so that nobody's change waits long. */
const BIT = 300;
/** Longest time (ms) that a text is due without anybody searching. */
const SOON_MS = 1_000;

/** One bit; whether there was anything to do. */
async function fillBit(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ doc_id: number }>`select doc_id from bead_docs
    where indexed <> 1 order by doc_id limit ${BIT}`.execute(tx);
  const last = rows.at(-1)?.doc_id;
  if (last !== undefined) await indexTexts(tx, last);
  return last !== undefined;
}

export function createSearchFill(database: Database, onError: (error: unknown) => void): SearchFill {
  let filling: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  let waiting = 0;
  let timer: NodeJS.Timeout | undefined;

  async function fillDue(): Promise<void> {
    for (let found = true; found && !stopped; ) {
      const started = performance.now();
      // A crash takes the texts back together with what says that they are there.
      found = await database.transact(fillBit, { alone: true, soft: true });
      if (found && waiting === 0) await delay(performance.now() - started);
    }
  }

  async function fill(): Promise<void> {
    try {
      for (again = true; again && !stopped; ) {
        again = false;
        await fillDue();
      }
    } catch (error) {
      onError(error);
    } finally {
      filling = undefined;
    }
  }

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    if (stopped) return;
    // The one that runs may have seen that nothing is left before this was called.
    again = true;
    filling ??= fill();
  }

  return {
    start,
    soon() {
      if (!stopped) timer ??= setTimeout(start, SOON_MS);
    },
    async done() {
      waiting += 1;
      try {
        start();
        await filling;
      } finally {
        waiting -= 1;
      }
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await filling;
    },
  };
}
