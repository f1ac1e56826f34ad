/** Finds the repository a folder belongs to, and refuses what agents could not work on, with the reason. */
import { constants } from 'node:fs';
import { access, mkdtemp, realpath, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf } from '../base/error.ts';
import { tryGit } from '../base/git.ts';
import { run } from '../base/process.ts';
import { failure } from '../errors.ts';

export interface Repository {
  /** Top of the main worktree. */
  top: string;
  /** Common git directory, absolute and resolved. */
  gitDir: string;
  mainBranch: string;
}

/** Oldest git with `merge-tree --write-tree`. */
const OLDEST_GIT = [2, 38] as const;

/** @throws GodelError git-too-old when git is missing or older than 2.38 */
export async function assertGitVersion(): Promise<string> {
  const result = await run('git', ['--version']).catch((error: unknown) => {
    throw failure('git-too-old', { version: `not there (${messageOf(error)})` }, error);
  });
  const [, major, minor] = /(\d+)\.(\d+)/.exec(result.stdout) ?? [];
  const newEnough =
    Number(major) > OLDEST_GIT[0] || (Number(major) === OLDEST_GIT[0] && Number(minor) >= OLDEST_GIT[1]);
  if (!newEnough) throw failure('git-too-old', { version: result.stdout.trim() });
  return `${major}.${minor}`;
}

async function line(dir: string, args: readonly string[]): Promise<string | undefined> {
  const result = await tryGit(dir, args).catch(() => undefined);
  return result?.code === 0 ? result.stdout.trim() || undefined : undefined;
}

async function assertWritable(gitDir: string): Promise<void> {
  try {
    await access(gitDir, constants.W_OK);
    // Permission bits say nothing about a read-only mount or a superuser: a folder made and removed does.
    await rm(await mkdtemp(join(gitDir, 'godel-probe-')), { recursive: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC') throw failure('disk-full', { problem: messageOf(error) }, error);
    const problem = code === 'EROFS' ? 'its file system is read-only' : code === 'EACCES' ? 'permission denied' : code;
    throw failure('repository-read-only', { path: gitDir, problem: problem ?? messageOf(error) }, error);
  }
}

async function branchExists(gitDir: string, name: string): Promise<boolean> {
  return (await line(gitDir, ['rev-parse', '--verify', '--quiet', `refs/heads/${name}`])) !== undefined;
}

/** Configured branch, else what the remote calls its head, else main, master, or the branch checked out. */
async function findMainBranch(top: string, gitDir: string, wanted: string | undefined): Promise<string> {
  const remote = (await line(gitDir, ['symbolic-ref', '--short', 'refs/remotes/origin/HEAD']))?.replace(
    /^origin\//,
    '',
  );
  const current = await line(top, ['symbolic-ref', '--quiet', '--short', 'HEAD']);
  const initial = await line(top, ['config', '--get', 'init.defaultBranch']);
  const candidates = wanted === undefined ? [remote, initial, 'main', 'master', current] : [wanted];
  for (const name of candidates) {
    if (name !== undefined && !name.startsWith('bead/') && (await branchExists(gitDir, name))) return name;
  }
  throw failure('detached-head', { path: top });
}

/**
 * The repository of `path`, whichever of its folders or worktrees that is.
 * @throws GodelError not-a-repository, repository-bare, repository-empty, repository-read-only, detached-head, git-too-old
 */
export async function discoverRepository(
  path: string,
  options: { mainBranch?: string | undefined } = {},
): Promise<Repository> {
  const folder = await realpath(path).catch(() => resolve(path));
  const probe = await tryGit(folder, [
    'rev-parse',
    '--path-format=absolute',
    '--git-common-dir',
    '--is-bare-repository',
  ]).catch(() => undefined);
  if (probe === undefined) await assertGitVersion();
  if (probe?.code !== 0) {
    const owner = /dubious ownership[\s\S]*?(git config [^\n]+)/.exec(probe?.stderr ?? '')?.[1];
    if (owner)
      throw failure('repository-read-only', {
        path: folder,
        problem: `git does not trust its owner; run: ${owner.trim()}`,
      });
    throw failure('not-a-repository', { path: folder });
  }
  await assertGitVersion();
  const [common = '', bare] = probe.stdout.trim().split('\n');
  const gitDir = await realpath(common);
  if (bare === 'true') throw failure('repository-bare', { path: folder });
  const top = await mainWorktree(folder, gitDir);
  if ((await line(gitDir, ['rev-list', '--max-count=1', '--all'])) === undefined)
    throw failure('repository-empty', { path: top });
  await assertWritable(gitDir);
  return { top, gitDir, mainBranch: await findMainBranch(top, gitDir, options.mainBranch) };
}

/** The first worktree git lists is the main one, also when asked from a linked worktree. */
async function mainWorktree(folder: string, gitDir: string): Promise<string> {
  const list = await line(folder, ['worktree', 'list', '--porcelain']);
  const first = /^worktree (.+)$/m.exec(list ?? '')?.[1];
  if (first === undefined || (await realpath(first).catch(() => '')) === gitDir) {
    throw failure('repository-bare', { path: first ?? folder });
  }
  return realpath(first);
}
