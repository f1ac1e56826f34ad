/** One handler per operation on projects, worktrees and snapshots. */
import { realpath, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Handlers } from '../access/context.ts';
import { newId } from '../base/id.ts';
import { changeBead } from '../beads/changes.ts';
import type { Bead } from '../beads/schema.ts';
import { allBeads, resolveBead } from '../beads/store.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { discoverRepository } from './discover.ts';
import type { repoOperations } from './operations.ts';
import type { Project, Worktree } from './schema.ts';
import { listSnapshots, restoreSnapshot, takeSnapshot } from './snapshot.ts';
import { allProjects, findProject, findProjectByGitDir, insertProject, moveProject } from './store.ts';
import { createWorktrees, type Worktrees } from './worktree.ts';

export interface RepoServiceOptions {
  database: Database;
  units: UnitOfWork;
  configOf: (projectPath: string) => Promise<Config>;
  /** Called once for every project that becomes known, before its first operation. */
  attach: (project: Project) => Promise<void>;
  setupLogFile: (beadId: string) => string;
  liveAgentOf: (projectId: string, beadId: string) => Promise<string | undefined>;
  now: () => number;
}

type Service = Handlers<typeof repoOperations>;

export interface RepoService {
  readonly handlers: Service;
  /** The project a request means: by id, by a folder inside it, or the only one there is. */
  resolveProject(hint: { id?: string | undefined; path?: string | undefined }): Promise<string>;
  project(id: string): Promise<Project>;
  worktreesOf(project: Project): Worktrees;
  /** Worktree of a bead, made with its set-up command when it is missing. */
  ensureWorktree(project: Project, bead: Bead, config: Config): Promise<string>;
  /** Snapshot of a bead's worktree, when there is something new in it; the commit. */
  snapshot(project: Project, beadId: string, reason: string): Promise<string | undefined>;
  removeWorktree(project: Project, beadId: string): Promise<string | undefined>;
  /** Path of a worktree that is there. @throws GodelError worktree-not-found */
  existingWorktree(project: Project, beadId: string): Promise<string>;
}

/** How long (ms) the project of a folder is believed without asking git again. */
const PATH_CACHE_MS = 60_000;

export function createRepoService(options: RepoServiceOptions): RepoService {
  const { database, units } = options;
  const worktrees = new Map<string, Worktrees>();
  const paths = new Map<string, { projectId: string; gitDir: string; atMs: number }>();
  const initialising = new Map<string, Promise<{ project: Project; created: boolean }>>();

  function worktreesOf(project: Project): Worktrees {
    const known = worktrees.get(project.id) ?? createWorktrees({ gitDir: project.gitDir, top: project.path });
    worktrees.set(project.id, known);
    return known;
  }

  async function project(id: string): Promise<Project> {
    const found = await findProject(database.db, id);
    if (!found) throw failure('project-unknown', { path: id });
    return found;
  }

  /** The project of a folder, made known when it is new. Serialised per repository. */
  async function ensureProject(path: string): Promise<{ project: Project; created: boolean }> {
    const { main_branch: mainBranch } = await options.configOf(path).catch(() => ({ main_branch: undefined }));
    const repository = await discoverRepository(path, { mainBranch });
    const waiting = initialising.get(repository.gitDir);
    if (waiting) return { project: (await waiting).project, created: false };
    const work = registerProject(repository);
    initialising.set(repository.gitDir, work);
    return work.finally(() => initialising.delete(repository.gitDir));
  }

  /** Project id of a folder; asking git again only when the answer may have changed. */
  async function byPath(path: string): Promise<string> {
    const known = paths.get(path);
    const there = known && (await stat(known.gitDir).catch(() => undefined));
    if (known && there && options.now() - known.atMs < PATH_CACHE_MS) return known.projectId;
    const { project: found } = await ensureProject(path);
    paths.set(path, { projectId: found.id, gitDir: found.gitDir, atMs: options.now() });
    return found.id;
  }

  async function registerProject(repository: Awaited<ReturnType<typeof discoverRepository>>) {
    const { gitDir, top, mainBranch } = repository;
    const known = await findProjectByGitDir(database.db, gitDir);
    if (known) {
      const current = { ...known, path: top, mainBranch };
      if (known.path !== top || known.mainBranch !== mainBranch) {
        await database.transact((tx) => moveProject(tx, known.id, current));
        worktrees.delete(known.id);
      }
      await options.attach(current);
      return { project: current, created: false };
    }
    const made = await units.run(async (unit) => {
      const fresh: Project = {
        id: newId(),
        tenantId: 'default',
        name: basename(top),
        path: top,
        gitDir,
        mainBranch,
        createdAt: unit.now,
      };
      await insertProject(unit.tx, fresh);
      const metadata = { projectId: fresh.id };
      await unit.emit({ type: 'project:created', component: 'repos', payload: { project: fresh }, metadata });
      return fresh;
    });
    await options.attach(made);
    return { project: made, created: true };
  }

  async function view(found: Project, beadId: string): Promise<Worktree> {
    const all = await worktreesOf(found).list();
    const tree = all.find((each) => each.beadId === beadId);
    if (!tree) throw failure('worktree-not-found', { id: beadId });
    return tree;
  }

  async function ensureWorktree(found: Project, bead: Bead, config: Config): Promise<string> {
    const { path, created } = await worktreesOf(found).ensure({
      beadId: bead.id,
      base: found.mainBranch,
      copyPatterns: config.copy_patterns,
      ...(config.setup_command === ''
        ? {}
        : {
            setup: {
              command: config.setup_command,
              timeoutMs: config.setup_timeout_seconds * 1000,
              logFile: options.setupLogFile(bead.id),
            },
          }),
    });
    if (created || bead.worktree !== path) {
      await units.run(async (unit) => {
        const fresh = await resolveBead(unit.tx, found.id, bead.id);
        await changeBead(unit, fresh, { worktree: path, branch: `bead/${bead.id}` }, 'worktree made');
        const metadata = { projectId: found.id, beadId: bead.id };
        await unit.emit({ type: 'worktree:created', component: 'repos', payload: { beadId: bead.id, path }, metadata });
      });
    }
    return path;
  }

  async function snapshot(found: Project, beadId: string, reason: string): Promise<string | undefined> {
    const path = worktreesOf(found).pathOf(beadId);
    const result = await takeSnapshot({ gitDir: found.gitDir, worktree: path, beadId, reason, now: options.now() });
    if (!result) return undefined;
    await units.run(async (unit) => {
      const metadata = { projectId: found.id, beadId };
      const payload = { beadId, commit: result.commit, reason };
      await unit.emit({ type: 'snapshot:taken', component: 'repos', payload, metadata });
    });
    return result.commit;
  }

  async function removeWorktree(found: Project, beadId: string): Promise<string | undefined> {
    const path = worktreesOf(found).pathOf(beadId);
    const kept = await snapshot(found, beadId, 'removal');
    await worktreesOf(found).remove({ beadId });
    await units.run(async (unit) => {
      const bead = await resolveBead(unit.tx, found.id, beadId);
      await changeBead(unit, bead, { worktree: undefined } as object, 'worktree removed');
      const metadata = { projectId: found.id, beadId };
      await unit.emit({ type: 'worktree:removed', component: 'repos', payload: { beadId, path }, metadata });
    });
    return kept;
  }

  const restore: Service['worktreeRestore'] = async (input, { projectId }) => {
    const found = await project(projectId);
    const bead = await resolveBead(database.db, projectId, input.bead);
    await ensureWorktree(found, bead, await options.configOf(found.path));
    const snapshots = await listSnapshots({ gitDir: found.gitDir, beadId: bead.id });
    const wanted =
      input.commit === undefined
        ? snapshots[0]
        : snapshots.find((each) => each.commit.startsWith(input.commit as string));
    if (!wanted && input.commit !== undefined) throw failure('snapshot-not-found', { id: bead.id });
    if (wanted) {
      const worktree = worktreesOf(found).pathOf(bead.id);
      await restoreSnapshot({
        gitDir: found.gitDir,
        worktree,
        beadId: bead.id,
        commit: wanted.commit,
        now: options.now(),
      });
    }
    return { worktree: await view(found, bead.id), ...(wanted ? { snapshot: wanted } : {}) };
  };

  const handlers: Service = {
    async projectInit(input) {
      const { project: found, created } = await ensureProject(
        await realpath(input.path ?? '.').catch(() => input.path ?? '.'),
      );
      return { project: found, created, beads: (await allBeads(database.db, found.id)).length };
    },
    projectList: async () => ({ items: await allProjects(database.db) }),
    async worktreeList(_input, { projectId }) {
      return { items: await worktreesOf(await project(projectId)).list() };
    },
    async worktreeSnapshots(input, { projectId }) {
      const bead = await resolveBead(database.db, projectId, input.bead);
      return { items: await listSnapshots({ gitDir: (await project(projectId)).gitDir, beadId: bead.id }) };
    },
    worktreeRestore: restore,
    async worktreeRemove(input, { projectId }) {
      const bead = await resolveBead(database.db, projectId, input.bead);
      const agent = await options.liveAgentOf(projectId, bead.id);
      if (agent) throw failure('bead-has-agent', { id: bead.id, agent });
      const kept = await removeWorktree(await project(projectId), bead.id);
      return { beadId: bead.id, ...(kept === undefined ? {} : { snapshot: kept }) };
    },
  };

  return {
    handlers,
    async resolveProject(hint) {
      if (hint.id !== undefined) return (await project(hint.id)).id;
      if (hint.path !== undefined) return byPath(hint.path);
      const [only, ...others] = await allProjects(database.db);
      if (!only || others.length > 0) throw failure('project-needed');
      return only.id;
    },
    project,
    worktreesOf,
    ensureWorktree,
    snapshot,
    removeWorktree,
    async existingWorktree(found, beadId) {
      const tree = await view(found, beadId);
      if (!tree.exists) throw failure('worktree-not-found', { id: beadId });
      return tree.path;
    },
  };
}
