/**
 * One daemon per home. The lock is an exclusive SQLite transaction on a file of its own: the
 * operating system drops it with the process, so a killed daemon never leaves a stale one.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import SQLite from 'better-sqlite3';
import { messageOf } from '../base/error.ts';
import { failure } from '../errors.ts';

export interface Lock {
  release(): void;
}

/**
 * Takes the lock, or refuses at once.
 * @throws GodelError daemon-running, home-unusable, disk-full
 */
export function takeLock(file: string): Lock {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const db = new SQLite(file, { timeout: 0 });
    try {
      db.pragma('locking_mode = EXCLUSIVE');
      db.exec('begin exclusive');
    } catch (error) {
      db.close();
      throw error;
    }
    return { release: () => db.close() };
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (code === 'SQLITE_BUSY') throw failure('daemon-running', { pid: 'unknown' }, error);
    if (code === 'SQLITE_FULL' || code === 'ENOSPC') throw failure('disk-full', { problem: messageOf(error) }, error);
    throw failure('home-unusable', { path: dirname(file), problem: messageOf(error) }, error);
  }
}
