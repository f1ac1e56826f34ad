/**
 * What git must do for worktrees of beads, which live under `.godel/worktrees/` of the main worktree. Shared files of
 * the repository are changed by one call at a time and tracking is never set up: concurrent `worktree add` calls fight for the
 * config lock and leave orphan branches. Files are written outside that queue, as many at once as there are cores.
 */
import { mkdir, realpath, rename, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { adminDirOf, git, tryGit } from '../base/git.ts';
import { failure } from '../errors.ts';
import { isSamePath, type ListedWorktree, listWorktrees } from '../repos/worktree.ts';
import { exclude } from './files.ts';
import { readSparse, SPARSE_CONFIG, writeSparse } from './sparse.ts';

/** Reason of the locks Godel sets, so that `git worktree prune` and gc of the repository leave its worktrees alone. */
export const LOCK_REASON = 'in use by Godel';
const LONG_MS = 3_600_000;

export interface AddSpec {
  beadId: string;
  /** Branch or commit a new bead branch starts from. */
  base: string;
  sparse: readonly string[];
}

export interface Added {
  path: string;
  created: boolean;
  newBranch: boolean;
}

export interface Trees {
  readonly gitDir: string;
  readonly top: string;
  readonly root: string;
  readonly poolRoot: string;
  readonly trashRoot: string;
  pathOf(beadId: string): string;
  list(): Promise<ListedWorktree[]>;
  /** Makes the worktree of a bead, or finds it. @throws GodelError worktree-failed, disk-full */
  add(spec: AddSpec): Promise<Added>;
  /** Makes a worktree without a branch at `path`. */
  addDetached(path: string, base: string, sparse: readonly string[]): Promise<void>;
  /** Moves a worktree and takes its lock along. */
  move(from: string, to: string): Promise<void>;
  /** Makes git forget the worktree that was at `path`; the files are not touched. */
  unregister(path: string): Promise<void>;
  /** Takes back a worktree nobody has worked in, and its branch when it has no commit of its own. */
  discard(beadId: string, newBranch: boolean): Promise<void>;
  hasBranch(beadId: string): Promise<boolean>;
  adminDirOf(path: string): Promise<string>;
  /** Git in a worktree, with the settings of a sparse checkout where it is one. */
  inside(path: string, args: readonly string[]): Promise<string>;
  serialised<T>(work: () => Promise<T>): Promise<T>;
}

export const branchOf = (beadId: string) => `bead/${beadId}`;
export const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;

/** One after the other, whatever becomes of each. */
function createQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let queue: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = queue.then(work, work);
    queue = next.catch(() => undefined);
    return next;
  };
}

/** At most `size` at once. */
function createGate(size: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = size;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

function refuse(beadId: string, stderr: string): never {
  const problem = stderr.trim().split('\n').at(-1) || 'git worktree add failed';
  if (/No space left/.test(stderr)) throw failure('disk-full', { problem });
  throw failure('worktree-failed', { id: beadId, problem });
}

export function createTrees(options: { gitDir: string; top: string }): Trees {
  const { gitDir, top } = options;
  const godel = join(top, '.godel');
  const root = join(godel, 'worktrees');
  const serialised = createQueue();
  const checkouts = createGate(availableParallelism());
  const pathOf = (beadId: string) => join(root, beadId);

  async function inside(path: string, args: readonly string[]): Promise<string> {
    const isSparse = (await readSparse(await adminDirOf(path))) !== undefined;
    const config = ['checkout.workers=0', 'core.hooksPath=/dev/null', ...(isSparse ? SPARSE_CONFIG : [])];
    return git(path, args, { config, timeoutMs: LONG_MS });
  }

  /** Writes the files of a worktree that was added without them. */
  async function fill(path: string, beadId: string, sparse: readonly string[]): Promise<void> {
    try {
      await writeSparse(await adminDirOf(path), sparse);
      await checkouts(() => inside(path, ['reset', '--hard', '--quiet']));
    } catch (error) {
      refuse(beadId, error instanceof Error ? error.message : String(error));
    }
  }

  async function register(beadId: string, target: readonly string[]): Promise<void> {
    // -f twice heals a worktree that is registered and locked although its folder is gone.
    const how = ['-f', '-f', '--no-checkout', '--lock', '--reason', LOCK_REASON];
    const result = await tryGit(gitDir, ['worktree', 'add', ...how, ...target], { timeoutMs: LONG_MS });
    if (result.code !== 0) refuse(beadId, result.stderr);
  }

  async function place(spec: AddSpec): Promise<Added> {
    const [path, branch] = [pathOf(spec.beadId), branchOf(spec.beadId)];
    await exclude(gitDir, '.godel/');
    const holder = (await listWorktrees(gitDir)).find((each) => each.branch === branch);
    if (holder && (await isSamePath(holder.path, path)) && (await isThere(join(path, '.git'))))
      return { path, created: false, newBranch: false };
    if (holder && (await isThere(holder.path)) && !(await isSamePath(holder.path, path))) {
      const problem = `branch ${branch} is checked out in ${holder.path}`;
      throw failure('worktree-failed', { id: spec.beadId, problem });
    }
    const newBranch = !(await hasBranch(spec.beadId));
    await register(spec.beadId, newBranch ? ['--no-track', '-b', branch, path, spec.base] : [path, branch]);
    return { path, created: true, newBranch };
  }

  async function unregister(path: string): Promise<void> {
    const result = await tryGit(gitDir, ['worktree', 'remove', '--force', '--force', path], { timeoutMs: LONG_MS });
    if (result.code === 0 || /is not a working tree/.test(result.stderr)) return;
    throw failure('worktree-failed', { id: path, problem: result.stderr.trim().split('\n').at(-1) });
  }

  async function discard(beadId: string, newBranch: boolean): Promise<void> {
    await serialised(async () => {
      await tryGit(gitDir, ['worktree', 'remove', '--force', '--force', pathOf(beadId)], { timeoutMs: LONG_MS });
      if (newBranch) await dropBranch(branchOf(beadId));
    });
  }

  /** Deletes a branch whose commits another ref has too, so no work can go with it. */
  async function dropBranch(branch: string): Promise<void> {
    const ref = `refs/heads/${branch}`;
    const tip = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', ref]);
    if (tip.code !== 0) return;
    const oid = tip.stdout.trim();
    const holders = await git(gitDir, ['for-each-ref', '--count=2', `--contains=${oid}`, '--format=%(refname)']);
    if (holders.split('\n').some((each) => each !== ref)) await tryGit(gitDir, ['update-ref', '-d', ref, oid]);
  }

  const hasBranch = async (beadId: string) =>
    (await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', `refs/heads/${branchOf(beadId)}`])).code === 0;

  return {
    gitDir,
    top,
    root,
    poolRoot: join(godel, 'pool'),
    trashRoot: join(godel, 'trash'),
    pathOf,
    list: () => listWorktrees(gitDir),
    async add(spec) {
      const added = await serialised(() => place(spec));
      if (!added.created) return added;
      try {
        await fill(added.path, spec.beadId, spec.sparse);
        return added;
      } catch (error) {
        await discard(spec.beadId, added.newBranch);
        throw error;
      }
    },
    async addDetached(path, base, sparse) {
      await serialised(async () => {
        await exclude(gitDir, '.godel/');
        await mkdir(dirname(path), { recursive: true });
        await register(path, ['--detach', path, base]);
      });
      await fill(path, path, sparse);
    },
    move: (from, to) =>
      serialised(async () => {
        await mkdir(dirname(to), { recursive: true });
        await git(gitDir, ['worktree', 'move', '--force', '--force', from, to], { timeoutMs: LONG_MS });
      }),
    unregister: (path) => serialised(() => unregister(path)),
    discard,
    hasBranch,
    adminDirOf,
    inside,
    serialised,
  };
}

/** Moves a folder aside in one step; undefined when there was none. */
export async function moveAside(path: string, folder: string, name: string): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  const target = join(await realpath(folder), name);
  try {
    await rename(path, target);
    return target;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
