/** Rolls packs up when nothing was written for a while, or when there are too many of them; at rest there is no timer. */
import { type Quiet, repackOwn } from './repack.ts';

export interface Upkeep {
  /** Something was written: the rest begins anew. */
  changed(): void;
  stop(): Promise<void>;
}

const REST_MS = 15_000;
/** Looked at only after this many writes, since each makes one pack. */
const WRITES = 50;
/** After so many writes it waits for no rest: each pack makes the next group slower, and a busy day has no pauses. */
const MOST_WRITES = 1_000;

export function createUpkeep(gitDir: string, quiet: Quiet, onError: (error: unknown) => void): Upkeep {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let writes = WRITES;

  function rollUp(): void {
    writes = 0;
    running = running.then(() => repackOwn(gitDir, undefined, quiet)).catch(onError);
  }

  return {
    changed() {
      writes += 1;
      clearTimeout(timer);
      if (writes >= MOST_WRITES) rollUp();
      else if (writes >= WRITES) timer = setTimeout(rollUp, REST_MS);
    },
    async stop() {
      clearTimeout(timer);
      await running;
    },
  };
}
