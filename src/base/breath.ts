/** Long work in one process: everything else gets its turn now and then. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longest time (ms) for which long work holds up everything else. */
const LONGEST_MS = 10;

/** To be called again and again by work that may take long; resolves at once until it has gone on for some time. */
export function createBreath(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < LONGEST_MS) return;
    await nextTurn();
    since = performance.now();
  };
}
