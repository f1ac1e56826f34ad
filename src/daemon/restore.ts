/**
 * Puts a prepared backup in place before anything is opened. What was there is moved aside, never deleted; cut short,
 * the next start goes on where it ended.
 */
import { existsSync } from 'node:fs';
import { copyFile, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { backupSchema } from '../backup/schema.ts';
import { restoreFolder } from '../backup/service.ts';
import { tryGit } from '../base/git.ts';
import type { Log } from '../base/log.ts';
import type { HomePaths } from '../base/paths.ts';
import { isRunning } from '../base/process.ts';
import { STATE_REF } from '../storage/state-ref/layout.ts';

async function isProxyRunning(paths: HomePaths): Promise<boolean> {
  const text = await readFile(paths.proxyFile, 'utf8').catch(() => '{}');
  const { pid } = JSON.parse(text) as { pid?: number };
  return pid !== undefined && isRunning(pid);
}

async function place(from: string, to: string, suffix: string): Promise<void> {
  if (!existsSync(from)) return;
  for (const part of ['', '-wal', '-shm']) if (existsSync(to + part)) await rename(to + part, `${to}${suffix}${part}`);
  await copyFile(from, `${to}.new`);
  await rename(`${to}.new`, to);
  await rm(from);
}

/** The home that takes a backup over is a writer of its own. */
function forgetReplica(file: string): void {
  const database = new SQLite(file);
  try {
    database.exec('delete from replica');
  } finally {
    database.close();
  }
}

/** A repository that lost its record gets it from the bundle. */
async function fetchBundles(folder: string): Promise<void> {
  const { projects } = backupSchema.parse({
    ...JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')),
    path: folder,
  });
  for (const { path, bundle } of projects) {
    if (bundle === undefined || !existsSync(path)) continue;
    if ((await tryGit(path, ['rev-parse', '--verify', '--quiet', STATE_REF])).code === 0) continue;
    await tryGit(path, [
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      join(folder, bundle),
      `${STATE_REF}:${STATE_REF}`,
    ]);
  }
}

/** True when a backup was put in place. */
export async function applyRestore(paths: HomePaths, nowMs: number, log: Log): Promise<boolean> {
  const folder = restoreFolder(paths);
  if (!existsSync(join(folder, 'manifest.json'))) return false;
  const suffix = `.before-restore-${nowMs}`;
  if (existsSync(join(folder, 'godel.db'))) forgetReplica(join(folder, 'godel.db'));
  await place(join(folder, 'godel.db'), paths.databaseFile, suffix);
  if (await isProxyRunning(paths)) {
    log.warn(
      'the ledger is in use by the proxy; it is put in place once the proxy was stopped: godel daemon stop --all',
    );
    return true;
  }
  await place(join(folder, 'ledger.db'), paths.ledgerFile, suffix);
  if (!existsSync(paths.configFile)) await place(join(folder, 'config.yaml'), paths.configFile, suffix);
  await fetchBundles(folder);
  await rm(folder, { recursive: true, force: true });
  log.info('a backup was put in place');
  return true;
}
