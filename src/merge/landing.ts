/**
 * Moving main: by compare-and-swap, or, where a person has it checked out, by a fast-forward that touches no file with
 * changes of theirs. A stop at any point leaves main as it was or fully moved.
 */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { git, tryGit } from '../base/git.ts';
import { failure } from '../errors.ts';
import { parseWorktrees } from '../repos/worktree.ts';
import { commitOf, DURABLE, isAncestor } from './trial.ts';

export interface MoveSpec {
  gitDir: string;
  main: string;
  /** Tip main must be at. */
  from: string;
  to: string;
}

const TIMEOUT_MS = 600_000;

/** Folder where main is checked out, when it is. */
export async function holderOf(gitDir: string, main: string): Promise<string | undefined> {
  const listed = parseWorktrees(await git(gitDir, ['worktree', 'list', '--porcelain']));
  return listed.find((each) => each.branch === main)?.path;
}

const split = (text: string) => text.split('\0').filter((part) => part !== '');

/** Of `paths`, those whose file in the worktree is already what `commit` has: a fast-forward that was cut short. */
async function alreadyThere(worktree: string, commit: string, paths: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  for (const path of paths) {
    const wanted = await tryGit(worktree, ['rev-parse', '--verify', '--quiet', `${commit}:${path}`]);
    const info = await stat(join(worktree, path)).catch(() => undefined);
    if (wanted.code !== 0) {
      if (!info) found.add(path);
      continue;
    }
    if (!info?.isFile()) continue;
    const actual = await tryGit(worktree, ['hash-object', '--', path]);
    if (actual.stdout.trim() === wanted.stdout.trim()) found.add(path);
  }
  return found;
}

/**
 * Paths with changes of a person that a move from `from` to `to` would touch, and those that are as `to` has them
 * already: a fast-forward that was cut short left them.
 */
async function touchedFiles(
  worktree: string,
  from: string,
  to: string,
): Promise<{ blocking: string[]; done: string[] }> {
  const dirty = split(await git(worktree, ['status', '--porcelain', '-z', '--untracked-files=all', '--no-renames']));
  if (dirty.length === 0) return { blocking: [], done: [] };
  const changed = new Set(split(await git(worktree, ['diff', '--name-only', '-z', '--no-renames', from, to])));
  const touched = dirty.map((entry) => entry.slice(3)).filter((path) => changed.has(path));
  const there = await alreadyThere(worktree, to, touched);
  return { blocking: touched.filter((path) => !there.has(path)), done: [...there] };
}

/** Files of a person that keep main, where it is checked out, from moving. */
export async function blockingFiles({ gitDir, main, from, to }: MoveSpec): Promise<string[]> {
  const holder = await holderOf(gitDir, main);
  return holder === undefined ? [] : (await touchedFiles(holder, from, to)).blocking;
}

/** @throws GodelError main-locked, disk-full, main-dirty */
function explain(problem: string, place: { path: string; main: string }): never {
  const lock =
    /Unable to create '([^']+\.lock)'/.exec(problem)?.[1] ?? /cannot lock ref.*'([^']+\.lock)'/.exec(problem)?.[1];
  if (lock) throw failure('main-locked', { main: place.main, lock });
  if (/No space left/.test(problem)) throw failure('disk-full', { problem: problem.split('\n')[0] });
  throw failure('main-dirty', { ...place, files: [problem.split('\n').slice(0, 3).join(' ')] });
}

async function fastForward(path: string, { main, from, to }: MoveSpec): Promise<void> {
  if ((await git(path, ['rev-parse', 'HEAD'])) !== from) throw failure('main-moved', { main });
  const { blocking, done } = await touchedFiles(path, from, to);
  if (blocking.length > 0) throw failure('main-dirty', { path, main, files: blocking.slice(0, 10) });
  if (done.length > 0) {
    // Taken into the index as they are, so that the fast-forward can be completed.
    const args = ['--literal-pathspecs', 'add', '--all', '--pathspec-from-file=-', '--pathspec-file-nul'];
    await git(path, args, { input: done.join('\0') });
  }
  const merged = await tryGit(path, ['merge', '--ff-only', '--quiet', to], {
    config: [...DURABLE, 'core.hooksPath=/dev/null'],
    timeoutMs: TIMEOUT_MS,
  });
  if (merged.code === 0) return;
  const problem = merged.stderr.trim();
  if (/Not possible to fast-forward|diverg/i.test(problem)) throw failure('main-moved', { main });
  explain(problem, { path, main });
}

/**
 * Moves main from `from` to `to` and reads it back.
 * @throws GodelError main-dirty, main-moved, main-locked, disk-full
 */
export async function moveMain(spec: MoveSpec): Promise<void> {
  const { gitDir, main, from, to } = spec;
  const holder = await holderOf(gitDir, main);
  if (holder !== undefined) await fastForward(holder, spec);
  else {
    const moved = await tryGit(gitDir, ['update-ref', `refs/heads/${main}`, to, from], { config: DURABLE });
    if (moved.code !== 0) {
      if (/\.lock'/.test(moved.stderr) || /No space left/.test(moved.stderr))
        explain(moved.stderr.trim(), { path: gitDir, main });
      throw failure('main-moved', { main });
    }
  }
  const tip = await commitOf(gitDir, `refs/heads/${main}`);
  if (tip === undefined || !(await isAncestor(gitDir, to, tip))) throw failure('main-moved', { main });
}

/** How long (ms) a lock must have been left alone before it counts as that of a killed landing. */
const LOCK_AGE_MS = 1_000;

/**
 * Removes the locks that a landing of our own left when it was killed: only those made after it began, and only when
 * nobody has touched them since.
 */
export async function clearLandingLocks(gitDir: string, main: string, startedMs: number): Promise<string[]> {
  const holder = await holderOf(gitDir, main);
  const own = holder === undefined ? undefined : await git(holder, ['rev-parse', '--absolute-git-dir']);
  const names = [
    join(gitDir, 'refs', 'heads', `${main}.lock`),
    ...(own === undefined ? [] : [join(own, 'index.lock'), join(own, 'HEAD.lock')]),
  ];
  const removed: string[] = [];
  for (const file of names) {
    const info = await stat(file).catch(() => undefined);
    if (!info || info.mtimeMs < startedMs - LOCK_AGE_MS) continue;
    const age = Date.now() - info.mtimeMs;
    if (age < LOCK_AGE_MS) await new Promise((resolve) => setTimeout(resolve, LOCK_AGE_MS - age));
    const later = await stat(file).catch(() => undefined);
    if (later?.mtimeMs !== info.mtimeMs) continue;
    await rm(file, { force: true });
    removed.push(file);
  }
  return removed;
}
