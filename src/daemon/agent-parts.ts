/** Everything that makes agents run: terminals, runtimes, the bridge, delivery, observation, launch and end. */
import { join } from 'node:path';
import { createLocalRunner } from '../../runners/local/runner.ts';
import { createTmuxServer, type TmuxServer } from '../../runners/local/tmux-server.ts';
import { createRuntimeRegistry, createRuntimes, type RuntimeRegistry } from '../../runners/runtimes/registry.ts';
import type { Bridge } from '../agents/bridge.ts';
import { type Compaction, createCompaction } from '../agents/compaction.ts';
import type { Delivery } from '../agents/delivery.ts';
import { createEnding, type Ending } from '../agents/ending.ts';
import { startsSince } from '../agents/history.ts';
import { createLauncher, type Launcher } from '../agents/launch.ts';
import { createObservation, type Observation } from '../agents/observation.ts';
import { createProgressLog, type ProgressLog } from '../agents/progress-log.ts';
import { BRAKE_WINDOW_MS, nextTry } from '../agents/retry.ts';
import type { Held, Runner, Size } from '../agents/runner.ts';
import type { Runtime } from '../agents/runtime.ts';
import type { Agent } from '../agents/schema.ts';
import { findAgent } from '../agents/store.ts';
import { findBead } from '../beads/store.ts';
import type { RepoService } from '../repos/service.ts';
import { createRoleService, type RoleService } from '../roles/service.ts';
import { createTodoService, type TodoService } from '../todos/service.ts';
import type { WorktreeService } from '../worktrees/service.ts';
import { createAgentBridge } from './agent-bridge.ts';
import { type AgentCredentials, createAgentCredentials } from './agent-credentials.ts';
import { createAgentDelivery } from './agent-delivery.ts';
import type { Core } from './core.ts';
import { createHeldFollower } from './held-follower.ts';
import { followLiveAgents, type LiveAgents } from './live-agents.ts';
import { createMemory, type Memory } from './memory.ts';
import type { ProgramFiles } from './program-files.ts';
import type { ProxyProcess } from './proxy-process.ts';

export interface AgentParts {
  live: LiveAgents;
  tmux: TmuxServer;
  runner: Runner;
  runtimes: { get(id: string): Runtime; list(): readonly Runtime[] };
  bridge: Bridge;
  delivery: Delivery;
  observation: Observation;
  progress: ProgressLog;
  ending: Ending;
  launcher: Launcher;
  memory: Memory;
  roles: RoleService;
  todos: TodoService;
  compaction: Compaction;
  /** Ends the turn of an agent; false when there is no way to. */
  interrupt(agent: Agent): Promise<boolean>;
  /** Told by the runner about deaths and titles; true when nothing is left to do about it. */
  heldChanged(held: Held): Promise<boolean>;
}

export interface AgentPartsOptions {
  core: Core;
  files: ProgramFiles;
  repos: RepoService;
  worktrees: WorktreeService;
  proxy: () => ProxyProcess;
  size: () => Size;
  /** An agent showed a sign of life. */
  touched: (agentId: string) => void;
}

export function createAgentParts(options: AgentPartsOptions): AgentParts {
  const { core, files, worktrees } = options;
  const { database, units, clock, log, paths } = core;
  const live = followLiveAgents(core);
  const load = (id: string) => findAgent(database.db, id);
  const { tmuxSocketName: socketName, tmuxConfFile: confFile } = paths;
  const tmux = createTmuxServer({ socketName, confFile, env: core.environment, log });
  const runner = createLocalRunner({ server: tmux, clock, log, caps: capKeepingOf(core) });
  const runtimes = knownRuntimes(core, files);
  const roles = knownRoles(options, runtimes);
  const observation = createObservation({ units, findAgent: load, toldOf: live.find, clock, log });
  const progress = createProgressLog(clock.now);

  const { touched } = options;
  const todos = createTodoService({ database, units });
  const told = { observation, progress, delivery: (): Delivery => delivery, todos: todos.fromProgram };
  const compacted: Compaction['said'] = (id, problem) => compaction.said(id, problem);
  const bridge = createAgentBridge({ core, find: live.find, ...told, touched, compacted });
  const compaction = createCompaction(bridge.compact);

  const delivery = createAgentDelivery({ core, toldOf: live.find, runner, runtimes, bridge });

  const memory = createMemory({ core, runner });
  const { issue, revoke } = credentialsOf(options);
  const launching = (agentId: string): Promise<void> => launcher.settled(agentId);
  const ending = createAgentEnding(options, { runner, revoke, launching, observation, progress, bridge });

  const launcher = createLauncher({
    units,
    runner,
    runtimes,
    agentsDir: paths.agentsDir,
    bridgeSocket: paths.bridgeSocketFile,
    nodePath: process.execPath,
    cliFile: files.cli,
    environment: core.environment,
    proxyUrl: () => options.proxy().url(),
    issue,
    revoke,
    roleOf: (agent) => roles.find(agent.projectId, agent.role),
    ensureWorktree: worktrees.ensure,
    size: options.size,
    admit: memory.admit,
  });

  const heldChanged = createHeldFollower({ core, load, toldOf: live.find, runtimes, observation, ending });

  return {
    live,
    tmux,
    runner,
    runtimes,
    bridge,
    delivery,
    observation,
    progress,
    ending,
    launcher,
    memory,
    roles,
    todos,
    compaction,
    interrupt: async (agent) => bridge.interrupt(agent.id),
    heldChanged,
  };
}

function credentialsOf({ core, proxy, repos }: AgentPartsOptions): AgentCredentials {
  return createAgentCredentials(core, proxy, async (projectId) => {
    const { path } = await repos.project(projectId);
    return (await core.config.project(path)).config;
  });
}

interface EndingParts extends Pick<AgentParts, 'runner' | 'observation' | 'progress' | 'bridge'> {
  revoke: AgentCredentials['revoke'];
  launching: (agentId: string) => Promise<void>;
}

function createAgentEnding(options: AgentPartsOptions, parts: EndingParts): Ending {
  const { core } = options;
  const { runner, revoke, launching, observation, progress } = parts;
  return createEnding({
    units: core.units,
    runner,
    load: (id) => findAgent(core.database.db, id),
    launching,
    revoke,
    takeSnapshot: snapshotOf(options),
    nextTry: (agent, why) => nextTryOf(core, agent, why),
    loadBead: (unit, projectId, id) => findBead(unit.tx, projectId, id),
    forget(agentId) {
      observation.forget(agentId);
      progress.forget(agentId);
      parts.bridge.drop(agentId);
    },
    log: core.log,
  });
}

/** What the history of an agent says about its next attempt. */
async function nextTryOf({ database, clock }: Core, agent: Agent, why: 'lost' | 'crashed') {
  const since = new Date(clock.now() - BRAKE_WINDOW_MS).toISOString();
  const { retryCount, maxRetries } = agent;
  const lifeMs = clock.now() - Date.parse(agent.startedAt ?? agent.createdAt);
  return nextTry({
    why,
    retryCount,
    maxRetries,
    lifeMs,
    recentStarts: await startsSince(database.db, agent.id, since),
  });
}

/** Caps are held by what the machine has, or by what its owner wants. */
const capKeepingOf = (core: Core) => ({
  name: core.paths.tmuxSocketName,
  wanted: async () => (await core.config.daemon()).config.agent_caps,
});

/** Every program that can be an agent. */
function knownRuntimes(core: Core, files: ProgramFiles): RuntimeRegistry {
  return createRuntimeRegistry(
    createRuntimes({
      extensionFile: files.piExtension,
      hostFile: files.agentHost,
      hookFile: files.agentHook,
      nodePath: process.execPath,
      path: () => core.environment.PATH ?? '',
    }),
  );
}

function knownRoles({ core, repos }: AgentPartsOptions, runtimes: RuntimeRegistry): RoleService {
  const projectPath = async (id: string) => (await repos.project(id)).path;
  return createRoleService({ projectPath, userFolder: core.paths.rolesDir, runtimes });
}

/** Keeps uncommitted work of an agent's bead in git. */
const snapshotOf =
  ({ repos, worktrees }: AgentPartsOptions) =>
  async (agent: Agent, reason: string): Promise<void> => {
    if (agent.beadId === undefined || agent.worktree === undefined) return;
    await worktrees.snapshot(await repos.project(agent.projectId), agent.beadId, reason);
  };

/** Folder for logs of set-up and gate commands. */
export const commandLog = (logDir: string, kind: string, beadId: string) => join(logDir, `${kind}-${beadId}.log`);
