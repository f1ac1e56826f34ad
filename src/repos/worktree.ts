/** What git says about the worktrees of a repository. */
import { realpath } from 'node:fs/promises';
import { git } from '../base/git.ts';

export interface ListedWorktree {
  path: string;
  /** Short name of the branch; empty when HEAD is detached. */
  branch: string;
  head: string;
  /** Reason of the lock; empty text for a lock without one. */
  lock?: string;
}

/** Parses `worktree list --porcelain`. */
export function parseWorktrees(text: string): ListedWorktree[] {
  return text
    .split('\n\n')
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const lock = /^locked ?(.*)$/m.exec(block)?.[1];
      return {
        path: /^worktree (.*)$/m.exec(block)?.[1] ?? '',
        branch: /^branch refs\/heads\/(.*)$/m.exec(block)?.[1] ?? '',
        head: /^HEAD (.*)$/m.exec(block)?.[1] ?? '',
        ...(lock === undefined ? {} : { lock }),
      };
    });
}

export async function listWorktrees(gitDir: string): Promise<ListedWorktree[]> {
  return parseWorktrees(await git(gitDir, ['worktree', 'list', '--porcelain']));
}

export async function isSamePath(a: string, b: string): Promise<boolean> {
  const [x, y] = await Promise.all([a, b].map((path) => realpath(path).catch(() => path)));
  return x === y;
}
