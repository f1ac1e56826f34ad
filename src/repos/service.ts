/** One handler per operation on projects. */
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Handlers } from '../access/context.ts';
import { newId } from '../base/id.ts';
import { allBeads } from '../beads/store.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { discoverRepository } from './discover.ts';
import type { repoOperations } from './operations.ts';
import type { Project } from './schema.ts';
import { allProjects, findProject, findProjectByGitDir, insertProject, moveProject } from './store.ts';
import { suggestCommands } from './suggestion.ts';

export interface RepoServiceOptions {
  database: Database;
  units: UnitOfWork;
  configOf: (projectPath: string) => Promise<Config>;
  /** Called once for every project that becomes known, before its first operation. */
  attach: (project: Project) => Promise<void>;
  now: () => number;
}

type Service = Handlers<typeof repoOperations>;

export interface RepoService {
  readonly handlers: Service;
  /** The project a request means: by id, by a folder inside it, or the only one there is. */
  resolveProject(hint: { id?: string | undefined; path?: string | undefined }): Promise<string>;
  project(id: string): Promise<Project>;
}

/** How long (ms) the project of a folder is believed without asking git again. */
const PATH_CACHE_MS = 60_000;
/** How long (ms) its folder is believed to be there without looking. */
const THERE_MS = 200;

export function createRepoService(options: RepoServiceOptions): RepoService {
  const { database, units } = options;
  const paths = new Map<string, { projectId: string; gitDir: string; atMs: number; seenMs: number }>();
  /** By id: every word of an agent asks for its project, and only a moved repository changes one. */
  const projects = new Map<string, Project>();
  const initialising = new Map<string, Promise<{ project: Project; created: boolean }>>();

  async function project(id: string): Promise<Project> {
    const found = projects.get(id) ?? (await findProject(database.db, id));
    if (!found) throw failure('project-unknown', { path: id });
    projects.set(id, found);
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
    if (known && options.now() - known.atMs < PATH_CACHE_MS && isThere(known)) return known.projectId;
    const { project: found } = await ensureProject(path);
    const atMs = options.now();
    paths.set(path, { projectId: found.id, gitDir: found.gitDir, atMs, seenMs: atMs });
    return found.id;
  }

  function isThere(known: { gitDir: string; seenMs: number }): boolean {
    const now = options.now();
    if (Math.abs(now - known.seenMs) < THERE_MS) return true;
    if (!existsSync(known.gitDir)) return false;
    known.seenMs = now;
    return true;
  }

  async function registerProject(repository: Awaited<ReturnType<typeof discoverRepository>>) {
    const { gitDir, top, mainBranch } = repository;
    const before = await findProjectByGitDir(database.db, gitDir);
    if (before) {
      const current = { ...before, path: top, mainBranch };
      if (before.path !== top || before.mainBranch !== mainBranch) {
        await database.transact((tx) => moveProject(tx, before.id, current));
        projects.set(before.id, current);
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

  const handlers: Service = {
    async projectInit(input) {
      const { project: found, created } = await ensureProject(
        await realpath(input.path ?? '.').catch(() => input.path ?? '.'),
      );
      return { project: found, created, beads: (await allBeads(database.db, found.id)).length };
    },
    projectList: async () => ({ items: await allProjects(database.db) }),
    async projectSuggest(_input, { projectId }) {
      const { gitDir, mainBranch } = await project(projectId);
      return suggestCommands(gitDir, mainBranch);
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
  };
}
