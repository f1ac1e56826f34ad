/**
 * Notices commits on bead branches and on the main branch. It reads ref files, woken by the file
 * system and by a slow timer; git is asked only about branches whose tip really moved.
 */
import { type FSWatcher, watch as watchFolder } from 'node:fs';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/error.ts';
import { tryGit } from '../base/git.ts';
import type { Log } from '../base/log.ts';

export interface BranchMoved {
  beadId: string;
  head: string;
  /** Commits of the branch that are not on the main branch, oldest first. */
  commits: string[];
}

export interface CommitWatchOptions {
  gitDir: string;
  mainBranch: string;
  onBranch: (moved: BranchMoved) => void;
  onMain: (head: string) => void;
  log: Log;
}

export interface CommitWatch {
  start(): Promise<void>;
  /** Looks at once. */
  check(): Promise<void>;
  stop(): Promise<void>;
}

const DEBOUNCE_MS = 100;
const FALLBACK_MS = 15_000;
const MAX_COMMITS = 1_000;

/** Tips in packed-refs, for branches that git packed. */
async function packedTips(gitDir: string): Promise<Map<string, string>> {
  const text = await readFile(join(gitDir, 'packed-refs'), 'utf8').catch(() => '');
  const tips = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [oid, ref] = line.split(' ');
    if (oid && ref && !line.startsWith('#') && !line.startsWith('^')) tips.set(ref, oid);
  }
  return tips;
}

/** Commits up to `head` that are not on `main` (a ref or a commit), oldest first. */
export async function branchCommits(gitDir: string, main: string, head: string): Promise<string[]> {
  const result = await tryGit(gitDir, ['rev-list', '--reverse', `--max-count=${MAX_COMMITS}`, head, `^${main}`]);
  return result.code === 0 ? result.stdout.split('\n').filter((oid) => oid !== '') : [];
}

export function createCommitWatch(options: CommitWatchOptions): CommitWatch {
  const { gitDir, mainBranch, log } = options;
  const heads = join(gitDir, 'refs', 'heads');
  const tips = new Map<string, string>();
  const watchers: FSWatcher[] = [];
  let fallback: NodeJS.Timeout | undefined;
  let debounce: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let packed = { stamp: '', tips: new Map<string, string>() };

  async function currentTips(): Promise<Map<string, string>> {
    const info = await stat(join(gitDir, 'packed-refs')).catch(() => undefined);
    const stamp = info ? `${info.mtimeMs}:${info.size}:${info.ino}` : '';
    if (stamp !== packed.stamp) packed = { stamp, tips: await packedTips(gitDir) };
    const found = new Map<string, string>();
    for (const [ref, oid] of packed.tips)
      if (ref.startsWith('refs/heads/bead/') || ref === `refs/heads/${mainBranch}`) found.set(ref, oid);
    const names = await readdir(join(heads, 'bead')).catch(() => []);
    const refs = [...names.map((name) => `bead/${name}`), mainBranch];
    for (const name of refs) {
      const oid = (await readFile(join(heads, name), 'utf8').catch(() => '')).trim();
      if (/^[0-9a-f]{40,64}$/.test(oid)) found.set(`refs/heads/${name}`, oid);
    }
    return found;
  }

  async function look(): Promise<void> {
    const mainRef = `refs/heads/${mainBranch}`;
    // Against main as it was: what was committed and merged between two looks was still the branch's own.
    const before = tips.get(mainRef) ?? mainRef;
    const found = await currentTips();
    const moved = [...found].filter(([ref, oid]) => tips.get(ref) !== oid);
    for (const [ref, oid] of moved) {
      tips.set(ref, oid);
      const beadId = /^refs\/heads\/bead\/(godel-[a-z0-9]{5})$/.exec(ref)?.[1];
      if (beadId) options.onBranch({ beadId, head: oid, commits: await branchCommits(gitDir, before, oid) });
    }
    // Last, so that the commits of the branches are known when main is compared with them.
    const main = moved.find(([ref]) => ref === mainRef);
    if (main) options.onMain(main[1]);
  }

  function check(): Promise<void> {
    running = running
      .then(look)
      .catch((error: unknown) => log.warn({ problem: messageOf(error) }, 'refs could not be read'));
    return running;
  }

  function soon(): void {
    clearTimeout(debounce);
    debounce = setTimeout(() => void check(), DEBOUNCE_MS);
  }

  function watchOne(folder: string): void {
    try {
      const watcher = watchFolder(folder, soon);
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
    } catch (error) {
      log.debug({ folder, problem: messageOf(error) }, 'folder cannot be watched; the timer is left');
    }
  }

  return {
    async start() {
      await mkdir(join(heads, 'bead'), { recursive: true });
      for (const folder of [heads, join(heads, 'bead')]) watchOne(folder);
      fallback = setInterval(() => void check(), FALLBACK_MS);
      await check();
    },
    check,
    async stop() {
      clearInterval(fallback);
      clearTimeout(debounce);
      for (const watcher of watchers) watcher.close();
      await running;
    },
  };
}
