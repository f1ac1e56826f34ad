/** What follows a landing that was read back: the bead is done, then branch, pin and worktree are let go. */
import { git } from '../base/git.ts';
import { newId } from '../base/id.ts';
import { type BeadChange, changeBead, moveBead } from '../beads/changes.ts';
import type { Bead } from '../beads/schema.ts';
import { nextBeadStatus } from '../beads/state.ts';
import { findBead } from '../beads/store.ts';
import type { Project } from '../repos/schema.ts';
import { parseWorktrees } from '../repos/worktree.ts';
import type { Unit } from '../storage/unit-of-work.ts';
import { averaged } from './batch.ts';
import { changeEntry, changeQueue, moveEntry } from './changes.ts';
import type { MergeParts } from './parts.ts';
import { unpinEntry } from './pins.ts';
import type { Entry } from './schema.ts';
import { rollbackText } from './text.ts';
import { commitOf, isAncestor } from './trial.ts';

/** Sets a bead done whose work is on main; the queue is the only one to do so. */
export async function setDone(unit: Unit, bead: Bead, commit: string, who: string): Promise<void> {
  if (bead.landedCommit !== undefined && bead.status === 'done') return;
  const change = { landedCommit: commit };
  const event = { type: 'bead:landed' as const, extra: { commit } };
  const action = (['land', 'close'] as const).find((each) => nextBeadStatus(bead.status, each) !== undefined);
  if (action) await moveBead(unit, bead.projectId, bead.id, action, who, change, event);
  else await changeBead(unit, bead, change, `landed as ${commit.slice(0, 10)}`, event);
}

/** The work of a bead was taken back: it is open again, with a note that tells how to go on. */
async function reopen(unit: Unit, bead: Bead, entry: Entry, commit: string): Promise<void> {
  const note = { id: newId(), author: entry.author, text: rollbackText(entry, commit), createdAt: unit.now };
  const change = { notes: [...bead.notes, note] };
  const reopened = nextBeadStatus(bead.status, 'reopen') !== undefined;
  if (reopened) await moveBead(unit, bead.projectId, bead.id, 'reopen', entry.author, change);
  else await changeBead(unit, bead, change, `taken back by ${entry.author}`);
}

/** Records that an entry is on main: entry, bead and counters in one transaction. */
export function noteLanded(
  parts: MergeParts,
  entry: Entry,
  landing: { commit: string; base?: string; why: string },
): Promise<Entry> {
  return parts.units.run(async (unit) => {
    const landed = await moveEntry(unit, entry.id, 'land', landing.why, {
      landedCommit: landing.commit,
      landedBase: landing.base,
      intent: undefined,
      waitsFor: [],
      conflicts: [],
    });
    const bead = await findBead(unit.tx, entry.projectId, entry.beadId);
    if (bead && entry.kind === 'work') await setDone(unit, bead, landing.commit, entry.author);
    if (bead && entry.kind === 'rollback') await reopen(unit, bead, entry, landing.commit);
    await changeQueue(unit, entry.projectId, (queue) => ({
      ...queue,
      landed: queue.landed + 1,
      failureRate: averaged(queue.failureRate, 0),
    }));
    return landed;
  });
}

/** Deletes the branch of landed work when main holds all of it and nobody has it checked out. */
async function dropBranch(project: Project, branch: string): Promise<boolean> {
  const { gitDir, mainBranch } = project;
  const tip = await commitOf(gitDir, `refs/heads/${branch}`);
  if (tip === undefined) return true;
  if (!(await isAncestor(gitDir, tip, `refs/heads/${mainBranch}`))) return false;
  const trees = parseWorktrees(await git(gitDir, ['worktree', 'list', '--porcelain']));
  if (trees.some((tree) => tree.branch === branch)) return false;
  await git(gitDir, ['update-ref', '-d', `refs/heads/${branch}`, tip]);
  return true;
}

/** Lets go of what a landed or removed entry holds. Every step may be done twice. */
export async function releaseEntry(parts: MergeParts, project: Project, entry: Entry): Promise<Entry> {
  const bead = await findBead(parts.database.db, entry.projectId, entry.beadId);
  if (bead && entry.status === 'landed' && entry.kind === 'work') {
    await parts.release(project, bead);
    const dropped = await dropBranch(project, bead.branch ?? `bead/${bead.id}`);
    if (dropped && bead.branch !== undefined) {
      await parts.units.run(async (unit) => {
        const fresh = await findBead(unit.tx, entry.projectId, entry.beadId);
        const change = { branch: undefined } as unknown as BeadChange;
        if (fresh) await changeBead(unit, fresh, change, 'branch is on main and was let go');
      });
    }
  }
  await unpinEntry(project.gitDir, entry.id);
  return parts.units.run((unit) => changeEntry(unit, entry.id, { released: true }));
}
