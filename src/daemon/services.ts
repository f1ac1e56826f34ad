/** Every handler, built from the parts. The result is checked against the list of operations by its type. */
import type { Handlers } from '../access/context.ts';
import { inheritedEnvironment } from '../agents/environment.ts';
import type { Agent } from '../agents/schema.ts';
import { findAgent, liveAgents, resolveAgent } from '../agents/store.ts';
import { newId } from '../base/id.ts';
import { resolveBead } from '../beads/store.ts';
import { createCommitService } from '../commits/service.ts';
import type { Config } from '../config.ts';
import type { ConvoyService } from '../convoys/service.ts';
import { providersOf } from '../costs/providers.ts';
import type { Inbox } from '../inbox/service.ts';
import type { Operations } from '../operations.ts';
import type { RepoService } from '../repos/service.ts';
import { proveBead } from '../reviews/proof.ts';
import type { SyncService } from '../sync/service.ts';
import { type BoardScreen, createSystemService } from '../system/service.ts';
import type { WorktreeService } from '../worktrees/service.ts';
import type { AgentParts } from './agent-parts.ts';
import { createAgentServices } from './agent-services.ts';
import type { Core } from './core.ts';
import type { HealthChecks } from './health.ts';
import { createInboxPart } from './inbox-part.ts';
import { createMerging, type Merging } from './merging.ts';
import { createMessagePart } from './message-part.ts';
import { createMoneyServices } from './money-services.ts';
import type { ProxyProcess } from './proxy-process.ts';
import { createRecordServices } from './record-services.ts';
import { createRecordings } from './recordings-part.ts';
import type { Revival } from './revival.ts';
import { createSessionsPart, type SessionsPart } from './sessions-part.ts';
import { createBeadTodos } from './todo-part.ts';
import { createWorkParts } from './work-parts.ts';

export interface ServicesOptions {
  core: Core;
  repos: RepoService;
  worktrees: WorktreeService;
  parts: AgentParts;
  proxy: ProxyProcess;
  health: HealthChecks;
  screen: BoardScreen;
  version: string;
  startedAt: string;
  restarts: number;
  url: () => string;
}

export interface Services {
  handlers: Handlers<Operations>;
  convoys: ConvoyService;
  inbox: Inbox;
  merging: Merging;
  sync: SyncService;
  revival: Revival;
  sessions: SessionsPart;
  onTimeOver: (agent: Agent) => Promise<void>;
}

const NANO = 1_000_000_000;

export function createServices(options: ServicesOptions): Services {
  const { core, repos, worktrees, parts, proxy } = options;
  const { database, clock } = core;
  const configOf = async (path: string) => (await core.config.project(path)).config;
  const configOfProject = async (id: string) => configOf((await repos.project(id)).path);
  const beadOf = (projectId: string, id: string) => resolveBead(database.db, projectId, id);
  const agentOf = (projectId: string, id: string) => resolveAgent(database.db, projectId, id);
  const liveAgentOf = async (projectId: string, beadId: string) =>
    (await liveAgents(database.db, projectId)).find((agent) => agent.beadId === beadId);
  const environment = () => ({
    ...inheritedEnvironment(core.environment),
    PATH: core.environment.PATH ?? '/usr/local/bin:/usr/bin:/bin',
  });

  const work = createWorkParts(core, {
    ...createBeadTodos(core, configOfProject),
    beadOfAgent: async (id) => (await findAgent(database.db, id))?.beadId,
    agentName: async (projectId, text) => (await agentOf(projectId, text)).name,
    liveAgentOf: async (projectId, beadId) => (await liveAgentOf(projectId, beadId))?.name,
    mainBranch: async (projectId) => (await repos.project(projectId)).mainBranch,
    projectPath: async (projectId) => (await repos.project(projectId)).path,
    async prove(bead) {
      const project = await repos.project(bead.projectId);
      return proveBead({
        bead,
        worktree: await worktrees.existing(project, bead.id),
        mainBranch: project.mainBranch,
        config: await configOf(project.path),
        environment: { ...environment(), ...(await worktrees.environmentOf(project, bead.id)) },
        exec: parts.runner.exec,
        now: clock.now,
      });
    },
  });

  const { agents, revival, starter, chooseModel } = createAgentServices({
    core,
    parts,
    repos,
    configOf: configOfProject,
    resolveBead: beadOf,
  });

  const merging = createMerging({ core, repos, worktrees, parts, environment, agents: () => agents });

  const inbox = createInboxPart({ core, parts, agents, reviews: merging.handlers });

  const messages = createMessagePart({ core, parts, inbox, configOf: configOfProject });

  const sessions = createSessionsPart({
    core,
    parts,
    repos,
    worktrees,
    proxy,
    starter,
    chooseModel,
    configOf: configOfProject,
  });

  const money = createMoneyServices({ core, repos, proxy });

  const system = systemPart(options, configOf, merging);
  const records = createRecordServices({ core, repos, configOf, version: options.version, runner: parts.runner });

  const handlers = {
    ...repos.handlers,
    ...worktrees.handlers,
    ...createCommitService(database),
    ...work.handlers,
    ...agents,
    ...parts.roles.handlers,
    ...parts.todos.handlers,
    ...inbox.handlers,
    ...messages.handlers,
    ...merging.handlers,
    ...money,
    ...createRecordings(core, proxy),
    ...sessions.handlers,
    ...system,
    ...records.handlers,
  };
  const [{ sync }, onTimeOver] = [records, timeOver(agents, inbox)];
  return { handlers, convoys: work.convoys, inbox, merging, sync, revival, sessions, onTimeOver };
}

/** An agent whose time is over is paused where it is, and a person decides. */
const timeOver = (agents: Pick<Handlers<Operations>, 'agentPause'>, inbox: Inbox) => async (agent: Agent) => {
  const actor = { kind: 'system', id: 'limits', name: 'its time limit' } as const;
  const { signal } = new AbortController();
  await agents.agentPause({ id: agent.id }, { actor, projectId: agent.projectId, requestId: newId(), signal });
  await inbox.raise({
    key: `time:${agent.id}:${agent.deadlineAt}`,
    kind: 'budget',
    title: `${agent.name} has worked for ${agent.timeLimitMinutes} minutes, which is its limit. It is paused.`,
    choices: ['30 more minutes', 'stop'],
    projectId: agent.projectId,
    agentId: agent.id,
    agentName: agent.name,
    ...(agent.beadId === undefined ? {} : { beadId: agent.beadId }),
  });
};

/** Handlers for the daemon itself. */
function systemPart(
  options: ServicesOptions,
  configOf: (path: string) => Promise<Config>,
  merging: Merging,
): ReturnType<typeof createSystemService> {
  const { core, parts, proxy } = options;
  const { database, paths } = core;
  return createSystemService({
    database,
    paths,
    version: options.version,
    startedAt: options.startedAt,
    restarts: options.restarts,
    url: options.url,
    proxy: () => {
      const status = proxy.status();
      return status && { url: proxy.url(), pid: status.pid };
    },
    health: options.health.full,
    screen: options.screen,
    freshAgent: (agent) => parts.observation.fresh(agent),
    merge: merging.view,
    spentUsd: async (projectId) => {
      return (await proxy.client.spentNano(projectId).catch(() => 0)) / NANO;
    },
    async hasProvider(path) {
      const config = await configOf(path);
      return config.provider !== undefined || providersOf(config, core.providers).length > 1;
    },
    config: {
      daemon: () => core.config.daemon(),
      project: (path) => core.config.project(path),
      set: (target, key, value) => core.config.set(target, key, value),
      changed: () => proxy.refresh(),
    },
  });
}
