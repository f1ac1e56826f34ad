/**
 * Brings what was committed to the disk without holding up the process: SQLite itself would wait for the disk in the
 * middle of a commit, and with it every other request, while the system can do it beside them.
 */
import { type FileHandle, open } from 'node:fs/promises';

export interface LogSync {
  /** Resolves when everything that was committed before the call is on disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** `file` is the write-ahead log: a commit is what was written to it (sqlite.org/wal.html), the database file follows later. */
export async function openLogSync(file: string): Promise<LogSync> {
  const log: FileHandle = await open(file, 'r+');
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function start(): Promise<void> {
    next = undefined;
    const flush = log.datasync().finally(() => {
      if (running === flush) running = undefined;
    });
    running = flush;
    return flush;
  }

  return {
    sync() {
      if (running === undefined) return start();
      // The one that runs may have begun before this commit; one more does for all who come meanwhile.
      next ??= running.then(start, start);
      return next;
    },
    async close() {
      await next?.catch(() => {});
      await running?.catch(() => {});
      await log.close();
    },
  };
}
