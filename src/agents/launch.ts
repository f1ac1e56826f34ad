/**
 * From a request to a running program: worktree, keys, private home, launch script, terminal.
 * Every step that fails takes back what the earlier ones did, and says why.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shellQuote } from '../base/shell.ts';
import type { Bead } from '../beads/schema.ts';
import type { Config } from '../config.ts';
import type { LimitSet } from '../costs/schema.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Role } from '../roles/schema.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import { instructionsFor, requestLimits } from './assignment.ts';
import { loadAgent, moveAgent } from './changes.ts';
import { identityEnvironment, inheritedEnvironment } from './environment.ts';
import type { Launched, LaunchSpec, Runner, Size } from './runner.ts';
import { assertMode, type ModelChoice, modeOf, type Prepared, type Runtime } from './runtime.ts';
import type { Agent } from './schema.ts';
import { isLive } from './state.ts';
import { capsOf } from './text.ts';

export interface Credentials {
  /** Token of the agent for Godel's own API. */
  token: string;
  /** Virtual key for the proxy. */
  virtualKey: string;
}

export interface LaunchOptions {
  units: UnitOfWork;
  runner: Runner;
  runtimes: { get(id: string): Runtime };
  agentsDir: string;
  bridgeSocket: string;
  /** Node and the compiled CLI, for the `godel` command on the agent's PATH. */
  nodePath: string;
  cliFile: string;
  environment: Readonly<Record<string, string | undefined>>;
  proxyUrl: () => string;
  issue: (agent: Agent, limits: LimitSet) => Promise<Credentials>;
  /** Its role as it is now. @throws GodelError role-not-found, role-invalid */
  roleOf: (agent: Agent) => Promise<Role>;
  revoke: (agentId: string) => Promise<void>;
  /** The worktree of the bead, made with its set-up command when it is missing, and the variables it has. */
  ensureWorktree: (
    project: Project,
    bead: Bead,
    config: Config,
  ) => Promise<{ path: string; env: Record<string, string> }>;
  size: () => Size;
  /** Resolves when there is memory for it. @throws GodelError agent-not-live when it was stopped meanwhile */
  admit: (agent: Agent) => Promise<void>;
}

export interface LaunchRequest {
  agent: Agent;
  project: Project;
  config: Config;
  bead?: Bead | undefined;
  choice?: ModelChoice | undefined;
}

export interface Launcher {
  /** Brings the agent to `executing`; on failure it is `failed` with the reason, and the error is thrown. */
  launch(request: LaunchRequest): Promise<Agent>;
  /** Resolves when no terminal is on its way for this agent. */
  settled(agentId: string): Promise<void>;
  homeOf(agentId: string): string;
  logFileOf(agentId: string): string;
}

/** Where the home is, whatever a program sets for itself. */
const PLACES = ['GODEL_HOME', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME'];

async function writeScript(file: string, lines: readonly string[], mode: number): Promise<void> {
  await writeFile(file, ['#!/bin/sh', ...lines, ''].join('\n'), { mode });
  await chmod(file, mode);
}

/**
 * The commands of an agent: `godel`, and `godel-mcp`, which serves its tools with the agent's own identity, as programs do
 * not give their environment to servers that they start. The latter holds the agent's token, so it is for its owner only.
 */
async function writeCommands(
  { binDir, nodePath, cliFile }: { binDir: string; nodePath: string; cliFile: string },
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const set = (names: readonly string[]) =>
    names.map((name) => (env[name] === undefined ? `unset ${name}` : `export ${name}=${shellQuote(env[name])}`));
  const identity = Object.keys(env).filter((name) => /^GODEL_(?!PROXY)|^(PATH|HOME|LANG|USER)$/.test(name));
  const run = `exec ${shellQuote(nodePath)} ${shellQuote(cliFile)}`;
  await writeScript(join(binDir, 'godel'), [...set(PLACES), `${run} "$@"`], 0o755);
  await writeScript(join(binDir, 'godel-mcp'), [...set([...new Set([...PLACES, ...identity])]), `${run} mcp`], 0o700);
}

/** Its time begins with its first start; a later life goes on with what is left. */
function deadlineOf(agent: Agent, nowMs: number): { deadlineAt?: string } {
  if (agent.timeLimitMinutes === undefined || agent.deadlineAt !== undefined) return {};
  return { deadlineAt: new Date(nowMs + agent.timeLimitMinutes * 60_000).toISOString() };
}

interface Holding {
  agent: Agent;
  spec: LaunchSpec;
  project: Project;
  prepared: Prepared;
}

/** An agent may be stopped, and begun again, while it is prepared. @throws GodelError agent-not-live */
async function assertSameLife(unit: Unit, { id, name, generation }: Agent): Promise<void> {
  const known = await loadAgent(unit, id);
  if (isLive(known.lifecycle) && known.generation === generation) return;
  const state = known.generation === generation ? known.lifecycle : 'in its next life';
  throw failure('agent-not-live', { name, state });
}

export function createLauncher(options: LaunchOptions): Launcher {
  const { units, runner } = options;
  const homeOf = (agentId: string) => join(options.agentsDir, agentId);
  const logFileOf = (agentId: string) => join(homeOf(agentId), 'terminal.log');
  const holding = new Map<string, Promise<void>>();

  async function prepare(
    request: LaunchRequest,
    agent: Agent,
    cwd: string,
  ): Promise<{ prepared: Prepared; env: Record<string, string> }> {
    const home = homeOf(agent.id);
    const binDir = join(home, 'bin');
    await mkdir(binDir, { recursive: true, mode: 0o700 });
    const role = await options.roleOf(agent);
    const credentials = await options.issue(agent, requestLimits(role));
    const identity = {
      agentId: agent.id,
      agentName: agent.name,
      role: agent.role,
      generation: agent.generation,
      beadId: agent.beadId,
      projectId: agent.projectId,
      home,
      bridgeSocket: options.bridgeSocket,
      proxyUrl: options.proxyUrl(),
      binDir,
      ...credentials,
    };
    const env = {
      ...inheritedEnvironment(options.environment),
      ...identityEnvironment(identity, options.environment),
    };
    await writeCommands({ binDir, nodePath: options.nodePath, cliFile: options.cliFile }, env);
    const runtime = options.runtimes.get(agent.runtime);
    assertMode(runtime, agent.headless);
    const prepared = await runtime.prepare({
      ...identity,
      mode: modeOf(runtime, agent.headless),
      permission: request.config.agent_permission,
      tools: role.tools,
      mcpCommand: join(binDir, 'godel-mcp'),
      cwd,
      choice: request.choice,
      command: agent.command,
      sessionFile: agent.sessionFile,
      sessionId: agent.sessionId,
      instructions: instructionsFor({ ...request, agent, role }),
    });
    return { prepared, env: { ...env, ...prepared.env } };
  }

  async function start(request: LaunchRequest): Promise<Agent> {
    const { bead, project, config } = request;
    const place = bead ? await options.ensureWorktree(project, bead, config) : { path: project.path, env: {} };
    const cwd = place.path;
    const agent = await units.run(async (unit) => {
      await assertSameLife(unit, request.agent);
      return moveAgent(unit, request.agent.id, 'prepared', 'agent:state', { worktree: cwd });
    });
    await options.admit(agent);
    await units.run((unit) => assertSameLife(unit, agent));
    const { prepared, env } = await prepare(request, agent, cwd);
    const spec: LaunchSpec = {
      agentId: agent.id,
      agentName: agent.name,
      generation: agent.generation,
      beadId: agent.beadId,
      home: homeOf(agent.id),
      cwd,
      argv: prepared.argv,
      env: { ...env, ...place.env },
      logFile: logFileOf(agent.id),
      size: options.size(),
      caps: capsOf(agent, config),
    };
    const work = hold({ agent, spec, project, prepared });
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    holding.set(agent.id, settled);
    return work.finally(() => {
      if (holding.get(agent.id) === settled) holding.delete(agent.id);
    });
  }

  /** From the last look at the row to a terminal that the row knows of; a terminal that it may not know of is ended. */
  async function hold({ agent, spec, project, prepared }: Holding): Promise<Agent> {
    // A turn of the event loop later, so that who stops it finds this in `holding`.
    await Promise.resolve();
    await units.run((unit) => assertSameLife(unit, agent));
    const handle = await runner.launch(spec);
    try {
      return await recordStart({ agent, spec, project, prepared }, handle);
    } catch (error) {
      await runner.stop(handle, agent.id);
      await runner.release(handle.caps?.groups ?? []);
      throw error;
    }
  }

  async function recordStart({ agent, spec, project, prepared }: Holding, handle: Launched): Promise<Agent> {
    const started = await units.run(async (unit) => {
      await assertSameLife(unit, agent);
      return moveAgent(unit, agent.id, 'started', 'agent:start', {
        startedAt: unit.now,
        ...deadlineOf(agent, unit.nowMs),
        pane: handle.address,
        pid: handle.pid,
        caps: handle.caps && { ...spec.caps, by: handle.caps.by, groups: [...handle.caps.groups] },
        sessionFile: prepared.sessionFile ?? agent.sessionFile,
        sessionId: prepared.sessionId ?? agent.sessionId,
        exitCode: undefined,
        lastError: undefined,
      });
    });
    await writeRecord(started, project.path);
    return started;
  }

  /** The row beside the agent's files, so that a lost database can learn of running agents. */
  const writeRecord = (agent: Agent, projectPath: string) =>
    writeFile(join(homeOf(agent.id), 'agent.json'), `${JSON.stringify({ agent, projectPath }, null, 2)}\n`, {
      mode: 0o600,
    });

  async function fail({ id: agentId, generation }: Agent, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    const known = await units.run((unit) => loadAgent(unit, agentId));
    // Stopped and begun again meanwhile: keys and row are those of its next life.
    if (known.generation !== generation) return;
    await options.revoke(agentId);
    await units.run(async (unit) => {
      // Somebody stopped it while its worktree was set up: that is how it ended.
      if (!isLive((await loadAgent(unit, agentId)).lifecycle)) return;
      const observed = {
        state: 'failed' as const,
        source: 'process' as const,
        at: unit.now,
        since: unit.now,
        detail: message,
      };
      await moveAgent(unit, agentId, 'fail', 'agent:error', { lastError: message, observed }, { message });
    });
  }

  return {
    settled: (agentId) => holding.get(agentId) ?? Promise.resolve(),
    homeOf,
    logFileOf,
    async launch(request) {
      try {
        return await start(request);
      } catch (error) {
        await fail(request.agent, error);
        throw error;
      }
    },
  };
}
