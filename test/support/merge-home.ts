/** A merge queue over a real repository, a real database and real gates, in this process. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endTree } from '../../runners/local/process-tree.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createEventBus } from '../../src/base/event.ts';
import { git, tryGit } from '../../src/base/git.ts';
import { newId, newUid } from '../../src/base/id.ts';
import { createLog } from '../../src/base/log.ts';
import { changeBead } from '../../src/beads/changes.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { beadStatuses, findBead, insertBead } from '../../src/beads/store.ts';
import { type Config, configSchema } from '../../src/config.ts';
import { rulesOf } from '../../src/daemon/record-kinds.ts';
import { createOverlapMap, type OverlapMap } from '../../src/merge/overlap.ts';
import type { MergeParts } from '../../src/merge/parts.ts';
import { createMergeQueue, type MergeQueue } from '../../src/merge/queue.ts';
import type { Entry } from '../../src/merge/schema.ts';
import { createMergeService, type MergeService } from '../../src/merge/service.ts';
import { findEntry } from '../../src/merge/store.ts';
import type { Project } from '../../src/repos/schema.ts';
import { insertProject } from '../../src/repos/store.ts';
import { type Database, openSqlite } from '../../src/storage/database.ts';
import { openReplica } from '../../src/storage/records.ts';
import { createUnitOfWork, type UnitOfWork } from '../../src/storage/unit-of-work.ts';
import { makeRepository } from './home.ts';

export interface MergeHome {
  folder: string;
  top: string;
  gitDir: string;
  project: Project;
  database: Database;
  units: UnitOfWork;
  parts: MergeParts;
  queue: MergeQueue;
  service: MergeService;
  overlaps: OverlapMap;
  config: Config;
  /** Prompts given to agents, and beads a refinery agent was started on. */
  told: { beadId: string; text: string }[];
  refined: string[];
  released: string[];
  /** A bead in review with a branch that changes `files`, started from `base`. */
  work(id: string, files: Record<string, string>, options?: { base?: string; bead?: Partial<Bead> }): Promise<Bead>;
  bead(id: string): Promise<Bead>;
  entry(id: string): Promise<Entry>;
  accept(id: string, waitSeconds?: number): Promise<Entry>;
  main(): Promise<string>;
  /** Commits files on main, as a person would. */
  commitOnMain(files: Record<string, string>, message?: string): Promise<string>;
  /** Ends this queue as a killed daemon would leave it and starts another one over the same files. */
  restart(options?: { loseDatabase?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

export const context = (projectId: string, name = 'tester') => ({
  actor: { kind: 'user' as const, id: name, name },
  projectId,
  requestId: 'test',
  signal: new AbortController().signal,
});

/** Makes a commit with `files` on top of `parent` without a checkout. */
export async function commitFiles(
  gitDir: string,
  parent: string,
  files: Record<string, string>,
  message: string,
): Promise<string> {
  const index = join(gitDir, `index-${newId()}`);
  const env = { GIT_INDEX_FILE: index };
  const identity = {
    GIT_AUTHOR_NAME: 'Agent',
    GIT_AUTHOR_EMAIL: 'agent@example.org',
    GIT_COMMITTER_NAME: 'Agent',
    GIT_COMMITTER_EMAIL: 'agent@example.org',
  };
  await git(gitDir, ['read-tree', parent], { env });
  for (const [path, text] of Object.entries(files)) {
    const blob = await git(gitDir, ['hash-object', '-w', '--stdin'], { input: text });
    await git(gitDir, ['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`], { env });
  }
  const tree = await git(gitDir, ['write-tree'], { env });
  await rm(index, { force: true });
  return git(gitDir, ['commit-tree', tree, '-p', parent, '-m', message], { env: identity });
}

export async function createMergeHome(settings: Partial<Config> = {}): Promise<MergeHome> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-merge-')));
  const top = await makeRepository(join(folder, 'repo'));
  const gitDir = join(top, '.git');
  const config: Config = { ...configSchema.parse({}), ...settings };
  const project: Project = {
    id: newId(),
    tenantId: 'default',
    name: 'repo',
    path: top,
    gitDir,
    mainBranch: 'main',
    createdAt: new Date().toISOString(),
  };
  const log = createLog({ level: process.env.GODEL_TEST_LOG ?? 'error', destination: 2, name: 'merge-test' });
  const databaseFile = join(folder, 'godel.db');
  const beads = new Map<string, Bead>();

  const home = { folder, top, gitDir, project, config, told: [], refined: [], released: [] } as unknown as MergeHome;

  async function open(): Promise<void> {
    home.database = await openSqlite(databaseFile);
    const bus = createEventBus((error) => log.error({ error }, 'listener failed'));
    home.units = createUnitOfWork({
      database: home.database,
      bus,
      clock: systemClock,
      replica: await openReplica(home.database, systemClock),
      rulesOf,
      flushed: async () => undefined,
    });
    home.parts = {
      database: home.database,
      units: home.units,
      clock: systemClock,
      log,
      configOf: async () => home.config,
      logFileOf: (entryId) => join(folder, 'logs', `gate-${entryId}.log`),
      gateEnvironment: () => ({ PATH: process.env.PATH ?? '', HOME: folder }),
      endMarked: async (marker) => void (await endTree(undefined, marker)),
      tellAgent: async (_projectId, beadId, text) => {
        home.told.push({ beadId, text });
        return (await home.bead(beadId)).agent;
      },
      startRefinery: async (_projectId, beadId) => {
        home.refined.push(beadId);
        return 'refinery-1';
      },
      release: async (_project, bead) => void home.released.push(bead.id),
    };
    home.queue = createMergeQueue(home.parts);
    home.overlaps = createOverlapMap({
      unfinished: async (projectId, ids) => {
        const statuses = await beadStatuses(home.database.db, projectId, [...ids]);
        return new Set([...statuses].filter(([, status]) => status !== 'done').map(([id]) => id));
      },
      changed: async () => undefined,
      log,
    });
    home.service = createMergeService({
      parts: home.parts,
      queue: home.queue,
      overlaps: home.overlaps,
      project: async () => project,
    });
  }

  home.bead = async (id) => (await findBead(home.database.db, project.id, id)) as Bead;
  home.entry = async (id) => (await findEntry(home.database.db, id)) as Entry;
  home.main = () => git(gitDir, ['rev-parse', 'refs/heads/main']);
  home.accept = (id, waitSeconds = 60) => home.service.enqueue(id, waitSeconds * 1000, context(project.id));
  home.commitOnMain = async (files, message = 'by a person') => {
    for (const [path, text] of Object.entries(files)) await writeFile(join(top, path), text);
    await git(top, ['add', '-A']);
    await git(top, ['commit', '-q', '-m', message]);
    return home.main();
  };
  home.work = async (id, files, options = {}) => {
    const branch = `bead/${id}`;
    const at = new Date().toISOString();
    const base = options.base ?? (await home.main());
    const commit = await commitFiles(gitDir, base, files, `Work of ${id}`);
    await git(gitDir, ['update-ref', `refs/heads/${branch}`, commit]);
    const known = await home.bead(id);
    if (known) {
      const change = { status: 'review' as const, branch };
      return home.units.run((unit) => changeBead(unit, known, change, 'handed over again'));
    }
    const bead: Bead = {
      id,
      uid: newUid(),
      projectId: project.id,
      type: 'task',
      title: `Title of ${id}`,
      status: 'review',
      priority: 'medium',
      labels: [],
      branch,
      commits: [commit],
      blockedBy: [],
      related: [],
      discoveredFrom: [],
      notes: [],
      metadata: {},
      createdAt: at,
      updatedAt: at,
      version: 1,
      ...options.bead,
    };
    await home.units.run((unit) => insertBead(unit.tx, bead));
    beads.set(id, bead);
    return bead;
  };
  home.restart = async ({ loseDatabase = false } = {}) => {
    await home.queue.stop();
    const kept = await Promise.all([...beads.keys()].map((id) => home.bead(id)));
    await home.database.close();
    if (loseDatabase) {
      for (const suffix of ['', '-wal', '-shm']) await rm(databaseFile + suffix, { force: true });
    }
    await open();
    if (!loseDatabase) return;
    await home.units.run(async (unit) => {
      await insertProject(unit.tx, project);
      // The record in git brings beads back; here they are put back by hand.
      for (const bead of kept) await insertBead(unit.tx, bead);
    });
  };
  home.stop = async () => {
    await home.queue.stop();
    await home.overlaps.stop();
    await home.database.close();
    await tryGit(top, ['worktree', 'prune']);
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  await open();
  await home.units.run((unit) => insertProject(unit.tx, project));
  return home;
}
