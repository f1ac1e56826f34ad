/** Sessions: they follow agents, and are read from the runtimes' own files or the proxy's recordings. */
import type { Agent } from '../agents/schema.ts';
import type { ChooseModel, Starter } from '../agents/starting.ts';
import { findAgent, listAgents, liveAgents, resolveAgent, revivableAgents } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import { resolveBead } from '../beads/store.ts';
import type { Config } from '../config.ts';
import type { Activity } from '../costs/schema.ts';
import type { Project } from '../repos/schema.ts';
import type { RepoService } from '../repos/service.ts';
import { allProjects } from '../repos/store.ts';
import { createAutomatic } from '../sessions/automatic.ts';
import { createCheckpointService } from '../sessions/checkpoint-service.ts';
import { type Checkpoints, createCheckpoints } from '../sessions/checkpoints.ts';
import { createFollowing } from '../sessions/following.ts';
import { createReading, type Reading } from '../sessions/reading.ts';
import { createSessionService } from '../sessions/service.ts';
import type { WorktreeService } from '../worktrees/service.ts';
import { workingTree } from '../worktrees/snapshot.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';
import { followNewestSessions } from './newest-sessions.ts';
import type { ProxyProcess } from './proxy-process.ts';
import { createSessionMoves, type MoveHandlers } from './session-moves.ts';

export interface SessionsPartOptions {
  core: Core;
  parts: AgentParts;
  repos: RepoService;
  worktrees: WorktreeService;
  proxy: ProxyProcess;
  starter: Starter;
  chooseModel: ChooseModel;
  configOf: (projectId: string) => Promise<Config>;
}

export interface SessionsPart {
  handlers: ReturnType<typeof createSessionService> & ReturnType<typeof createCheckpointService> & MoveHandlers;
  /** Traffic of an agent with its models. */
  onActivity(activity: Activity): void;
  stop(): Promise<void>;
}

const MOST_TURNS = 1000;

export function createSessionsPart(options: SessionsPartOptions): SessionsPart {
  const { database, clock } = options.core;
  const reading = readingOf(options);
  const checkpoints = checkpointsOf(options, reading);
  const { order, onActivity, afterwards, stop } = startFollowing(options, checkpoints);
  const moves = createSessionMoves({ ...options, reading, checkpoints, settled: order });
  afterwards(moves.finish);
  const shared = {
    database,
    settled: order,
    beadId: async (projectId: string, text: string) => (await resolveBead(database.db, projectId, text)).id,
  };
  return {
    handlers: {
      ...createSessionService({
        ...shared,
        clock,
        reading,
        agentId: async (projectId, text) => (await resolveAgent(database.db, projectId, text)).id,
      }),
      ...createCheckpointService({ ...shared, checkpoints, project: (id) => options.repos.project(id) }),
      ...moves.handlers,
    },
    onActivity,
    stop,
  };
}

function readingOf({ parts, proxy }: SessionsPartOptions): Reading {
  return createReading({
    historyOf: (runtime) => parts.runtimes.get(runtime).history,
    homeOf: parts.launcher.homeOf,
    recorded: ({ projectId, agentId }) => proxy.client.recordedTurns({ projectId, agentId, limit: MOST_TURNS }),
  });
}

function checkpointsOf({ core, repos, worktrees, configOf }: SessionsPartOptions, reading: Reading): Checkpoints {
  return createCheckpoints({
    database: core.database,
    units: core.units,
    reading,
    project: (id) => repos.project(id),
    worktreeOf: (project, beadId) => worktrees.existing(project, beadId).catch(() => undefined),
    workingTree,
    keep: async (projectId) => (await configOf(projectId)).checkpoint_keep,
    now: core.clock.now,
    log: core.log,
  });
}

/** Sessions follow agents one event after the other; checkpoints are made beside that, so that nobody waits for them. */
function startFollowing({ core, configOf }: SessionsPartOptions, checkpoints: Checkpoints) {
  const { database, units, log } = core;
  const following = createFollowing({ database, units });
  const newest = followNewestSessions(core);
  let order: Promise<void> = Promise.resolve();
  const background = new Set<Promise<void>>();

  /** What an agent is now must not be overtaken by what it was before. */
  function inOrder(work: () => Promise<void>): void {
    order = order
      .then(work)
      .catch((error: unknown) => log.error({ problem: messageOf(error) }, 'a session did not follow its agent'));
  }

  function beside(work: Promise<void>): void {
    const noted = work
      .catch((error: unknown) => log.warn({ problem: messageOf(error) }, 'a checkpoint was not made'))
      .finally(() => background.delete(noted));
    background.add(noted);
  }

  const automatic = createAutomatic({
    everyTurns: async (projectId) => (await configOf(projectId)).checkpoint_turns,
    findAgent: (id) => findAgent(database.db, id),
    async agentOfBead(projectId, beadId) {
      const live = (await liveAgents(database.db, projectId)).find((agent) => agent.beadId === beadId);
      return live ?? (await listAgents(database.db, projectId, { bead: beadId, all: true, limit: 1000 })).items.at(-1);
    },
    async take(agent, reason) {
      await order;
      const session = await newest.find(agent.id);
      if (session) await checkpoints.take(session, { reason, by: 'godel' });
    },
  });

  inOrder(async () => {
    // Refs first: sessions that only they know are there before agents are looked at.
    for (const project of await allProjects(database.db))
      await checkpoints
        .rebuild(project)
        .catch((error: unknown) => log.warn({ path: project.path, problem: messageOf(error) }, 'checkpoints not read'));
    newest.forget();
    for (const agent of await revivableAgents(database.db)) await following.follow(agent);
  });
  const unsubscribe = core.bus.subscribe((event) => {
    const { agent } = event.payload as { agent?: Agent };
    if (event.type.startsWith('agent:') && agent) inOrder(() => following.follow(agent));
    if (event.type === 'project:created') {
      const { project } = event.payload as { project: Project };
      inOrder(() => checkpoints.rebuild(project).finally(newest.forget));
    }
    beside(automatic.event(event));
  });

  return {
    order: () => order,
    /** Beside the rest, once everything was looked at. */
    afterwards: (work: () => Promise<void>) => beside(order.then(work)),
    onActivity: ({ agentId, requests }: Activity) => beside(automatic.requests(agentId, requests)),
    async stop() {
      unsubscribe();
      newest.stop();
      await order;
      await checkpoints.urgently(() => Promise.all(background));
      await checkpoints.stop();
    },
  };
}
