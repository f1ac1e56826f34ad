/** Takes the rows of the ledger: into the journal at once, into the tables in groups; keeps them while the disk refuses. */
import type { LedgerEntry } from '../src/costs/schema.ts';
import type { Journal } from './journal.ts';
import { type Row, type RowTable, rowOf } from './ledger-rows.ts';

export interface LedgerOptions {
  onBroken?: (error: unknown, waiting: number) => void;
  onMended?: (written: number) => void;
}

/** A ledger that could not be written is tried again this often (ms). */
const MEND_MS = 500;
/** Rows are in the tables within this time (ms), or as soon as there are so many of them. */
const GROUP_MS = 100;
const GROUP = 128;

export function createLedgerWriter(table: RowTable, journal: Journal, options: LedgerOptions) {
  let pending: Row[] = [];
  let waiting: (() => void)[] = [];
  /** Rows that one turn of the event loop brings are handed over together. */
  let handingOver = false;
  let timer: NodeJS.Timeout | undefined;
  let broken = false;

  /** The answers were paid for: they are not held back for the disk, and their rows wait. */
  function breakDown(error: unknown): void {
    if (!broken) options.onBroken?.(error, pending.length);
    broken = true;
    clearTimeout(timer);
    timer = setTimeout(flush, MEND_MS);
    timer.unref();
  }

  function flush(): void {
    if (pending.length === 0) return;
    try {
      for (const problem of table.write(pending)) options.onBroken?.(problem, 1);
      journal.clear();
    } catch (error) {
      return breakDown(error);
    }
    if (broken) options.onMended?.(pending.length);
    broken = false;
    pending = [];
    clearTimeout(timer);
    timer = undefined;
  }

  function handOver(): void {
    handingOver = false;
    try {
      journal.write();
    } catch (error) {
      breakDown(error);
    }
    const going = waiting;
    waiting = [];
    for (const then of going) then();
    if (pending.length >= GROUP) flush();
  }

  return {
    add(entry: LedgerEntry) {
      const row = rowOf(entry);
      pending.push(row);
      if (broken) return;
      journal.add(row);
      timer ??= setTimeout(flush, GROUP_MS);
      if (handingOver) return;
      handingOver = true;
      setImmediate(handOver);
    },
    written(then: () => void) {
      if (handingOver) waiting.push(then);
      else then();
    },
    writable: () => !broken,
    flush,
    /** Takes over what an earlier process could not bring into the tables. */
    recover() {
      // A line that an earlier release left is a whole entry.
      pending = journal.left().map((line) => (Array.isArray(line) ? line : rowOf(line as LedgerEntry)));
      flush();
    },
    stop() {
      flush();
      clearTimeout(timer);
    },
  };
}
