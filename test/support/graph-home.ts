/** Beads and convoys without a daemon: real database, real git record, real services, and a clock that is set by hand. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RequestContext } from '../../src/access/context.ts';
import type { Actor } from '../../src/access/schema.ts';
import { newId } from '../../src/base/id.ts';
import { createLog } from '../../src/base/log.ts';
import { homePaths } from '../../src/base/paths.ts';
import { type Core, createCore } from '../../src/daemon/core.ts';
import { createWorkParts, type WorkParts } from '../../src/daemon/work-parts.ts';
import type { Project } from '../../src/repos/schema.ts';
import { insertProject } from '../../src/repos/store.ts';
import { makeRepository } from './home.ts';

export const START = Date.parse('2026-03-02T09:00:00Z');
export const ANN: Actor = { kind: 'user', id: 'user-ann', name: 'ann' };
export const agentActor = (name: string): Actor => ({ kind: 'agent', id: `agent-${name}`, name });

export interface GraphHome {
  core: Core;
  project: Project;
  /** Moves the clock on (ms) and returns the new time. */
  advance(ms: number): number;
  as(actor: Actor): RequestContext;
  beads: WorkParts['handlers'];
  exchange: WorkParts['handlers'];
  templates: WorkParts['handlers'];
  convoys: WorkParts['convoys'];
  stop(): Promise<void>;
}

/** What a daemon stands on, in the home folder `home`. */
export async function openCore(home: string, now: () => number = Date.now): Promise<Core> {
  const environment = { GODEL_HOME: home, HOME: dirname(home) };
  const log = createLog({ level: 'silent', destination: 2, name: 'test' });
  return createCore({ paths: homePaths(environment), environment, clock: { now }, log });
}

async function addProject(core: Core, folder: string): Promise<Project> {
  const path = await makeRepository(join(folder, 'repo'));
  const project: Project = {
    id: newId(),
    tenantId: 'default',
    name: 'repo',
    path,
    gitDir: join(path, '.git'),
    mainBranch: 'main',
    createdAt: new Date(START).toISOString(),
  };
  await core.database.transact((tx) => insertProject(tx, project));
  await core.sync.attach(project);
  return project;
}

function services(core: Core, project: Project): WorkParts {
  return createWorkParts(core, {
    beadOfAgent: async () => undefined,
    agentName: async (_projectId, text) => text,
    liveAgentOf: async () => undefined,
    prove: async () => {
      throw new Error('nothing is proven here');
    },
    mainBranch: async () => project.mainBranch,
    todosOf: async () => [],
    openTodos: async () => undefined,
    projectPath: async () => project.path,
  });
}

export async function createGraphHome(): Promise<GraphHome> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-graph-')));
  let nowMs = START;
  const core = await openCore(join(folder, 'home'), () => nowMs);
  const project = await addProject(core, folder);
  const { handlers, convoys } = services(core, project);
  return {
    core,
    project,
    advance: (ms) => (nowMs += ms),
    as: (actor) => ({ actor, projectId: project.id, requestId: newId(), signal: new AbortController().signal }),
    beads: handlers,
    exchange: handlers,
    templates: handlers,
    convoys,
    async stop() {
      await core.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
