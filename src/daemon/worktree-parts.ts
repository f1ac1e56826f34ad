/** Everything about worktrees: their commands, their life, their upkeep, and the mending that follows a start. */
import { endTree } from '../../runners/local/process-tree.ts';
import { inheritedEnvironment } from '../agents/environment.ts';
import { isLive } from '../agents/state.ts';
import { listAgents, liveAgents } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import type { GodelEvent } from '../base/event.ts';
import type { Project } from '../repos/schema.ts';
import type { RepoService } from '../repos/service.ts';
import { allProjects } from '../repos/store.ts';
import { createHookRunner } from '../worktrees/hook-runner.ts';
import { createKeeper, type Keeper } from '../worktrees/keeper.ts';
import { repairProject } from '../worktrees/repair.ts';
import type { Repair } from '../worktrees/schema.ts';
import { createWorktreeService, type WorktreeService } from '../worktrees/service.ts';
import { createUpkeep } from '../worktrees/upkeep.ts';
import { commandLog } from './agent-parts.ts';
import type { Core } from './core.ts';

export interface WorktreeParts {
  service: WorktreeService;
  /** Begins the rounds of upkeep and follows what may make work due. */
  start(): void;
  stop(): Promise<void>;
}

/** Agents looked at per bead. */
const MOST_AGENTS = 50;

/** Events after which a worktree may have to go, or the pool to be filled. */
function makesWork(event: GodelEvent): boolean {
  if (event.type === 'bead:updated') return (event.payload.bead as { status?: string }).status === 'done';
  return [
    'bead:landed',
    'bead:deleted',
    'worktree:created',
    'worktree:removed',
    'agent:complete',
    'agent:kill',
    'agent:error',
  ].includes(event.type);
}

export function createWorktreeParts(core: Core, repos: RepoService): WorktreeParts {
  const { database, units, log, paths } = core;
  const now = core.clock.now;
  const configOf = async (path: string) => (await core.config.project(path)).config;
  const liveAgentOf = async (projectId: string, beadId: string) =>
    (await liveAgents(database.db, projectId)).find((agent) => agent.beadId === beadId)?.name;

  const hooks = createHookRunner({
    units,
    logFile: (hook, beadId) => commandLog(paths.logDir, hook, beadId),
    environment: () => ({
      ...inheritedEnvironment(core.environment),
      PATH: core.environment.PATH ?? '/usr/local/bin:/usr/bin:/bin',
    }),
  });

  const repair = (project: Project): Promise<Repair[]> =>
    repairProject(project, {
      database,
      units,
      keeper,
      endLeft: async (marker) => void (await endTree(undefined, marker)),
      hasAgent: async (projectId, beadId) => (await liveAgentOf(projectId, beadId)) !== undefined,
      now,
      log,
    });

  /** One mending a project and life of this daemon; everybody who touches its worktrees waits for it. */
  const mending = new Map<string, Promise<unknown>>();
  function healed(project: Project): Promise<unknown> {
    const known = mending.get(project.id);
    if (known) return known;
    const work = repair(project).then((found) => {
      if (found.length > 0) log.info({ projectId: project.id, found }, 'worktrees looked after');
    });
    const quiet = work.catch((error: unknown) =>
      log.error({ projectId: project.id, problem: messageOf(error) }, 'worktrees could not be looked after'),
    );
    mending.set(project.id, quiet);
    return quiet;
  }

  const upkeep = createUpkeep({
    database,
    keeper: () => keeper,
    projects: () => allProjects(database.db),
    configOf,
    async agentsOf(projectId, beadId) {
      const { items } = await listAgents(database.db, projectId, { bead: beadId, all: true, limit: MOST_AGENTS });
      return { live: items.some((agent) => isLive(agent.lifecycle)), any: items.length > 0 };
    },
    healed,
    now,
    log,
  });

  const keeper: Keeper = createKeeper({ database, units, hooks, configOf, assertRoom: upkeep.assertRoom, now, log });
  const service = createWorktreeService({
    database,
    keeper,
    upkeep,
    hooks,
    project: repos.project,
    configOf,
    liveAgentOf,
    repair,
    healed,
    now,
  });

  let unsubscribe = () => {};
  return {
    service,
    start() {
      unsubscribe = core.bus.subscribe((event) => {
        const { projectId, beadId } = event.metadata;
        // An agent that is stopped during its set-up has nothing to set up for.
        if (event.type === 'agent:kill' && projectId && beadId) hooks.cancel(projectId, beadId);
        if (makesWork(event)) upkeep.nudge();
      });
      upkeep.start();
    },
    async stop() {
      unsubscribe();
      await upkeep.stop();
      await keeper.stop();
    },
  };
}
