/** Worktrees of a real repository with a real database, without a daemon around them. */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endTree } from '../../runners/local/process-tree.ts';
import { createEventBus, type GodelEvent } from '../../src/base/event.ts';
import { createLog } from '../../src/base/log.ts';
import { type Bead, type BeadStatus, beadSchema } from '../../src/beads/schema.ts';
import { findBead, insertBead, saveBead } from '../../src/beads/store.ts';
import { type Config, configSchema } from '../../src/config.ts';
import { rulesOf } from '../../src/daemon/record-kinds.ts';
import type { Project } from '../../src/repos/schema.ts';
import { insertProject } from '../../src/repos/store.ts';
import { type Database, openSqlite } from '../../src/storage/database.ts';
import { openReplica } from '../../src/storage/records.ts';
import { createUnitOfWork } from '../../src/storage/unit-of-work.ts';
import { createHookRunner, type HookRunner } from '../../src/worktrees/hook-runner.ts';
import { createKeeper, type Keeper } from '../../src/worktrees/keeper.ts';
import { repairProject } from '../../src/worktrees/repair.ts';
import type { Repair } from '../../src/worktrees/schema.ts';
import type { Trees } from '../../src/worktrees/tree.ts';
import { createUpkeep, type Upkeep } from '../../src/worktrees/upkeep.ts';
import { makeRepository } from './home.ts';

export interface WorktreeLab {
  folder: string;
  top: string;
  gitDir: string;
  project: Project;
  database: Database;
  keeper: Keeper;
  upkeep: Upkeep;
  hooks: HookRunner;
  trees: Trees;
  events: GodelEvent[];
  /** Settings of the project; change them at will. */
  config: Config;
  /** Beads that have a live agent. */
  agents: Set<string>;
  /** Milliseconds added to the clock. */
  clock: { aheadMs: number };
  bead(id: string, status?: BeadStatus): Promise<Bead>;
  setStatus(id: string, status: BeadStatus): Promise<void>;
  repair(): Promise<Repair[]>;
  /** The same home after a crash: nothing in memory is left, everything on disk is. */
  reborn(): Promise<WorktreeLab>;
  /** A second project in the same home. */
  sibling(name: string): Promise<WorktreeLab>;
  close(): Promise<void>;
}

interface Ground {
  folder: string;
  database: Database;
  config: Config;
}

async function build(ground: Ground, project: Project): Promise<WorktreeLab> {
  const { database, config, folder } = ground;
  const events: GodelEvent[] = [];
  const agents = new Set<string>();
  const clock = { aheadMs: 0 };
  const now = () => Date.now() + clock.aheadMs;
  const log = createLog({ level: 'error', destination: 2, name: 'test' });
  const bus = createEventBus(() => {});
  bus.subscribe((event) => events.push(event));
  const units = createUnitOfWork({
    database,
    bus,
    clock: { now },
    replica: await openReplica(database, { now }),
    rulesOf,
    flushed: async () => {},
  });
  const hooks = createHookRunner({
    units,
    environment: () => ({ PATH: process.env.PATH ?? '', HOME: folder }),
    logFile: (hook, beadId) => join(folder, 'logs', `${hook}-${beadId}.log`),
  });
  const configOf = async () => config;
  const upkeep: Upkeep = createUpkeep({
    database,
    keeper: () => keeper,
    projects: async () => [project],
    configOf,
    agentsOf: async (_projectId, beadId) => ({ live: agents.has(beadId), any: agents.has(`was ${beadId}`) }),
    healed: async () => {},
    now,
    log,
  });
  const keeper: Keeper = createKeeper({ database, units, hooks, configOf, assertRoom: upkeep.assertRoom, now, log });
  const lab: WorktreeLab = {
    folder,
    top: project.path,
    gitDir: project.gitDir,
    project,
    database,
    keeper,
    upkeep,
    hooks,
    trees: keeper.treesOf(project),
    events,
    config,
    agents,
    clock,
    async bead(id, status = 'open') {
      const at = new Date(now()).toISOString();
      const bead = beadSchema.parse({
        id,
        uid: id,
        projectId: project.id,
        title: id,
        description: '',
        type: 'task',
        status,
        priority: 'medium',
        labels: [],
        commits: [],
        blockedBy: [],
        notes: [],
        metadata: {},
        createdAt: at,
        updatedAt: at,
        version: 1,
      });
      await database.transact((tx) => insertBead(tx, bead));
      return bead;
    },
    async setStatus(id, status) {
      const bead = await findBead(database.db, project.id, id);
      if (bead) await database.transact((tx) => saveBead(tx, { ...bead, status }));
    },
    repair: () =>
      repairProject(project, {
        database,
        units,
        keeper,
        endLeft: async (marker) => void (await endTree(undefined, marker)),
        hasAgent: async (_projectId, beadId) => agents.has(beadId),
        now,
        log,
      }),
    reborn: () => build(ground, project),
    async sibling(name) {
      const top = await makeRepository(join(folder, name));
      return build({ ...ground, config: { ...config } }, await addProject(database, name, top));
    },
    async close() {
      await upkeep.stop();
      await keeper.stop();
      await database.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
  return lab;
}

async function addProject(database: Database, id: string, top: string): Promise<Project> {
  const project: Project = {
    id,
    tenantId: 'default',
    name: id,
    path: top,
    gitDir: join(top, '.git'),
    mainBranch: 'main',
    createdAt: new Date().toISOString(),
  };
  await database.transact((tx) => insertProject(tx, project));
  return project;
}

export async function createLab(): Promise<WorktreeLab> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-trees-')));
  await mkdir(join(folder, 'logs'));
  const top = await makeRepository(join(folder, 'repo'));
  const database = await openSqlite(join(folder, 'godel.db'));
  const config = configSchema.parse({});
  return build({ folder, database, config }, await addProject(database, 'project-1', top));
}
