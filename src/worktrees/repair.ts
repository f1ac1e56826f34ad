/**
 * Mends what crashes, moves and people left: half-made and half-removed worktrees, broken links, lost records and locks.
 * Nothing that could hold work is deleted; what Godel does not know is told, with the command that helps.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/error.ts';
import { tryGit } from '../base/git.ts';
import type { Log } from '../base/log.ts';
import { changeBead } from '../beads/changes.ts';
import { findBead } from '../beads/store.ts';
import type { Project } from '../repos/schema.ts';
import type { ListedWorktree } from '../repos/worktree.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { hookMarker } from './hook-runner.ts';
import type { Keeper } from './keeper.ts';
import { finishRemoval } from './removal.ts';
import type { Repair } from './schema.ts';
import { allRecords, deleteRecord, putRecord, type TreeRecord } from './store.ts';
import { isThere, LOCK_REASON, type Trees } from './tree.ts';

export interface RepairOptions {
  database: Database;
  units: UnitOfWork;
  keeper: Keeper;
  /** Ends processes that carry a marker in their environment. */
  endLeft: (marker: string) => Promise<void>;
  hasAgent: (projectId: string, beadId: string) => Promise<boolean>;
  now: () => number;
  log: Log;
}

interface Round {
  project: Project;
  trees: Trees;
  found: Repair[];
  options: RepairOptions;
}

/** A lock of the index that is older (ms) was left by a git that is gone. */
const STALE_LOCK_MS = 60_000;
const BEAD = /^godel-[a-z0-9]{5}$/;

const note = (round: Round, subject: string, found: string, done: string) =>
  void round.found.push({ subject, found, done });

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Nobody has worked in it: it is taken back whole. */
async function undoMaking(round: Round, record: TreeRecord): Promise<void> {
  const { project, trees, options } = round;
  await options.endLeft(hookMarker(project.id, record.beadId));
  await trees.discard(record.beadId, record.newBranch);
  await rm(record.path, { recursive: true, force: true });
  await options.database.transact((tx) => deleteRecord(tx, project.id, record.beadId));
  note(round, record.beadId, 'was being made when Godel stopped', 'taken back; the next agent gets a new one');
}

async function finishTrash(round: Round, beadId: string, trash: string): Promise<void> {
  const { project, trees, options } = round;
  const path = trees.pathOf(beadId);
  const snapshot = (at: string, tree?: string) => options.keeper.snapshot(project, beadId, 'removal', at, tree);
  // Git knows it for as long as its own git directory is there.
  const adminDir = await trees.adminDirOf(trash).catch(() => undefined);
  if (adminDir !== undefined && (await isThere(adminDir)))
    await finishRemoval({ trees, beadId, path, snapshot, trash });
  options.keeper.discardLater(trash);
}

async function undoRemoving(round: Round, record: TreeRecord): Promise<void> {
  const { project, options } = round;
  await options.endLeft(hookMarker(project.id, record.beadId));
  const { trash: _trash, ...rest } = record;
  if (record.trash !== undefined && (await isThere(record.trash))) {
    await finishTrash(round, record.beadId, record.trash);
    await options.keeper.forget(project, record.beadId, record.path, 'removal finished');
    note(round, record.beadId, 'was being removed when Godel stopped', 'removal finished, work kept in git');
  } else if (await isThere(join(record.path, '.git'))) {
    await options.database.transact((tx) => putRecord(tx, { ...rest, state: 'ready' }));
    note(round, record.beadId, 'removal was cut short', 'it is there as before');
  } else {
    await options.keeper.forget(project, record.beadId, record.path, 'removal finished');
  }
}

async function mendRecords(round: Round): Promise<void> {
  const { project, options } = round;
  for (const record of await allRecords(options.database.db, project.id)) {
    if (options.keeper.activity(project.id, record.beadId) !== undefined) continue;
    if (record.state === 'making') await undoMaking(round, record);
    else if (record.state === 'removing') await undoRemoving(round, record);
  }
}

/** Trash without a record: of a database that was lost, or of a deletion that was cut short. */
async function mendTrash(round: Round): Promise<void> {
  const { trees, options, project } = round;
  const records = await allRecords(options.database.db, project.id);
  for (const name of await namesIn(trees.trashRoot)) {
    const trash = join(trees.trashRoot, name);
    const beadId = name.split('~')[0] ?? '';
    if (records.some((each) => each.trash === trash) || !BEAD.test(beadId)) continue;
    await finishTrash(round, beadId, trash);
  }
}

/** Folders git does not know at this place: the links are mended where both halves are still there. */
async function mendLinks(round: Round, listed: ListedWorktree[]): Promise<ListedWorktree[]> {
  const { trees } = round;
  let current = listed;
  for (const name of await namesIn(trees.root)) {
    const path = join(trees.root, name);
    if (current.some((each) => each.path === path)) continue;
    if ((await stat(join(path, '.git')).catch(() => undefined))?.isFile()) {
      await trees.serialised(() => tryGit(trees.gitDir, ['worktree', 'repair', path]));
      current = await trees.list();
      if (current.some((each) => each.path === path)) {
        note(round, name, 'its links were broken by a move', 'linked again');
        continue;
      }
    }
    note(round, name, `${path} is not a worktree of this repository`, 'left alone; move it away to free the place');
  }
  return current;
}

async function adopt(round: Round, beadId: string, path: string): Promise<void> {
  const { project, options } = round;
  await options.keeper.adopt(project, beadId, path);
  await options.units.run(async (unit) => {
    const bead = await findBead(unit.tx, project.id, beadId);
    if (bead && bead.worktree !== path) await changeBead(unit, bead, { worktree: path }, 'worktree found again');
  });
  note(round, beadId, 'Godel had no record of it', 'taken up again');
}

async function dropStaleLock(round: Round, beadId: string, path: string): Promise<void> {
  const { project, trees, options } = round;
  const file = join(await trees.adminDirOf(path), 'index.lock');
  const age = options.now() - ((await stat(file).catch(() => undefined))?.mtimeMs ?? options.now());
  if (age < STALE_LOCK_MS || (await options.hasAgent(project.id, beadId))) return;
  await rm(file, { force: true });
  note(round, beadId, 'a git that was killed left its index locked', 'unlocked');
}

async function mendListed(round: Round, listed: ListedWorktree[]): Promise<void> {
  const { project, trees, options } = round;
  const records = await allRecords(options.database.db, project.id);
  for (const { path, lock } of listed.filter((each) => each.path.startsWith(`${trees.root}/`))) {
    const beadId = path.slice(trees.root.length + 1);
    if (!BEAD.test(beadId) || options.keeper.activity(project.id, beadId) !== undefined) continue;
    if (!(await isThere(join(path, '.git')))) {
      note(round, beadId, 'its folder is gone', `godel worktree restore ${beadId} brings it back`);
      continue;
    }
    if (lock === 'initializing' && !records.some((each) => each.beadId === beadId)) {
      await trees.discard(beadId, true);
      note(round, beadId, 'git was killed while it made it', 'taken back');
      continue;
    }
    if (lock === undefined)
      await trees.serialised(() => tryGit(trees.gitDir, ['worktree', 'lock', '--reason', LOCK_REASON, path]));
    if (!records.some((each) => each.beadId === beadId)) await adopt(round, beadId, path);
    await dropStaleLock(round, beadId, path);
  }
  for (const record of records) {
    if (record.state !== 'ready' || listed.some((each) => each.path === record.path)) continue;
    if (await isThere(record.path)) continue;
    await options.keeper.forget(project, record.beadId, record.path, 'removed by somebody else');
    note(round, record.beadId, 'somebody removed it', 'forgotten; its ports are free');
  }
}

/** Looks at every worktree of a project and mends what can be mended without losing anything. */
export async function repairProject(project: Project, options: RepairOptions): Promise<Repair[]> {
  const round: Round = { project, trees: options.keeper.treesOf(project), found: [], options };
  const steps = [
    () => mendRecords(round),
    () => mendTrash(round),
    async () => mendListed(round, await mendLinks(round, await round.trees.list())),
  ];
  for (const step of steps) {
    await step().catch((error: unknown) => {
      options.log.error({ projectId: project.id, problem: messageOf(error) }, 'a worktree could not be mended');
      note(round, project.name, messageOf(error), 'left as it is; godel worktree repair tries again');
    });
  }
  for (const payload of round.found) {
    const metadata = { projectId: project.id, ...(BEAD.test(payload.subject) ? { beadId: payload.subject } : {}) };
    await options.units.run((unit) =>
      unit.emit({ type: 'worktree:repaired', component: 'worktrees', payload, metadata }),
    );
  }
  return round.found;
}
