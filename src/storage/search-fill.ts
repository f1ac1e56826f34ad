/**
 * Puts the texts of beads that were rebuilt from git into the index of the search, bit by bit and beside everything else:
 * it takes as long as the rebuild itself, and only a search needs it. What is left is known by the rows themselves, so
 * that a daemon that was killed goes on where it was.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Database, Tx } from './database.ts';
import { indexTexts } from './graph.ts';

export interface SearchFill {
  /** Begins if there is something to do. Returns at once. */
  start(): void;
  /** Resolves when every bead can be found; who waits has it done without pauses. */
  done(): Promise<void>;
  /** Ends between two bits; the next start goes on there. */
  stop(): Promise<void>;
}

/** Beads of one transaction: some 10 ms, so that nobody's change waits long. */
const BIT = 300;

export function createSearchFill(database: Database, onError: (error: unknown) => void): SearchFill {
  let filling: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  let waiting = 0;

  /** One bit, from after the document `after` on; the last document of it, undefined when there was none. */
  async function fillBit(tx: Tx, after: number): Promise<number | undefined> {
    const { rows } = await sql<{ doc_id: number }>`select doc_id from bead_docs
      where doc_id > ${after} and indexed = 0 order by doc_id limit ${BIT}`.execute(tx);
    const last = rows.at(-1)?.doc_id;
    if (last !== undefined) await indexTexts(tx, after, last);
    return last;
  }

  async function fill(): Promise<void> {
    for (let after: number | undefined = 0; !stopped; ) {
      const from: number = after;
      const started = performance.now();
      const last: number | undefined = await database.transact((tx) => fillBit(tx, from), { alone: true });
      if (last === undefined && !again) return;
      // A rebuild meanwhile may have left older documents to do.
      again &&= last !== undefined;
      after = last ?? 0;
      if (waiting === 0) await delay(performance.now() - started);
    }
  }

  function start(): void {
    again = filling !== undefined;
    if (stopped) return;
    filling ??= fill()
      .catch(onError)
      .finally(() => {
        filling = undefined;
      });
  }

  return {
    start,
    async done() {
      waiting += 1;
      try {
        await filling;
      } finally {
        waiting -= 1;
      }
    },
    async stop() {
      stopped = true;
      await filling;
    },
  };
}
