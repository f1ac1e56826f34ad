/** Everything that makes agents run: terminals, runtimes, the bridge, delivery, observation, launch and end. */
import { join } from 'node:path';
import { createLocalRunner } from '../../runners/local/runner.ts';
import { createTmuxServer, type TmuxServer } from '../../runners/local/tmux-server.ts';
import { createPiRuntime } from '../../runners/runtimes/pi.ts';
import { createRuntimeRegistry } from '../../runners/runtimes/registry.ts';
import { createShellRuntime } from '../../runners/runtimes/shell.ts';
import { type Bridge, createBridge } from '../agents/bridge.ts';
import { createDelivery, type Delivery } from '../agents/delivery.ts';
import { createEnding, type Ending } from '../agents/ending.ts';
import { createLauncher, type Launcher } from '../agents/launch.ts';
import { createObservation, type Observation } from '../agents/observation.ts';
import { createProgressLog, type ProgressLog } from '../agents/progress-log.ts';
import type { Held, Runner, Size } from '../agents/runner.ts';
import type { Runtime } from '../agents/runtime.ts';
import type { Agent, StateSource } from '../agents/schema.ts';
import { handleOf } from '../agents/service.ts';
import { isLive } from '../agents/state.ts';
import { findAgent } from '../agents/store.ts';
import { findBead } from '../beads/store.ts';
import type { RepoService } from '../repos/service.ts';
import { createAgentCredentials } from './agent-credentials.ts';
import type { Core } from './core.ts';
import type { ProgramFiles } from './program-files.ts';
import type { ProxyProcess } from './proxy-process.ts';

export interface AgentParts {
  tmux: TmuxServer;
  runner: Runner;
  runtimes: { get(id: string): Runtime; list(): readonly Runtime[] };
  bridge: Bridge;
  delivery: Delivery;
  observation: Observation;
  progress: ProgressLog;
  ending: Ending;
  launcher: Launcher;
  /** Told by the runner about deaths and titles. */
  heldChanged(held: Held): Promise<void>;
}

export interface AgentPartsOptions {
  core: Core;
  files: ProgramFiles;
  repos: RepoService;
  proxy: () => ProxyProcess;
  size: () => Size;
  /** An agent showed a sign of life. */
  touched: (agentId: string) => void;
}

/** Sources that speak through the bridge, which says that it is alive. */
const TOLD: readonly StateSource[] = ['protocol', 'hook'];

export function createAgentParts(options: AgentPartsOptions): AgentParts {
  const { core, files, repos } = options;
  const { database, units, clock, log, paths } = core;
  const load = (id: string) => findAgent(database.db, id);

  const { tmuxSocketName: socketName, tmuxConfFile: confFile } = paths;
  const tmux = createTmuxServer({ socketName, confFile, env: core.environment, log });
  const runner = createLocalRunner({ server: tmux, clock, log });
  const runtimes = createRuntimeRegistry([
    createPiRuntime({ extensionFile: files.piExtension, nodePath: process.execPath }),
    createShellRuntime(),
  ]);
  const observation = createObservation({ units, findAgent: load, clock, log });
  const progress = createProgressLog(clock.now);

  const bridge: Bridge = createBridge({
    socketFile: paths.bridgeSocketFile,
    clock,
    log,
    async authenticate(agentId, generation, token) {
      const [actor, agent] = [await core.tokens.authenticate(token), await load(agentId)];
      return actor?.id === agentId && agent?.generation === generation && isLive(agent.lifecycle);
    },
    async onEvent(agentId, source, event, at) {
      options.touched(agentId);
      progress.bridgeEvent(agentId, event, at);
      await observation.bridgeEvent(agentId, event, at, source);
    },
    onPromptStatus: (agentId, id, status, reason) => delivery.status(agentId, id, status, reason),
    onAlive: (agentId, atMs) => observation.confirm(agentId, atMs, ({ source }) => TOLD.includes(source)),
    async onConnection(agentId, connected, idle, source) {
      if (!connected) return;
      await observation.report(agentId, { state: idle ? 'idle' : 'busy', source, atMs: clock.now() });
      await delivery.pump(agentId, true);
    },
  });

  const delivery: Delivery = createDelivery({
    database,
    units,
    findAgent: load,
    log,
    channels: {
      bridge: (agentId, prompt) => bridge.send(agentId, prompt),
      usesBridge: (agent) => runtimes.get(agent.runtime).delivery === 'bridge',
      async paste(agent, text) {
        const before = await runner.screen(handleOf(agent));
        await runner.type(handleOf(agent), text);
        return (await runner.screen(handleOf(agent))) !== before;
      },
    },
  });

  const { issue, revoke } = createAgentCredentials(core, options.proxy);

  async function takeSnapshot(agent: Agent, reason: string): Promise<void> {
    if (agent.beadId === undefined || agent.worktree === undefined) return;
    await repos.snapshot(await repos.project(agent.projectId), agent.beadId, reason);
  }

  const ending = createEnding({
    units,
    runner,
    revoke,
    takeSnapshot,
    loadBead: (unit, projectId, id) => findBead(unit.tx, projectId, id),
    forget(agentId) {
      observation.forget(agentId);
      progress.forget(agentId);
    },
    log,
  });

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
    ensureWorktree: (project, bead, config) => repos.ensureWorktree(project, bead, config),
    size: options.size,
  });

  /** Titles are read every second: what one says holds until it changes. */
  async function titleChanged(agent: Agent, title: string): Promise<void> {
    const verdict = runtimes.get(agent.runtime).readTitle?.(title);
    if (verdict) await observation.report(agent.id, { ...verdict, source: 'title', atMs: clock.now() });
  }

  const agentsEnding = new Set<string>();
  async function heldChanged(held: Held): Promise<void> {
    const agent = await load(held.agentId);
    if (!agent || agent.generation !== held.generation || !isLive(agent.lifecycle)) return;
    // A launch that is still being recorded is looked at again a moment later.
    if (!held.dead) return titleChanged(agent, held.title);
    if (agent.pane === undefined || agentsEnding.has(agent.id)) return;
    agentsEnding.add(agent.id);
    await ending.exited(agent, held).finally(() => agentsEnding.delete(agent.id));
  }

  return { tmux, runner, runtimes, bridge, delivery, observation, progress, ending, launcher, heldChanged };
}

/** Folder for logs of set-up and gate commands. */
export const commandLog = (logDir: string, kind: string, beadId: string) => join(logDir, `${kind}-${beadId}.log`);
