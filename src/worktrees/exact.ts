/** Putting a worktree back to what it was, file by file: what git does not ignore becomes exactly that. */
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from '../base/git.ts';
import { workingTree } from './snapshot.ts';
import type { Trees } from './tree.ts';

export interface ExactCode {
  tree: string;
  head: string;
  /** Branch it was on. */
  branch?: string | undefined;
}

interface ExactSpec extends ExactCode {
  trees: Trees;
  /** The worktree; nothing else may write in it meanwhile. */
  path: string;
}

/**
 * Files that git ignores now and that a restore of `tree` would overwrite: they are in no snapshot but one that takes them
 * along by name.
 */
export async function ignoredInTheWay(path: string, tree: string): Promise<string[]> {
  const now = await workingTree(path);
  const listed = await git(path, [
    'diff-tree',
    '-r',
    '-z',
    '--name-only',
    '--diff-filter=A',
    '--no-renames',
    now,
    tree,
  ]);
  const names = listed.split('\0').filter((name) => name !== '');
  const there = await Promise.all(
    names.map((name) =>
      lstat(join(path, name)).then(
        (info) => !info.isDirectory(),
        () => false,
      ),
    ),
  );
  return names.filter((_, index) => there[index]);
}

/**
 * Files, HEAD and branch become what they were; files that were made since are removed, ignored ones stay. Changes are
 * uncommitted again, none is staged. Done twice it comes to the same.
 */
export async function restoreExactly({ trees, path, tree, head, branch }: ExactSpec): Promise<void> {
  const admin = await trees.adminDirOf(path);
  // Nothing works here: what is locked or half done was left by something that was ended.
  for (const name of ['index.lock', 'HEAD.lock', 'rebase-merge', 'rebase-apply'])
    await rm(join(admin, name), { recursive: true, force: true });
  await trees.inside(path, ['add', '--all', '--ignore-errors', '.']);
  await trees.inside(path, ['read-tree', '--reset', '-u', tree]);
  if (branch !== undefined) await trees.inside(path, ['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
  await trees.inside(path, ['reset', '--mixed', '--quiet', head]);
}
