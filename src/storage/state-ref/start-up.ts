/**
 * Clears what a killed daemon left in a repository: locks of Godel's own refs, half-written packs, packs that its writer
 * kept, and that writer's last words. Only names that are ours are touched, and only while the daemon lock of this home is held.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dropStaleKeeps } from './repack.ts';

/** A lock younger than this (ms) may belong to another home's daemon that is writing right now. */
const LOCK_AGE_MS = 500;
const TEMPORARY_AGE_MS = 3_600_000;
const WAIT_STEP_MS = 25;

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** Removes a lock once it is old enough; a live writer lets go of it long before. */
async function removeWhenStale(file: string): Promise<boolean> {
  for (;;) {
    const info = await stat(file).catch(() => undefined);
    if (!info) return false;
    if (Date.now() - info.mtimeMs >= LOCK_AGE_MS) break;
    await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
  }
  await rm(file, { force: true });
  return true;
}

/** How a report of a writer of ours names what it wrote. */
const OWN_REF = /^refs\/godel\/(state|checkpoint\/.+):$/m;

/** Reports of our writers that lost their daemon in the middle of a group; one of somebody else's import says another ref. */
async function crashReports(gitDir: string): Promise<string[]> {
  const names = (await readdir(gitDir).catch(() => [])).filter((name) => /^fast_import_crash_\d+$/.test(name));
  const found: string[] = [];
  for (const file of names.map((name) => join(gitDir, name))) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (OWN_REF.test(text)) found.push(file);
  }
  return found;
}

/** Removes stale locks under refs/godel and old temporary packs; returns the files that were removed. */
export async function clearStaleLocks(gitDir: string): Promise<string[]> {
  const removed: string[] = [];
  const locks = (await filesUnder(join(gitDir, 'refs', 'godel'))).filter((file) => file.endsWith('.lock'));
  for (const file of locks) if (await removeWhenStale(file)) removed.push(file);
  const packs = join(gitDir, 'objects', 'pack');
  for (const name of await readdir(packs).catch(() => [])) {
    if (!/^tmp_(pack|idx|rev)_/.test(name)) continue;
    const file = join(packs, name);
    const info = await stat(file).catch(() => undefined);
    if (!info || Date.now() - info.mtimeMs < TEMPORARY_AGE_MS) continue;
    await rm(file, { force: true });
    removed.push(file);
  }
  for (const file of await crashReports(gitDir)) {
    await rm(file, { force: true });
    removed.push(file);
  }
  return [...removed, ...(await dropStaleKeeps(gitDir))];
}
