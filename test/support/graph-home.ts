/** Beads and convoys without a daemon: real database, real git record, real services, and a clock that is set by hand. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Handlers, RequestContext } from '../../src/access/context.ts';
import type { Actor } from '../../src/access/schema.ts';
import { newId } from '../../src/base/id.ts';
import { createLog } from '../../src/base/log.ts';
import { homePaths } from '../../src/base/paths.ts';
import type { claimOperations } from '../../src/beads/claim-operations.ts';
import { createClaimService } from '../../src/beads/claim-service.ts';
import type { graphOperations } from '../../src/beads/graph-operations.ts';
import { createGraphService } from '../../src/beads/graph-service.ts';
import type { beadOperations } from '../../src/beads/operations.ts';
import { createBeadService } from '../../src/beads/service.ts';
import { beadStatuses, findBead, resolveBead } from '../../src/beads/store.ts';
import { createConvoyService } from '../../src/convoys/service.ts';
import { resolveConvoy } from '../../src/convoys/store.ts';
import { type Core, createCore } from '../../src/daemon/core.ts';
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
  beads: Handlers<typeof beadOperations & typeof graphOperations & typeof claimOperations>;
  convoys: ReturnType<typeof createConvoyService>;
  stop(): Promise<void>;
}

async function openCore(folder: string, now: () => number): Promise<Core> {
  const environment = { GODEL_HOME: join(folder, 'home'), HOME: folder };
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

function services(core: Core, project: Project): Pick<GraphHome, 'beads' | 'convoys'> {
  const { database, units, clock } = core;
  const convoyId = async (projectId: string, text: string) => (await resolveConvoy(database.db, projectId, text)).id;
  const beads = createBeadService({
    database,
    units,
    clock,
    convoyId,
    beadOfAgent: async () => undefined,
    agentName: async (_projectId, text) => text,
    liveAgentOf: async () => undefined,
    prove: async () => {
      throw new Error('nothing is proven here');
    },
    mainBranch: async () => project.mainBranch,
  });
  const graph = createGraphService({ database, units, clock, convoyId, note: beads.beadNote });
  const convoys = createConvoyService({
    database,
    units,
    clock,
    resolveBead: (projectId, id) => resolveBead(database.db, projectId, id),
    findBead: (projectId, id) => findBead(database.db, projectId, id),
    beadStatuses,
  });
  const claims = createClaimService({ database, units, clock, convoyId });
  return { beads: { ...beads, ...graph, ...claims }, convoys };
}

export async function createGraphHome(): Promise<GraphHome> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-graph-')));
  let nowMs = START;
  const core = await openCore(folder, () => nowMs);
  const project = await addProject(core, folder);
  return {
    core,
    project,
    advance: (ms) => (nowMs += ms),
    as: (actor) => ({ actor, projectId: project.id, requestId: newId(), signal: new AbortController().signal }),
    ...services(core, project),
    async stop() {
      await core.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
