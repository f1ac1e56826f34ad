/** Trial merges in the object store: no checkout, no index, no ref. Many of them cost one process. */
import { GitError, git, tryGit } from '../base/git.ts';

export interface TrialResult {
  /** Tree of the merge; it holds conflict markers when `files` is not empty. */
  tree: string;
  /** Files that conflict. */
  files: string[];
}

/** Objects that main will point to must be on disk before main does. */
export const DURABLE = ['core.fsync=committed'];
const TIMEOUT_MS = 600_000;
const FLAGS = ['--write-tree', '--name-only', '--no-messages', '-z'];

/** Merges two commits. */
export async function mergeTrees(gitDir: string, ours: string, theirs: string): Promise<TrialResult> {
  const args = ['merge-tree', ...FLAGS, ours, theirs];
  const merged = await tryGit(gitDir, args, { timeoutMs: TIMEOUT_MS, config: DURABLE });
  const [tree = '', ...files] = merged.stdout.split('\0').filter((part) => part !== '');
  if (merged.code === 0) return { tree, files: [] };
  if (merged.code !== 1) throw new GitError(args, merged);
  return { tree, files: [...new Set(files)] };
}

/** Parses the answers of `merge-tree --stdin`: status, tree, conflicting files, an empty field; once a merge. */
export function parseTrials(text: string): TrialResult[] {
  const parts = text.split('\0');
  const results: TrialResult[] = [];
  let at = 0;
  while (at + 1 < parts.length) {
    const tree = parts[at + 1] as string;
    at += 2;
    const files = new Set<string>();
    for (; at < parts.length && parts[at] !== ''; at += 1) files.add(parts[at] as string);
    at += 1;
    results.push({ tree, files: [...files] });
  }
  return results;
}

/** Merges many pairs of commits in one process; the answers are in the order of the pairs. */
export async function trialMerges(
  gitDir: string,
  pairs: readonly (readonly [ours: string, theirs: string])[],
): Promise<TrialResult[]> {
  if (pairs.length === 0) return [];
  const input = pairs.map(([ours, theirs]) => `${ours} ${theirs}\n`).join('');
  const args = ['merge-tree', '--write-tree', '--stdin', '--name-only', '--no-messages'];
  const result = await tryGit(gitDir, args, { input, timeoutMs: TIMEOUT_MS });
  const found = result.code === 0 ? parseTrials(result.stdout) : [];
  if (found.length === pairs.length) return found;
  // git 2.38 has no --stdin, and unrelated histories end the process: one by one, then.
  const merges = pairs.map(
    ([ours, theirs]) =>
      () =>
        mergeTrees(gitDir, ours, theirs),
  );
  const results: TrialResult[] = [];
  for (const merge of merges) results.push(await merge().catch(() => ({ tree: '', files: ['(no common history)'] })));
  return results;
}

/** Id of a branch, tag or commit; undefined when there is none. */
export async function commitOf(gitDir: string, name: string): Promise<string | undefined> {
  const result = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
  return result.code === 0 ? result.stdout.trim() : undefined;
}

export const treeOf = (gitDir: string, commit: string): Promise<string> =>
  git(gitDir, ['rev-parse', '--verify', `${commit}^{tree}`]);

export const isAncestor = async (gitDir: string, older: string, newer: string): Promise<boolean> =>
  (await tryGit(gitDir, ['merge-base', '--is-ancestor', older, newer])).code === 0;
