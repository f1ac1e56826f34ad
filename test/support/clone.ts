/** A clone of a repository with a home, database and services of its own, inside the test process: no daemon, tmux or proxy. */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RequestContext } from '../../src/access/context.ts';
import { git } from '../../src/base/git.ts';
import { newId } from '../../src/base/id.ts';
import { createLog } from '../../src/base/log.ts';
import { homePaths } from '../../src/base/paths.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createBeadService } from '../../src/beads/service.ts';
import { allBeads } from '../../src/beads/store.ts';
import { configSchema } from '../../src/config.ts';
import { type Core, createCore } from '../../src/daemon/core.ts';
import { operations } from '../../src/operations.ts';
import type { Project } from '../../src/repos/schema.ts';
import { insertProject } from '../../src/repos/store.ts';
import { createSyncService, type SyncService } from '../../src/sync/service.ts';
import { makeRepository } from './home.ts';

export interface Clone {
  name: string;
  gitDir: string;
  home: string;
  project: Project;
  core: Core;
  context: RequestContext;
  beads: ReturnType<typeof createBeadService>;
  sync: SyncService;
  settings: { sync_remote: string; sync_fallback_branch: string };
  /** Added to the clock of this clone (ms). */
  clock: { offsetMs: number };
  create(title: string, more?: object): Promise<Bead>;
  update(id: string, change: object): Promise<Bead>;
  all(): Promise<Bead[]>;
  state(): Promise<string>;
  run(more?: object): ReturnType<SyncService['handlers']['syncRun']>;
  /** Closes the database; `open` starts it again on the same files. */
  close(): Promise<void>;
  open(): Promise<void>;
}

export interface Remote {
  folder: string;
  bare: string;
  /** The same repository from another home, when `repository` is given. */
  clone(name: string, repository?: string): Promise<Clone>;
  stop(): Promise<void>;
}

async function started(clone: Clone): Promise<void> {
  const { home, clock } = clone;
  await mkdir(home, { recursive: true });
  const core = await createCore({
    paths: homePaths({ GODEL_HOME: home }),
    environment: {},
    clock: { now: () => Date.now() + clock.offsetMs },
    log: createLog({ level: 'error', destination: join(home, 'log'), name: 'test' }),
  });
  const known = await core.database.db.selectFrom('projects').selectAll().executeTakeFirst();
  if (known) clone.project = { ...clone.project, id: known.id };
  else await core.database.transact((tx) => insertProject(tx, clone.project));
  await core.sync.attach(clone.project);
  const { database, units } = core;
  const unused = async () => {
    throw new Error('not part of this test');
  };
  clone.core = core;
  clone.context = {
    actor: { kind: 'user', id: clone.name, name: clone.name },
    projectId: clone.project.id,
    requestId: 'r',
    signal: new AbortController().signal,
  };
  clone.beads = createBeadService({
    database,
    units,
    clock: core.clock,
    convoyId: async (_projectId: string, text: string) => text,
    searchable: core.searchFill.done,
    beadOfAgent: async () => undefined,
    agentName: async (_projectId, text) => text,
    liveAgentOf: async () => undefined,
    prove: unused,
    planTemplate: async () => [],
    mainBranch: async () => 'main',
    todosOf: async () => [],
    openTodos: async () => undefined,
  });
  clone.sync = createSyncService({
    database,
    units,
    project: async () => clone.project,
    configOf: async () => configSchema.parse(clone.settings),
    merge: core.sync.merge,
    settle: (project) => core.sync.settle(project.id),
    now: () => Date.now() + clock.offsetMs,
  });
}

async function makeClone(folder: string, bare: string, name: string, repository?: string): Promise<Clone> {
  const path = repository ?? join(folder, name);
  if (repository === undefined) await git(folder, ['clone', '-q', bare, path]);
  const gitDir = join(await realpath(path), '.git');
  const clone = {
    name,
    gitDir,
    home: join(folder, `home-${name}`),
    settings: { sync_remote: '', sync_fallback_branch: '' },
    clock: { offsetMs: 0 },
    project: {
      id: newId(),
      tenantId: 'default',
      name,
      path,
      gitDir,
      mainBranch: 'main',
      createdAt: new Date().toISOString(),
    },
  } as Clone;
  Object.assign(clone, {
    create: (title: string, more: object = {}) =>
      clone.beads.beadCreate(operations.beadCreate.input.parse({ title, ...more }), clone.context),
    update: (id: string, change: object) => clone.beads.beadUpdate({ id, ...change } as never, clone.context),
    all: () => allBeads(clone.core.database.db, clone.project.id),
    state: () => git(gitDir, ['rev-parse', 'refs/godel/state']),
    run: (more: object = {}) =>
      clone.sync.handlers.syncRun({ join: false, acceptSkew: false, ...more } as never, clone.context),
    close: () => clone.core.stop(),
    open: () => started(clone),
  });
  await started(clone);
  return clone;
}

const treeOf = (clone: Clone) => git(clone.gitDir, ['rev-parse', 'refs/godel/state^{tree}']);
export const show = async (clone: Clone, id: string) => (await clone.all()).find((bead) => bead.id === id) as Bead;

/** Everybody exchanges until nothing is left to learn. */
export async function settle(...clones: Clone[]): Promise<void> {
  for (const clone of [...clones, ...clones.slice(0, -1)]) await clone.run();
}

export async function same(...clones: Clone[]): Promise<void> {
  const trees = await Promise.all(clones.map(treeOf));
  expect(new Set(trees).size).toBe(1);
  const rows = await Promise.all(
    clones.map(async (clone) =>
      (await clone.all()).map(({ projectId: _p, version: _v, conflicts: _c, ...bead }) => bead),
    ),
  );
  for (const each of rows) expect(each).toEqual(rows[0]);
}

/** A bare remote with one commit, and clones of it. */
export async function makeRemote(): Promise<Remote> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-clones-')));
  const first = await makeRepository(join(folder, 'first'));
  const bare = join(folder, 'remote.git');
  await git(folder, ['clone', '-q', '--bare', first, bare]);
  const clones: Clone[] = [];
  return {
    folder,
    bare,
    async clone(name, repository) {
      const clone = await makeClone(folder, bare, name, repository);
      clones.push(clone);
      return clone;
    },
    async stop() {
      for (const clone of clones) await clone.close().catch(() => undefined);
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
