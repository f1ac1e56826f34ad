/** Notices that the user's configuration was edited by hand, so that it takes hold without a restart. */
import { messageOf } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import { statsOf } from '../base/stats.ts';

/** An edit takes hold after this time (ms) at the latest, twice that while an editor still writes. */
const LOOK_MS = 1_000;

/** Changes with every edit; editors replace the file, others write into it. */
function stampOf(file: string): string {
  const info = statsOf(file);
  return info ? `${info.ino}:${info.size}:${info.mtimeMs}` : '';
}

/**
 * Looks at the file itself: to watch its folder, which editors make necessary, wakes the daemon at every change of the
 * database that lies beside it.
 */
export function startConfigWatch(options: { file: string; changed: () => Promise<void>; log: Log }): {
  stop(): Promise<void>;
} {
  const { file, log } = options;
  let applied = stampOf(file);
  let before = applied;

  function apply(): void {
    options
      .changed()
      .then(() => log.info({ file }, 'configuration was read again'))
      .catch((error: unknown) => log.warn({ file, problem: messageOf(error) }, 'configuration cannot be used yet'));
  }

  const timer = setInterval(() => {
    const now = stampOf(file);
    // Editors write a file in several steps: it has to be the same for one look.
    if (now !== applied && now === before) {
      applied = now;
      apply();
    }
    before = now;
  }, LOOK_MS);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
    },
  };
}
