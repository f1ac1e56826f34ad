/**
 * What must be true before the files of a worktree may go: everything in it can be reached from a ref. What no ref
 * reaches gets one under refs/godel/kept/<bead>; what git cannot keep stops the removal.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git, tryGit } from '../base/git.ts';
import { failure } from '../errors.ts';
import { isThere } from './tree.ts';

/** Commits that only the worktree's own git directory knows. */
const PRIVATE_REFS = ['MERGE_AUTOSTASH', 'rebase-merge/autostash', 'rebase-apply/autostash', 'CHERRY_PICK_HEAD'];

export interface SafetySpec {
  gitDir: string;
  path: string;
  adminDir: string;
  beadId: string;
}

async function isReachable(gitDir: string, commit: string): Promise<boolean> {
  const found = await git(gitDir, ['for-each-ref', '--count=1', `--contains=${commit}`, '--format=%(refname)']);
  return found !== '';
}

/** Gives every commit that only this worktree knows a ref of its own. */
export async function pinCommits(spec: SafetySpec): Promise<string[]> {
  const { gitDir, path, adminDir, beadId } = spec;
  const head = (await git(path, ['rev-parse', 'HEAD'])).trim();
  const others = await Promise.all(
    PRIVATE_REFS.map(async (name) => (await readFile(join(adminDir, name), 'utf8').catch(() => '')).trim()),
  );
  const pinned: string[] = [];
  for (const commit of [head, ...others]) {
    if (!/^[0-9a-f]{40,64}$/.test(commit) || (await isReachable(gitDir, commit))) continue;
    await git(gitDir, ['update-ref', `refs/godel/kept/${beadId}/${commit.slice(0, 12)}`, commit], {
      config: ['core.fsync=committed'],
    });
    pinned.push(commit);
  }
  return pinned;
}

/** Why a repository inside the worktree (a submodule, or one an agent made) cannot go; undefined when it can. */
async function nestedProblem(folder: string, name: string): Promise<string | undefined> {
  const status = await tryGit(folder, ['status', '--porcelain', '-z']);
  if (status.code !== 0) return `${name} is a repository that cannot be read`;
  if (status.stdout !== '') return `${name} is a repository with uncommitted changes`;
  const unpushed = await tryGit(folder, ['rev-list', '--max-count=1', '--all', 'HEAD', '--not', '--remotes']);
  if (unpushed.code !== 0 || unpushed.stdout.trim() !== '')
    return `${name} is a repository with commits that are nowhere else`;
  return undefined;
}

/** Repositories inside the worktree, as a snapshot tree (or HEAD) shows them. */
async function nestedIn(path: string, tree: string): Promise<string[]> {
  const entries = (await git(path, ['ls-tree', '-r', '-z', tree])).split('\0');
  const links = entries
    .filter((entry) => entry.startsWith('160000 '))
    .map((entry) => entry.slice(entry.indexOf('\t') + 1));
  const there = await Promise.all(links.map((name) => isThere(join(path, name, '.git'))));
  return links.filter((_name, index) => there[index]);
}

/** @throws GodelError worktree-unsafe when something in the worktree would be lost with it */
export async function assertNothingNested(spec: SafetySpec, tree: string): Promise<void> {
  for (const name of await nestedIn(spec.path, tree)) {
    const problem = await nestedProblem(join(spec.path, name), name);
    if (problem !== undefined) throw failure('worktree-unsafe', { id: spec.beadId, problem });
  }
}
