/**
 * The work of a bead that had to give its id to an older one: branch, worktree and snapshots take the new name before
 * anybody works on either of the two again. Not at the moment of the merge, since an agent may be at work there.
 */
import { readdir, readlink, rename } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { git, tryGit } from '../base/git.ts';
import type { Bead } from '../beads/schema.ts';
import { beadOnBranch, findBead } from '../beads/store.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import { snapshotRef } from './snapshot.ts';
import { moveRecord } from './store.ts';
import { branchOf, isThere, type Trees } from './tree.ts';

interface Place {
  database: Database;
  trees: Trees;
  project: Project;
}

/** Whether a program is at work in a folder; where the system does not tell, none is. */
async function isInUse(folder: string): Promise<boolean> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return places.some((place) => place === folder || place.startsWith(folder + sep));
}

async function moveSnapshots(gitDir: string, from: string, to: string): Promise<void> {
  const [old, next] = [snapshotRef(from), snapshotRef(to)];
  const tip = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', old]);
  if (tip.code !== 0) return;
  const oid = tip.stdout.trim();
  // The older snapshots are in its log.
  await rename(join(gitDir, 'logs', old), join(gitDir, 'logs', next)).catch(() => undefined);
  await git(gitDir, ['update-ref', '--create-reflog', next, oid], { config: ['core.fsync=committed'] });
  await git(gitDir, ['update-ref', '-d', old, oid]);
}

/** Gives the branch of a former id, and what hangs on it, the name of the bead. @throws GodelError worktree-failed */
async function follow({ database, trees, project }: Place, bead: Bead): Promise<void> {
  const former = /^bead\/(godel-[a-z0-9]{5})$/.exec(bead.branch ?? '')?.[1];
  if (former === undefined || former === bead.id) return;
  if (!(await trees.hasBranch(former)) || (await trees.hasBranch(bead.id))) return;
  const [from, to] = [trees.pathOf(former), trees.pathOf(bead.id)];
  if (await isInUse(from)) {
    const problem = `${branchOf(former)} is the work of ${bead.id}, which had this id before, and a program is at work in ${from}`;
    throw failure('worktree-failed', { id: bead.id, problem });
  }
  await trees.serialised(() => git(trees.gitDir, ['branch', '-m', branchOf(former), branchOf(bead.id)]));
  const holder = (await trees.list()).find((each) => each.branch === branchOf(bead.id));
  if (holder?.path === from && (await isThere(from)) && !(await isThere(to))) await trees.move(from, to);
  await moveSnapshots(trees.gitDir, former, bead.id);
  await database.transact((tx) => moveRecord(tx, project.id, bead.id, to));
}

/** Before a worktree is made or used: its names are the bead's own, and nobody else's work has them. */
export async function settleNames(place: Place, bead: Bead, isKnown: boolean): Promise<void> {
  const { database, trees, project } = place;
  await follow(place, bead);
  // The branch of a bead that never had a worktree here is somebody else's: of one that had this id before.
  if (isKnown || !(await trees.hasBranch(bead.id))) return;
  const other = await beadOnBranch(database.db, project.id, branchOf(bead.id), bead.id);
  const found = other === undefined ? undefined : await findBead(database.db, project.id, other);
  if (found) await follow(place, found);
}
