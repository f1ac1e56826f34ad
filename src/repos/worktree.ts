/**
 * One worktree and one branch per bead, under `.godel/worktrees/` of the main worktree. Creation is
 * serialised and never sets up tracking: concurrent `worktree add` calls fight for the config lock.
 */
import { appendFile, copyFile, mkdir, open, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, matchesGlob } from 'node:path';
import { messageOf } from '../base/error.ts';
import { git, tryGit } from '../base/git.ts';
import { run } from '../base/process.ts';
import { failure } from '../errors.ts';
import type { Worktree } from './schema.ts';

export interface SetupSpec {
  command: string;
  timeoutMs: number;
  /** Receives everything the command prints. */
  logFile: string;
}

export interface EnsureSpec {
  beadId: string;
  /** Branch or commit a new bead branch starts from. */
  base: string;
  /** Globs of ignored files that are copied from the main worktree. */
  copyPatterns: readonly string[];
  setup?: SetupSpec;
}

export interface Worktrees {
  pathOf(beadId: string): string;
  /** Makes the worktree of a bead, or finds it. @throws GodelError worktree-failed, setup-failed */
  ensure(spec: EnsureSpec): Promise<{ path: string; created: boolean }>;
  list(): Promise<Worktree[]>;
  /** Removes the files; branch and commits stay. The caller takes a snapshot before. */
  remove(spec: { beadId: string }): Promise<void>;
}

interface Listed {
  path: string;
  branch: string;
  head: string;
}

const EXCLUDE_LINE = '.godel/';

/** Parses `worktree list --porcelain`. */
export function parseWorktrees(text: string): Listed[] {
  return text
    .split('\n\n')
    .filter((block) => block.trim() !== '')
    .map((block) => ({
      path: /^worktree (.*)$/m.exec(block)?.[1] ?? '',
      branch: /^branch refs\/heads\/(.*)$/m.exec(block)?.[1] ?? '',
      head: /^HEAD (.*)$/m.exec(block)?.[1] ?? '',
    }));
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** Keeps Godel's folder out of the user's status without touching a tracked file. */
async function excludeFolder(gitDir: string): Promise<void> {
  const file = join(gitDir, 'info', 'exclude');
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.split('\n').includes(EXCLUDE_LINE)) return;
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${EXCLUDE_LINE}\n`);
}

/** Copies ignored files that match, never tracked ones and never over a file that is there. */
async function copyIgnored(top: string, path: string, patterns: readonly string[]): Promise<void> {
  if (patterns.length === 0) return;
  const ignored = await git(top, ['ls-files', '--others', '--ignored', '--exclude-standard', '--directory', '-z']);
  for (const name of ignored.split('\0')) {
    if (name === '' || name.endsWith('/') || !patterns.some((pattern) => matchesGlob(name, pattern))) continue;
    await mkdir(dirname(join(path, name)), { recursive: true });
    await copyFile(join(top, name), join(path, name)).catch(() => undefined);
  }
}

async function runSetup(path: string, setup: SetupSpec): Promise<void> {
  const log = await open(setup.logFile, 'w', 0o600);
  try {
    const result = await run('sh', ['-c', `exec 2>&1; ${setup.command}`], { cwd: path, timeoutMs: setup.timeoutMs });
    await log.writeFile(result.stdout);
    if (result.code === 0) return;
    const exitCode = result.timedOut ? `none (stopped after ${setup.timeoutMs} ms)` : (result.code ?? result.signal);
    throw failure('setup-failed', { command: setup.command, exitCode, logFile: setup.logFile });
  } finally {
    await log.close();
  }
}

export function createWorktrees(options: { gitDir: string; top: string }): Worktrees {
  const { gitDir, top } = options;
  const pathOf = (beadId: string) => join(top, '.godel', 'worktrees', beadId);
  const branchOf = (beadId: string) => `bead/${beadId}`;
  let queue: Promise<unknown> = Promise.resolve();

  /** `worktree add` and `remove` change shared files of the repository: one at a time. */
  function serialised<T>(work: () => Promise<T>): Promise<T> {
    const next = queue.then(work, work);
    queue = next.catch(() => undefined);
    return next;
  }

  const registered = async () => parseWorktrees(await git(gitDir, ['worktree', 'list', '--porcelain']));

  async function add(spec: EnsureSpec): Promise<{ path: string; created: boolean; newBranch: boolean }> {
    const [path, branch] = [pathOf(spec.beadId), branchOf(spec.beadId)];
    const holder = (await registered()).find((each) => each.branch === branch);
    const here = await exists(join(path, '.git'));
    if (holder && here && (await samePath(holder.path, path))) return { path, created: false, newBranch: false };
    if (holder && (await exists(holder.path)) && !(await samePath(holder.path, path))) {
      throw failure('worktree-failed', {
        id: spec.beadId,
        problem: `branch ${branch} is checked out in ${holder.path}`,
      });
    }
    const known = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]);
    const newBranch = known.code !== 0;
    const target = newBranch ? ['-b', branch, path, spec.base] : [path, branch];
    // -f heals a worktree that is registered although its folder is gone.
    const result = await tryGit(
      gitDir,
      ['worktree', 'add', '--no-track', '-f', ...target].filter((arg) => newBranch || arg !== '--no-track'),
      { timeoutMs: 600_000 },
    );
    if (result.code !== 0) {
      const problem = result.stderr.trim().split('\n').at(-1) ?? 'git worktree add failed';
      if (/No space left/.test(result.stderr)) throw failure('disk-full', { problem });
      throw failure('worktree-failed', { id: spec.beadId, problem });
    }
    return { path, created: true, newBranch };
  }

  async function discard(beadId: string, newBranch: boolean): Promise<void> {
    await tryGit(gitDir, ['worktree', 'remove', '--force', '--force', pathOf(beadId)], { timeoutMs: 600_000 });
    // -d refuses a branch with commits of its own, so no work can go with it.
    if (newBranch) await tryGit(gitDir, ['branch', '-d', branchOf(beadId)]);
  }

  return {
    pathOf,
    async ensure(spec) {
      const made = await serialised(async () => {
        await excludeFolder(gitDir);
        return add(spec);
      });
      if (!made.created) return made;
      try {
        await copyIgnored(top, made.path, spec.copyPatterns);
        if (spec.setup) await runSetup(made.path, spec.setup);
      } catch (error) {
        await serialised(() => discard(spec.beadId, made.newBranch));
        throw error;
      }
      return { path: made.path, created: true };
    },
    async list() {
      const root = await realpath(join(top, '.godel', 'worktrees')).catch(() => join(top, '.godel', 'worktrees'));
      const mine = (await registered()).filter(
        (each) => each.path.startsWith(`${root}/`) && each.branch.startsWith('bead/'),
      );
      return Promise.all(mine.map((each) => describe(each)));
    },
    remove: ({ beadId }) =>
      serialised(async () => {
        const path = pathOf(beadId);
        const result = await tryGit(gitDir, ['worktree', 'remove', '--force', path], { timeoutMs: 600_000 });
        if (result.code === 0 || !(await exists(path))) return void (await tryGit(gitDir, ['worktree', 'prune']));
        throw failure('worktree-failed', {
          id: beadId,
          problem: result.stderr.trim().split('\n').at(-1) ?? messageOf(result),
        });
      }),
  };
}

async function samePath(a: string, b: string): Promise<boolean> {
  const [x, y] = await Promise.all([a, b].map((path) => realpath(path).catch(() => path)));
  return x === y;
}

async function describe(listed: Listed): Promise<Worktree> {
  const there = await exists(listed.path);
  const status = there ? await tryGit(listed.path, ['status', '--porcelain', '-z']) : undefined;
  return {
    beadId: listed.branch.slice('bead/'.length),
    path: listed.path,
    branch: listed.branch,
    head: listed.head,
    dirty: status?.code === 0 && status.stdout !== '',
    exists: there,
  };
}
