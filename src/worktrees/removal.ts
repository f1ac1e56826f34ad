/**
 * Taking a worktree away without losing anything: secured first, then renamed out of the way in one step, looked at
 * once more, forgotten by git, and deleted in the background. A stop at any point leaves either the worktree or its whole
 * content in the trash folder, from where `finishRemoval` goes on.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../base/id.ts';
import { failure } from '../errors.ts';
import { assertNothingNested, pinCommits } from './safety.ts';
import { workingTree } from './snapshot.ts';
import { isThere, LOCK_REASON, moveAside, type Trees } from './tree.ts';

export interface RemovalSpec {
  trees: Trees;
  beadId: string;
  path: string;
  /** Keeps uncommitted work that lies at `path` in git. */
  snapshot: (path: string, tree?: string) => Promise<string | undefined>;
}

/** The reason of a lock that somebody else set. Git's own lock of a half-made worktree is none. */
export function foreignLock(lock: string | undefined): string | undefined {
  return lock === undefined || lock === LOCK_REASON || lock === 'initializing' ? undefined : lock;
}

/** @throws GodelError worktree-locked */
export async function assertUnlocked({ trees, beadId, path }: Pick<RemovalSpec, 'trees' | 'beadId' | 'path'>) {
  const listed = (await trees.list()).find((each) => each.path === path);
  const reason = foreignLock(listed?.lock);
  if (reason !== undefined) throw failure('worktree-locked', { id: beadId, reason, path });
}

/**
 * Makes sure that everything in the worktree can be reached from a ref; the snapshot's commit when one was needed.
 * @throws GodelError worktree-unsafe
 */
export async function secure(spec: RemovalSpec): Promise<string | undefined> {
  const { trees, beadId, path } = spec;
  const tree = await workingTree(path);
  const safety = { gitDir: trees.gitDir, path, adminDir: await trees.adminDirOf(path), beadId };
  await assertNothingNested(safety, tree);
  const commit = await spec.snapshot(path, tree);
  await pinCommits(safety);
  return commit;
}

/** Moves the files aside and makes git forget them. Returns the folder that is left to be deleted. */
export async function removeTree(
  spec: RemovalSpec,
  onTrash: (trash: string) => Promise<void>,
): Promise<{ snapshot?: string; trash?: string }> {
  const { trees, beadId, path } = spec;
  if (!(await isThere(path))) {
    await trees.unregister(path);
    return {};
  }
  const first = await secure(spec);
  const name = `${beadId}~${newId()}`;
  await onTrash(join(trees.trashRoot, name));
  const trash = await moveAside(path, trees.trashRoot, name);
  if (trash === undefined) return {};
  const last = await finishRemoval({ ...spec, trash });
  const snapshot = last ?? first;
  return { trash, ...(snapshot === undefined ? {} : { snapshot }) };
}

/** Goes on after the rename: what was written in the last moment is kept too. Puts the worktree back when that fails. */
export async function finishRemoval(spec: RemovalSpec & { trash: string }): Promise<string | undefined> {
  const { trees, path, trash } = spec;
  let commit: string | undefined;
  let adminDir: string;
  try {
    adminDir = await trees.adminDirOf(trash);
    commit = await secure({ ...spec, path: trash });
  } catch (error) {
    await rename(trash, path);
    throw error;
  }
  // Git may have noted the trash folder as the worktree's place.
  await writeFile(join(adminDir, 'gitdir'), `${join(path, '.git')}\n`);
  await trees.unregister(path);
  return commit;
}

/** Deletes a folder that git knows nothing of any more. */
export async function emptyTrash(trash: string): Promise<void> {
  await rm(trash, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
