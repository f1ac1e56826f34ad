/** Rolls packs up when nothing was written for a while; at rest there is no timer. */
import { type Quiet, repackOwn } from './repack.ts';

export interface Upkeep {
  /** Something was written: the rest begins anew. */
  changed(): void;
  stop(): Promise<void>;
}

const REST_MS = 15_000;
/** Looked at only after this many writes, since each makes one pack. */
const WRITES = 50;

export function createUpkeep(gitDir: string, quiet: Quiet, onError: (error: unknown) => void): Upkeep {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let writes = WRITES;
  return {
    changed() {
      writes += 1;
      clearTimeout(timer);
      if (writes < WRITES) return;
      timer = setTimeout(() => {
        writes = 0;
        running = repackOwn(gitDir, undefined, quiet).catch(onError);
      }, REST_MS);
    },
    async stop() {
      clearTimeout(timer);
      await running;
    },
  };
}
