/**
 * Landing a branch on the main branch: merged without a checkout, gated at the exact commit that
 * lands, and moved by compare-and-swap. A stop at any point leaves main as it was or fully moved.
 */
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { git, tryGit } from '../base/git.ts';
import { run } from '../base/process.ts';
import { failure } from '../errors.ts';
import { parseWorktrees } from '../repos/worktree.ts';

export interface LandingSpec {
  gitDir: string;
  main: string;
  branch: string;
  beadId: string;
  title: string;
  /** Who accepted it. */
  author: string;
  strategy: 'merge' | 'squash';
}

export interface PreparedLanding {
  /** Commit that will be the new tip of main. */
  commit: string;
  /** Tip of main it was made for. */
  expected: string;
}

async function tipOf(gitDir: string, branch: string): Promise<string | undefined> {
  const result = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]);
  return result.code === 0 ? result.stdout.trim() : undefined;
}

const isAncestor = async (gitDir: string, older: string, newer: string) =>
  (await tryGit(gitDir, ['merge-base', '--is-ancestor', older, newer])).code === 0;

/**
 * Makes the merge commit in the object store only.
 * @throws GodelError nothing-to-review, merge-conflict
 */
export async function prepareLanding(spec: LandingSpec): Promise<PreparedLanding> {
  const { gitDir, main, branch, beadId } = spec;
  const [expected, head] = [await tipOf(gitDir, main), await tipOf(gitDir, branch)];
  if (expected === undefined || head === undefined) throw failure('nothing-to-review', { branch, main });
  if (await isAncestor(gitDir, head, expected)) throw failure('nothing-to-review', { branch, main });
  const merged = await tryGit(gitDir, [
    'merge-tree',
    '--write-tree',
    '--name-only',
    '-z',
    '--no-messages',
    expected,
    head,
  ]);
  const [tree = '', ...conflicts] = merged.stdout.split('\0').filter((part) => part !== '');
  if (merged.code === 1) throw failure('merge-conflict', { id: beadId, main, files: [...new Set(conflicts)] });
  if (merged.code !== 0) throw new Error(`git merge-tree failed: ${merged.stderr.trim()}`);
  const parents = spec.strategy === 'merge' ? ['-p', expected, '-p', head] : ['-p', expected];
  const message = `${spec.title}\n\nAccepted-by: ${spec.author}\nBead: ${beadId}\n`;
  const commit = await git(gitDir, ['commit-tree', tree, ...parents, '-F', '-'], {
    input: message,
    env: await committer(gitDir, spec.author),
  });
  return { commit, expected };
}

/** The person's own git identity where there is one, else Godel's. */
async function committer(gitDir: string, author: string): Promise<Record<string, string>> {
  const name = (await tryGit(gitDir, ['config', '--get', 'user.name'])).stdout.trim() || author;
  const email = (await tryGit(gitDir, ['config', '--get', 'user.email'])).stdout.trim() || 'godel@localhost';
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}

export interface GateSpec {
  gitDir: string;
  top: string;
  commit: string;
  command: string;
  logFile: string;
  env: Readonly<Record<string, string>>;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Runs the gate in a warm, detached worktree at the exact commit. */
export async function runGate(spec: GateSpec): Promise<{ exitCode: number }> {
  const path = join(spec.top, '.godel', 'gate');
  if (await stat(join(path, '.git')).catch(() => undefined)) {
    await git(path, ['checkout', '--quiet', '--detach', '--force', spec.commit], { timeoutMs: 600_000 });
    await git(path, ['clean', '-fd', '--quiet'], { timeoutMs: 600_000 });
  } else {
    await mkdir(dirname(path), { recursive: true });
    await git(spec.gitDir, ['worktree', 'add', '-f', '--detach', path, spec.commit], { timeoutMs: 600_000 });
  }
  const log = await open(spec.logFile, 'w', 0o600);
  try {
    const { env, timeoutMs, signal } = spec;
    const result = await run('sh', ['-c', `exec 2>&1; ${spec.command}`], { cwd: path, env, timeoutMs, signal });
    await log.writeFile(result.stdout);
    return { exitCode: result.code ?? 1 };
  } finally {
    await log.close();
  }
}

export interface LandSpec {
  gitDir: string;
  top: string;
  main: string;
  commit: string;
  expected: string;
}

/** Paths with uncommitted changes that a fast-forward to `commit` would have to touch. */
async function blockingFiles(worktree: string, from: string, commit: string): Promise<string[]> {
  const dirty = await git(worktree, ['status', '--porcelain', '-z', '--untracked-files=all', '--no-renames']);
  const changed = new Set(
    (await git(worktree, ['diff', '--name-only', '-z', '--no-renames', from, commit])).split('\0'),
  );
  const entries = dirty.split('\0').filter((entry) => entry !== '');
  return entries.filter((entry) => changed.has(entry.slice(3))).map((entry) => entry.slice(3));
}

/**
 * Moves main from `expected` to `commit`. Where main is checked out, its files move along.
 * @throws GodelError main-dirty, main-moved
 */
export async function landCommit(spec: LandSpec): Promise<void> {
  const { gitDir, main, commit, expected } = spec;
  const listed = parseWorktrees(await git(gitDir, ['worktree', 'list', '--porcelain']));
  const holder = listed.find((each) => each.branch === main);
  if (holder) await fastForward(holder.path, spec);
  else {
    const moved = await tryGit(gitDir, ['update-ref', `refs/heads/${main}`, commit, expected], {
      config: ['core.fsync=committed'],
    });
    if (moved.code !== 0) throw failure('main-moved', { main });
  }
  const tip = await tipOf(gitDir, main);
  if (tip === undefined || !(await isAncestor(gitDir, commit, tip))) throw failure('main-moved', { main });
}

async function fastForward(path: string, { main, commit, expected }: LandSpec): Promise<void> {
  if ((await git(path, ['rev-parse', 'HEAD'])) !== expected) throw failure('main-moved', { main });
  const files = await blockingFiles(path, expected, commit);
  if (files.length > 0) throw failure('main-dirty', { path, main, files: files.slice(0, 10) });
  const merged = await tryGit(path, ['merge', '--ff-only', '--quiet', commit], {
    config: ['core.fsync=committed', 'core.hooksPath=/dev/null'],
    timeoutMs: 600_000,
  });
  if (merged.code === 0) return;
  const problem = merged.stderr.trim();
  if (/Not possible to fast-forward|diverg/i.test(problem)) throw failure('main-moved', { main });
  if (/No space left/.test(problem)) throw failure('disk-full', { problem: problem.split('\n')[0] });
  throw failure('main-dirty', { path, main, files: [problem.split('\n').slice(0, 3).join(' ')] });
}
