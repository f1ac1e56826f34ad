/** The life of a bead's worktree: made once however many ask, set up, secured, removed. One record says how far it is. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/error.ts';
import { adminDirOf } from '../base/git.ts';
import type { Log } from '../base/log.ts';
import { changeBead } from '../beads/changes.ts';
import type { Bead } from '../beads/schema.ts';
import { findBead } from '../beads/store.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { shareFiles } from './files.ts';
import type { HookName } from './hook.ts';
import type { HookRunner } from './hook-runner.ts';
import { createPool, type Pool } from './pool.ts';
import { createPorts, portEnvironment } from './ports.ts';
import { assertUnlocked, emptyTrash, removeTree, secure } from './removal.ts';
import { settleNames } from './rename.ts';
import { type PortBlock, portBlockSchema } from './schema.ts';
import { takeSnapshot } from './snapshot.ts';
import { readSparse, sparseEnvironment } from './sparse.ts';
import { deleteRecord, findRecord, portsByBead, putRecord, type TreeRecord } from './store.ts';
import { type Added, branchOf, createTrees, isThere, type Trees } from './tree.ts';

export interface KeeperOptions {
  database: Database;
  units: UnitOfWork;
  hooks: HookRunner;
  configOf: (projectPath: string) => Promise<Config>;
  /** Makes room for a new worktree. @throws GodelError worktree-quota */
  assertRoom: (project: Project, config: Config) => Promise<void>;
  now: () => number;
  log: Log;
}

export interface Place {
  path: string;
  created: boolean;
  /** Variables for everything that runs in the worktree. */
  env: Record<string, string>;
}

export interface EnsureOptions {
  base?: string | undefined;
  sparse?: readonly string[] | undefined;
  signal?: AbortSignal | undefined;
}

export interface RemoveOptions {
  reason: string;
  /** Leaves the teardown command out. */
  force?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface Keeper {
  treesOf(project: Project): Trees;
  poolOf(project: Project): Pool;
  /** Worktree of a bead, made and set up when it is missing. @throws GodelError worktree-failed, setup-failed, … */
  ensure(project: Project, bead: Bead, config: Config, options?: EnsureOptions): Promise<Place>;
  environmentOf(project: Project, beadId: string): Promise<Record<string, string>>;
  /** Snapshot of a bead's worktree, when there is something new in it; the commit. */
  snapshot(project: Project, beadId: string, reason: string, path?: string, tree?: string): Promise<string | undefined>;
  /** Removes the files; branch, commits and uncommitted work stay in git. The snapshot's commit. */
  remove(project: Project, beadId: string, config: Config, options: RemoveOptions): Promise<string | undefined>;
  /** What is being done with the worktree of a bead right now. */
  activity(projectId: string, beadId: string): HookName | 'making' | undefined;
  /** Forgets record and ports, and takes the path from the bead. */
  forget(project: Project, beadId: string, path: string, reason: string): Promise<void>;
  /** Notes a worktree that is there although the database does not know it. */
  adopt(project: Project, beadId: string, path: string): Promise<void>;
  /** Deletes in the background; waited for at stop. */
  discardLater(trash: string): void;
  stop(): Promise<void>;
}

/** Beside the worktree, in its git directory: what a lost database must learn again. */
const NOTE = 'godel.json';

async function readPorts(adminDir: string): Promise<PortBlock | undefined> {
  try {
    return portBlockSchema.parse(JSON.parse(await readFile(join(adminDir, NOTE), 'utf8')));
  } catch {
    // None was written, or not whole: then nothing is known.
    return undefined;
  }
}

export function createKeeper(options: KeeperOptions): Keeper {
  const { database, units, hooks, now, log } = options;
  const known = new Map<string, { trees: Trees; pool: Pool }>();
  const making = new Map<string, Promise<Place>>();
  const background = new Set<Promise<unknown>>();
  const ports = createPorts(database);
  const keyOf = (projectId: string, beadId: string) => `${projectId}/${beadId}`;

  function partsOf(project: Project): { trees: Trees; pool: Pool } {
    const key = `${project.id} ${project.path}`;
    const found = known.get(key);
    if (found) return found;
    const trees = createTrees({ gitDir: project.gitDir, top: project.path });
    const pool = createPool({
      trees,
      log,
      prepare: (path, signal) => prepareWarm(project, trees, path, signal),
      secure: async (path, beadId) => {
        await secure({ trees, beadId, path, snapshot: (at, tree) => snapshot(project, beadId, 'pool', at, tree) });
      },
    });
    const parts = { trees, pool };
    known.set(key, parts);
    return parts;
  }
  const treesOf = (project: Project) => partsOf(project).trees;

  async function prepareWarm(project: Project, trees: Trees, path: string, signal: AbortSignal): Promise<void> {
    const config = await options.configOf(project.path);
    await share(trees, path, config, true);
    const beadId = path.split('/').at(-1) as string;
    await hooks.run({ project, beadId, path, config, hook: 'setup', env: await sparseOf(path), signal });
  }

  const share = ({ gitDir, top }: Trees, path: string, config: Config, refresh: boolean) =>
    shareFiles({ gitDir, top, path, copy: config.copy_patterns, link: config.link_patterns }, { refresh });

  const sparseOf = async (path: string) =>
    (await readSparse(await adminDirOf(path))) === undefined ? {} : sparseEnvironment();

  async function environmentOf(project: Project, beadId: string): Promise<Record<string, string>> {
    const path = treesOf(project).pathOf(beadId);
    const block = (await portsByBead(database.db, project.id)).get(beadId);
    return {
      GODEL_WORKTREE: path,
      GODEL_ROOT: project.path,
      ...portEnvironment(block),
      ...((await isThere(join(path, '.git'))) ? await sparseOf(path) : {}),
    };
  }

  const save = (record: TreeRecord) => database.transact((tx) => putRecord(tx, record));

  async function snapshot(project: Project, beadId: string, reason: string, path?: string, tree?: string) {
    const worktree = path ?? treesOf(project).pathOf(beadId);
    const result = await takeSnapshot({ gitDir: project.gitDir, worktree, beadId, reason, now: now(), tree });
    if (!result) return undefined;
    await units.run(async (unit) => {
      const metadata = { projectId: project.id, beadId };
      const payload = { beadId, commit: result.commit, reason };
      await unit.emit({ type: 'snapshot:taken', component: 'worktrees', payload, metadata });
    });
    return result.commit;
  }

  async function noteMade(project: Project, bead: Bead, path: string): Promise<void> {
    await units.run(async (unit) => {
      const fresh = await findBead(unit.tx, project.id, bead.id);
      if (fresh) await changeBead(unit, fresh, { worktree: path, branch: branchOf(bead.id) }, 'worktree made');
      const metadata = { projectId: project.id, beadId: bead.id };
      await unit.emit({
        type: 'worktree:created',
        component: 'worktrees',
        payload: { beadId: bead.id, path },
        metadata,
      });
    });
  }

  interface Job {
    project: Project;
    bead: Bead;
    config: Config;
    options: EnsureOptions;
  }

  /** Files, then the set-up command; the worktree is taken back when either fails. */
  async function build({ project, bead, config, options: wanted }: Job): Promise<Added> {
    const { trees, pool } = partsOf(project);
    const sparse = wanted.sparse ?? config.sparse_patterns;
    const spec = { beadId: bead.id, base: wanted.base ?? project.mainBranch, sparse };
    const warm = await pool.take(spec, config.setup_command);
    const added = warm ?? (await trees.add(spec));
    if (!added.created) return added;
    try {
      await share(trees, added.path, config, warm !== undefined);
      const env = await environmentOf(project, bead.id);
      const { signal } = wanted;
      const run = { project, beadId: bead.id, path: added.path, config, hook: 'setup' as const, env, signal };
      if (!warm?.isSetUp) await hooks.run(run);
      return added;
    } catch (error) {
      await trees.discard(bead.id, added.newBranch);
      throw error;
    }
  }

  async function make(project: Project, bead: Bead, config: Config, wanted: EnsureOptions): Promise<Place> {
    const trees = treesOf(project);
    const path = trees.pathOf(bead.id);
    const record = await findRecord(database.db, project.id, bead.id);
    await settleNames({ database, trees, project }, bead, record !== undefined);
    if (record?.state === 'removing') throw failure('worktree-busy', { id: bead.id, state: 'being removed' });
    if (record?.state === 'ready' && (await isThere(join(path, '.git')))) {
      await save({ ...record, usedMs: now() });
      if (bead.worktree !== path) await noteMade(project, bead, path);
      return { path, created: false, env: await environmentOf(project, bead.id) };
    }
    await options.assertRoom(project, config);
    const fresh: TreeRecord = {
      projectId: project.id,
      beadId: bead.id,
      state: 'making',
      path,
      newBranch: !(await trees.hasBranch(bead.id)),
      createdMs: now(),
      usedMs: now(),
    };
    await save(fresh);
    try {
      const request = {
        projectId: project.id,
        beadId: bead.id,
        from: config.port_base,
        size: config.ports_per_worktree,
      };
      const block = await ports.reserve(request);
      const added = await build({ project, bead, config, options: wanted });
      if (block) await writeFile(join(await adminDirOf(path), NOTE), JSON.stringify(block));
      await save({ ...fresh, state: 'ready', usedMs: now() });
      if (added.created || bead.worktree !== path) await noteMade(project, bead, path);
      return { path, created: added.created, env: await environmentOf(project, bead.id) };
    } catch (error) {
      await database.transact((tx) => deleteRecord(tx, project.id, bead.id));
      throw error;
    }
  }

  async function forget(project: Project, beadId: string, path: string, reason: string): Promise<void> {
    await units.run(async (unit) => {
      await deleteRecord(unit.tx, project.id, beadId);
      const bead = await findBead(unit.tx, project.id, beadId);
      if (bead?.worktree !== undefined)
        await changeBead(unit, bead, { worktree: undefined } as object, 'worktree removed');
      const metadata = { projectId: project.id, beadId };
      const payload = { beadId, path, reason };
      await unit.emit({ type: 'worktree:removed', component: 'worktrees', payload, metadata });
    });
  }

  function discardLater(trash: string): void {
    const work = emptyTrash(trash)
      .catch((error: unknown) => log.warn({ trash, problem: messageOf(error) }, 'files of a worktree are left'))
      .finally(() => background.delete(work));
    background.add(work);
  }

  /** Back to the pool when it has room for it, else away. */
  async function takeAway(project: Project, config: Config, record: TreeRecord): Promise<string | undefined> {
    const { trees, pool } = partsOf(project);
    const { beadId, path } = record;
    const keep = (at: string, tree?: string) => snapshot(project, beadId, 'removal', at, tree);
    const spec = { trees, beadId, path, snapshot: keep };
    const isRoom = config.pool_size > 0 && (await pool.list()).length < config.pool_size;
    if (isRoom && (await isThere(path))) {
      const kept = await secure(spec);
      if (await pool.giveBack(path)) return kept;
    }
    const removed = await removeTree(spec, (trash) => save({ ...record, trash }));
    if (removed.trash !== undefined) discardLater(removed.trash);
    return removed.snapshot;
  }

  /** The teardown command, after a snapshot of what it may throw away. */
  async function tearDown(project: Project, config: Config, record: TreeRecord, wanted: RemoveOptions) {
    const { beadId, path } = record;
    if (wanted.force || config.teardown_command === '' || !(await isThere(path))) return undefined;
    const kept = await snapshot(project, beadId, 'removal');
    const env = await environmentOf(project, beadId);
    await hooks.run({ project, beadId, path, config, hook: 'teardown', env, signal: wanted.signal });
    return kept;
  }

  const remove: Keeper['remove'] = async (project, beadId, config, wanted) => {
    const trees = treesOf(project);
    const path = trees.pathOf(beadId);
    const found = await findRecord(database.db, project.id, beadId);
    const busy = activity(project.id, beadId) ?? (found?.state === 'removing' ? 'being removed' : undefined);
    if (busy !== undefined) throw failure('worktree-busy', { id: beadId, state: busy });
    await assertUnlocked({ trees, beadId, path });
    const base = { projectId: project.id, beadId, path, newBranch: false, createdMs: now(), usedMs: now() };
    const record: TreeRecord = { ...base, ...found, state: 'removing' };
    await save(record);
    try {
      const first = await tearDown(project, config, record, wanted);
      const last = await takeAway(project, config, record);
      await forget(project, beadId, path, wanted.reason);
      return last ?? first;
    } catch (error) {
      await save({ ...record, state: 'ready' });
      throw error;
    }
  };

  function activity(projectId: string, beadId: string): HookName | 'making' | undefined {
    return hooks.activity(projectId, beadId) ?? (making.has(keyOf(projectId, beadId)) ? 'making' : undefined);
  }

  return {
    treesOf,
    poolOf: (project) => partsOf(project).pool,
    ensure(project, bead, config, wanted = {}) {
      const key = keyOf(project.id, bead.id);
      const going = making.get(key);
      if (going) return going;
      const work = make(project, bead, config, wanted).finally(() => making.delete(key));
      making.set(key, work);
      return work;
    },
    environmentOf,
    snapshot,
    remove,
    activity,
    forget,
    async adopt(project, beadId, path) {
      const block = await readPorts(await adminDirOf(path));
      const times = { createdMs: now(), usedMs: now() };
      await save({ projectId: project.id, beadId, state: 'ready', path, newBranch: false, ...times });
      if (block) await ports.adopt({ projectId: project.id, beadId }, block);
    },
    discardLater,
    async stop() {
      await hooks.stop();
      await Promise.allSettled([...making.values(), ...background]);
    },
  };
}
