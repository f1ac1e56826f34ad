/** Notices that the user's configuration was edited by hand, so that it takes hold without a restart. */
import { mkdirSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { messageOf } from '../base/error.ts';
import type { Log } from '../base/log.ts';

/** Editors write a file in several steps; they are gathered this long (ms). */
const GATHER_MS = 150;

export function startConfigWatch(options: { file: string; changed: () => Promise<void>; log: Log }): {
  stop(): Promise<void>;
} {
  const { file, log } = options;
  let timer: NodeJS.Timeout | undefined;
  const apply = () => {
    options
      .changed()
      .then(() => log.info({ file }, 'configuration was read again'))
      .catch((error: unknown) => log.warn({ file, problem: messageOf(error) }, 'configuration cannot be used yet'));
  };
  // The folder is watched, since editors replace the file.
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
    if (name !== null && name !== basename(file)) return;
    clearTimeout(timer);
    timer = setTimeout(apply, GATHER_MS);
  });
  watcher.on('error', (error) => log.warn({ problem: messageOf(error) }, 'configuration is not watched any more'));
  return {
    async stop() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
