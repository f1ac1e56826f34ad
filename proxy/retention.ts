/** Takes rows that are too old out of the ledger, a few at a time, so that nothing waits for it. Their sums stay. */
import { messageOf } from '../src/base/error.ts';
import type { Log } from '../src/base/log.ts';
import type { Ledger } from './ledger.ts';
import type { RecordingStore } from './recording/store.ts';

const EVERY_MS = 3_600_000;
const PAUSE_MS = 200;
const BATCH = 500;
const DAY_MS = 86_400_000;

export function startRetention(options: {
  ledger: Ledger;
  recordings: Pick<RecordingStore, 'prune'>;
  days: () => number;
  now: () => number;
  log: Log;
}): {
  stop(): void;
} {
  let timer: NodeJS.Timeout;
  function later(ms: number): void {
    timer = setTimeout(work, ms);
    timer.unref();
  }
  function work(): void {
    let removed = 0;
    try {
      const before = new Date(options.now() - options.days() * DAY_MS).toISOString();
      options.recordings.prune(before);
      removed = options.ledger.writable() ? options.ledger.retire(before, BATCH) : 0;
    } catch (error) {
      options.log.warn({ problem: messageOf(error) }, 'old ledger rows could not be removed');
    }
    later(removed === BATCH ? PAUSE_MS : EVERY_MS);
  }
  later(PAUSE_MS * 50);
  return { stop: () => clearTimeout(timer) };
}
