/**
 * Keeps the many small packs of the state ref few: packs that our own writer made, listed in `godel-packs`, are rolled up
 * so that each is at least twice as large as all smaller ones together. Packs of the user are never touched.
 */
import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from '../../base/git.ts';

/** Below this many of our packs nothing is done. */
const FEW = 50;
const TIMEOUT_MS = 600_000;

export const packListFile = (gitDir: string): string => join(gitDir, 'godel-packs');
const packFolder = (gitDir: string): string => join(gitDir, 'objects', 'pack');

interface Pack {
  name: string;
  bytes: number;
}

async function listedPacks(gitDir: string): Promise<Set<string>> {
  const text = await readFile(packListFile(gitDir), 'utf8').catch(() => '');
  return new Set(text.match(/pack-[0-9a-f]{40,64}(?=\.pack)/g) ?? []);
}

/** Our packs that still exist; a gc of the user may have taken them in. */
async function ownPacks(gitDir: string): Promise<Pack[]> {
  const names = await listedPacks(gitDir);
  const there = new Set(await readdir(packFolder(gitDir)).catch(() => []));
  const packs: Pack[] = [];
  for (const name of names) {
    // A pack somebody asked git to keep stays.
    if (!there.has(`${name}.pack`) || !there.has(`${name}.idx`) || there.has(`${name}.keep`)) continue;
    packs.push({ name, bytes: (await stat(join(packFolder(gitDir), `${name}.pack`))).size });
  }
  return packs;
}

/** The smallest packs that have to become one, so that sizes grow by a factor of two. */
export function packsToRoll(packs: readonly Pack[]): Pack[] {
  const sorted = [...packs].sort((a, b) => a.bytes - b.bytes);
  let take = 0;
  let sum = 0;
  for (const [index, pack] of sorted.entries()) {
    if (pack.bytes < 2 * sum) take = index + 1;
    sum += pack.bytes;
  }
  return sorted.slice(0, take);
}

/** A pack that git's index over packs names cannot go without that index. */
async function withoutIndexed(gitDir: string, packs: readonly Pack[]): Promise<Pack[]> {
  const index = await readFile(join(packFolder(gitDir), 'multi-pack-index'), 'latin1').catch(() => '');
  return packs.filter((pack) => !index.includes(pack.name));
}

async function writeList(gitDir: string, names: readonly string[]): Promise<void> {
  const file = packListFile(gitDir);
  await writeFile(`${file}.new`, names.map((name) => `${name}.pack: rolled up\n`).join(''));
  await rename(`${file}.new`, file);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

/** Runs work while no process writes packs of ours: one that does would go on with a list that was exchanged. */
export type Quiet = <T>(work: () => Promise<T>) => Promise<T>;

/** Puts a new pack in the place of those it holds. */
async function exchange(gitDir: string, known: readonly Pack[], rolled: readonly Pack[], made: string): Promise<void> {
  const kept = known.filter((pack) => !rolled.includes(pack)).map((pack) => pack.name);
  // New ones may have come meanwhile: they are read again and stay in the list.
  const now = (await ownPacks(gitDir))
    .map((pack) => pack.name)
    .filter((name) => !known.some((pack) => pack.name === name));
  await writeList(gitDir, [...new Set([...kept, made, ...now])]);
  for (const { name } of rolled) {
    if (name === made) continue;
    for (const part of ['.idx', '.rev', '.pack']) await rm(join(packFolder(gitDir), name + part), { force: true });
  }
}

/** Rolls our small packs up; how many there were and are. Nothing is deleted before its objects are on disk elsewhere. */
export async function repackOwn(
  gitDir: string,
  least = FEW,
  quiet: Quiet = (work) => work(),
): Promise<{ before: number; after: number }> {
  const packs = await quiet(async () => withoutIndexed(gitDir, await ownPacks(gitDir)));
  const rolled = packs.length < least ? [] : packsToRoll(packs);
  if (rolled.length < 2) return { before: packs.length, after: packs.length };
  const input = rolled.map((pack) => `${pack.name}.pack\n`).join('');
  const base = join(packFolder(gitDir), 'pack');
  const args = ['pack-objects', '--stdin-packs', '--quiet', '--delta-base-offset', '--window=50', base];
  const hash = await git(gitDir, args, { input, config: ['core.fsync=all', 'pack.threads=1'], timeoutMs: TIMEOUT_MS });
  await syncFolder(packFolder(gitDir));
  await quiet(() => exchange(gitDir, packs, rolled, `pack-${hash.trim()}`));
  return { before: packs.length, after: packs.length - rolled.length + 1 };
}

/** What fast-import writes into the `.keep` of a pack it made, until it ends. */
const KEPT_BY_WRITER = 'fast-import';

/** Lets go of packs of ours that a killed writer kept: git would never take them in. Returns the files removed. */
export async function dropStaleKeeps(gitDir: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await listedPacks(gitDir)) {
    const file = join(packFolder(gitDir), `${name}.keep`);
    if ((await readFile(file, 'utf8').catch(() => '')) !== KEPT_BY_WRITER) continue;
    await rm(file, { force: true });
    removed.push(file);
  }
  return removed;
}
