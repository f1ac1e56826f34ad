/**
 * Snapshots of uncommitted work: a commit under refs/godel/wip/<bead> made from a temporary index,
 * so that the index, HEAD and status of the worktree stay as they are. Each has the one before as
 * its second parent, so every earlier state can be restored.
 */
import { randomUUID } from 'node:crypto';
import { copyFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adminDirOf, git, tryGit } from '../base/git.ts';
import type { Snapshot } from './schema.ts';

export interface SnapshotSpec {
  gitDir: string;
  worktree: string;
  beadId: string;
  reason: string;
  /** Milliseconds since the epoch. */
  now: number;
  /** Tree of the working files, when it is known already. */
  tree?: string | undefined;
}

export const snapshotRef = (beadId: string) => `refs/godel/wip/${beadId}`;
const GIT_TIMEOUT_MS = 600_000;

const IDENTITY = {
  GIT_AUTHOR_NAME: 'Godel',
  GIT_AUTHOR_EMAIL: 'godel@localhost',
  GIT_COMMITTER_NAME: 'Godel',
  GIT_COMMITTER_EMAIL: 'godel@localhost',
};

/** Tree of everything in the worktree that git does not ignore, and of `forced` files that it does, without touching its index. */
export async function workingTree(worktree: string, forced: readonly string[] = []): Promise<string> {
  const index = join(tmpdir(), `godel-index-${randomUUID()}`);
  const env = { GIT_INDEX_FILE: index };
  try {
    // The real index carries file stamps, which spare reading every unchanged file.
    await copyFile(join(await adminDirOf(worktree), 'index'), index).catch(() => undefined);
    await git(worktree, ['add', '--all', '--ignore-errors', '.'], { env, timeoutMs: GIT_TIMEOUT_MS });
    if (forced.length > 0) {
      const from = ['add', '--force', '--pathspec-from-file=-', '--pathspec-file-nul'];
      const input = forced.join('\0');
      await git(worktree, ['--literal-pathspecs', ...from], { env, input, timeoutMs: GIT_TIMEOUT_MS });
    }
    return await git(worktree, ['write-tree'], { env, timeoutMs: GIT_TIMEOUT_MS });
  } finally {
    await rm(index, { force: true });
    await rm(`${index}.lock`, { force: true });
  }
}

/**
 * Takes a snapshot; undefined when the worktree is clean, gone, or as it was at the last one.
 */
export async function takeSnapshot(spec: SnapshotSpec): Promise<{ commit: string } | undefined> {
  const { gitDir, worktree, beadId } = spec;
  if (!(await stat(join(worktree, '.git')).catch(() => undefined))) return undefined;
  const [head = '', headTree = ''] = (await git(worktree, ['rev-parse', 'HEAD', 'HEAD^{tree}'])).split('\n');
  const tree = spec.tree ?? (await workingTree(worktree));
  if (tree === headTree) return undefined;
  const known = await tryGit(gitDir, ['rev-parse', '--quiet', snapshotRef(beadId), `${snapshotRef(beadId)}^{tree}`]);
  const [previous, previousTree] = known.code === 0 ? known.stdout.trim().split('\n') : [undefined, undefined];
  if (previous !== undefined && previousTree === tree && (await git(gitDir, ['rev-parse', `${previous}^1`])) === head)
    return undefined;
  const date = `${Math.floor(spec.now / 1000)} +0000`;
  const parents = ['-p', head, ...(previous === undefined ? [] : ['-p', previous])];
  const message = `${beadId}: uncommitted work (${spec.reason})`;
  const env = { ...IDENTITY, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  const commit = await git(gitDir, ['commit-tree', tree, ...parents, '-m', message], { env });
  const expected = previous ?? '0'.repeat(commit.length);
  await git(gitDir, ['update-ref', '--create-reflog', snapshotRef(beadId), commit, expected], {
    config: ['core.fsync=committed'],
  });
  return { commit };
}

/** Snapshots of a bead, newest first. */
export async function listSnapshots(spec: { gitDir: string; beadId: string; limit?: number }): Promise<Snapshot[]> {
  const { gitDir, beadId } = spec;
  const ref = snapshotRef(beadId);
  if ((await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', ref])).code !== 0) return [];
  const snapshots: Snapshot[] = [];
  let next: string | undefined = await git(gitDir, ['rev-parse', ref]);
  while (next !== undefined && snapshots.length < (spec.limit ?? 50)) {
    const shown: string = await git(gitDir, ['log', '-1', '--format=%ct%n%P', next]);
    const [time = '0', parents = ''] = shown.split('\n');
    const [head = '', previous] = parents.split(' ');
    const names = await git(gitDir, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', head, next]);
    const files = names.split('\0').filter((name) => name !== '');
    snapshots.push({ beadId, ref, commit: next, head, createdAt: new Date(Number(time) * 1000).toISOString(), files });
    next = previous;
  }
  return snapshots;
}

/**
 * Puts the files of a snapshot into the worktree as uncommitted changes. What is there now is
 * snapshotted first, so a restore can itself be undone. Files that only exist now are kept.
 */
export async function restoreSnapshot(spec: Omit<SnapshotSpec, 'reason'> & { commit: string }): Promise<void> {
  const { gitDir, worktree, commit } = spec;
  await takeSnapshot({ ...spec, reason: 'before restore' });
  const head = await git(gitDir, ['rev-parse', `${commit}^1`]);
  const changes = await git(gitDir, ['diff-tree', '-r', '-z', '--name-status', '--no-renames', head, commit]);
  const parts = changes.split('\0');
  const [written, deleted]: [string[], string[]] = [[], []];
  for (let at = 0; at + 1 < parts.length; at += 2)
    (parts[at] === 'D' ? deleted : written).push(parts[at + 1] as string);
  if (written.length > 0) {
    const input = written.join('\0');
    const from = ['restore', `--source=${commit}`, '--worktree', '--pathspec-from-file=-', '--pathspec-file-nul'];
    await git(worktree, ['--literal-pathspecs', ...from], { input, timeoutMs: GIT_TIMEOUT_MS });
  }
  for (const name of deleted) await rm(join(worktree, name), { force: true });
}
