/** One handler per agent operation. The work itself is in launch, delivery, ending and observation. */
import { open, stat } from 'node:fs/promises';
import type { Handlers, RequestContext } from '../access/context.ts';
import { isLess, permissionsOf } from '../access/permissions.ts';
import { newId } from '../base/id.ts';
import type { Log } from '../base/log.ts';
import { assertStartable } from '../beads/readiness.ts';
import type { Bead } from '../beads/schema.ts';
import { cleanText } from '../beads/text.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Role } from '../roles/schema.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { type Assignment, assignmentOf, firstPrompt } from './assignment.ts';
import { moveAgent } from './changes.ts';
import type { Delivery } from './delivery.ts';
import type { Ending } from './ending.ts';
import { historyOf } from './history.ts';
import type { Launcher } from './launch.ts';
import { freeNames } from './names.ts';
import type { Observation } from './observation.ts';
import type { agentOperations } from './operations.ts';
import type { Handle, Runner } from './runner.ts';
import { assertRunnable, deliveryOf, type ModelChoice, type Runtime } from './runtime.ts';
import type { Agent, RecoveryItem } from './schema.ts';
import type { ChooseModel, Starter } from './starting.ts';
import { isLive, isMidTurn } from './state.ts';
import { agentNames, insertAgent, listAgents, listPrompts, liveAgents, queuePrompt, resolveAgent } from './store.ts';

export interface AgentServiceOptions {
  database: Database;
  units: UnitOfWork;
  runner: Runner;
  runtimes: { get(id: string): Runtime; list(): readonly Runtime[] };
  launcher: Launcher;
  delivery: Delivery;
  observation: Observation;
  /** A live agent by its name or id, as it was told of last. */
  toldOf: (projectId: string, text: string) => Agent | undefined;
  ending: Ending;
  configOf: (projectId: string) => Promise<Config>;
  project: (projectId: string) => Promise<Project>;
  /** @throws GodelError role-not-found, role-invalid */
  findRole: (projectId: string, name: string) => Promise<Role>;
  resolveBead: (projectId: string, id: string) => Promise<Bead>;
  chooseModel: ChooseModel;
  starter: Starter;
  /** Brings back what ended against its will; or tells what would be done. */
  recover: (projectId: string, dryRun: boolean) => Promise<RecoveryItem[]>;
  log: Log;
}

type Service = Handlers<typeof agentOperations>;

/** A spawn answers at the latest after this time (ms); a long set-up goes on by itself. */
const SPAWN_ANSWER_MS = 20_000;
const MAX_LOG_BYTES = 4 * 1024 * 1024;

/** The last `lines` lines of a file; empty when there is none. */
async function tail(file: string, lines: number): Promise<string> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size === 0) return '';
  const handle = await open(file, 'r');
  try {
    const length = Math.min(size, MAX_LOG_BYTES);
    const { buffer } = await handle.read({ buffer: Buffer.alloc(length), position: size - length, length });
    return buffer
      .toString('utf8')
      .split('\n')
      .slice(-lines - 1)
      .join('\n');
  } finally {
    await handle.close();
  }
}

/** Where a live agent is held. @throws GodelError agent-not-live */
export function handleOf(agent: Agent): Handle {
  if (!isLive(agent.lifecycle) || agent.pane === undefined || agent.pid === undefined) {
    throw failure('agent-not-live', { name: agent.name, state: agent.lifecycle });
  }
  return { runner: agent.runner, address: agent.pane, pid: agent.pid };
}

export function createAgentService(options: AgentServiceOptions): Service {
  const { database, units, runner, launcher, delivery, observation, starter } = options;
  const resolve = async (projectId: string, id: string) =>
    options.toldOf(projectId, id) ?? resolveAgent(database.db, projectId, id);
  const fresh = async (projectId: string, id: string) => observation.fresh(await resolve(projectId, id));

  async function assertFree(bead: Bead): Promise<void> {
    if (bead.status === 'done') {
      const hint = `godel bead status ${bead.id} open reopens it.`;
      throw failure('transition-refused', { id: bead.id, from: 'done', to: 'in-progress', hint });
    }
    const busy = (await liveAgents(database.db, bead.projectId)).find((agent) => agent.beadId === bead.id);
    if (busy) throw failure('bead-has-agent', { id: bead.id, agent: busy.name });
  }

  interface Draft {
    name: string;
    bead: Bead | undefined;
    choice: ModelChoice | undefined;
    runtime: Runtime;
    config: Config;
    project: Project;
    role: Role;
    assignment: Assignment;
    input: Parameters<Service['agentSpawn']>[0];
    context: RequestContext;
  }

  /** Whoever asks, or the person whom an agent that asks works for. */
  async function personBehind({ actor, projectId }: RequestContext): Promise<string | undefined> {
    if (actor.kind === 'agent') return (await resolve(projectId, actor.id)).userId;
    return actor.kind === 'user' ? actor.id : undefined;
  }

  /** The agent's row, its bead in progress and its first prompt, in one transaction. */
  async function create(draft: Draft): Promise<Agent> {
    const { name, bead, choice, runtime, config, project, role, assignment, input, context } = draft;
    const { projectId, actor } = context;
    const { runtime: _runtime, model: _model, ...limits } = assignment;
    const userId = await personBehind(context);
    return units.run(async (unit) => {
      const agent: Agent = {
        id: newId(),
        projectId,
        name,
        role: input.role,
        runtime: runtime.id,
        runner: runner.id,
        ...(choice ? { model: choice.model, provider: choice.provider } : {}),
        ...(input.prompt === undefined ? {} : { task: input.prompt }),
        ...(bead ? { beadId: bead.id } : {}),
        headless: input.headless,
        ...(input.command === undefined ? {} : { command: input.command }),
        lifecycle: 'initializing',
        observed: { state: 'starting', source: 'process', at: unit.now, since: unit.now },
        generation: 1,
        retryCount: 0,
        maxRetries:
          deliveryOf(runtime, input.headless) === 'paste'
            ? (input.retries ?? 0)
            : (input.retries ?? config.max_retries),
        ...(userId === undefined ? {} : { userId }),
        ...limits,
        createdAt: unit.now,
        updatedAt: unit.now,
        version: 1,
      };
      await insertAgent(unit.tx, agent);
      const payload = { agent };
      const metadata = { projectId, agentId: agent.id, ...(bead ? { beadId: bead.id } : {}) };
      await unit.emit({ type: 'agent:created', component: 'agents', payload, metadata });
      if (bead) await starter.takeBead(unit, bead, name);
      const text = firstPrompt({ agent, role, project, config, bead }, runtime, input.prompt);
      const delivery = deliveryOf(runtime, input.headless);
      if (text !== undefined && (delivery !== 'paste' || input.command === undefined)) {
        const prompt = {
          id: newId(),
          agentId: agent.id,
          text: cleanText(text),
          author: actor.name,
          when: 'after-turn',
          now: unit.now,
        };
        if (delivery !== 'paste' || input.prompt !== undefined) await queuePrompt(unit.tx, prompt);
      }
      return agent;
    });
  }

  /** The role, when there is room for more of it and who asks may start one. @throws GodelError role-full, role-escalates */
  async function roleFor(input: Draft['input'], { projectId, actor }: RequestContext): Promise<Role> {
    const role = await options.findRole(projectId, input.role);
    if (actor.kind === 'agent') {
      const asker = await options.findRole(projectId, (await resolve(projectId, actor.id)).role);
      const [part, whole] = [role, asker].map(({ permissions }) => permissionsOf(permissions));
      if (part && whole && !isLess(part, whole))
        throw failure('role-escalates', { actor: actor.name, role: role.name });
    }
    const limit = role.limits.agents;
    if (limit === undefined) return role;
    const running = (await liveAgents(database.db, projectId)).filter((agent) => agent.role === role.name);
    if (running.length + input.count > limit)
      throw failure('role-full', { role: role.name, limit, agents: running.map(({ name }) => name) });
    return role;
  }

  const spawn: Service['agentSpawn'] = async (input, context) => {
    const { projectId } = context;
    const config = await options.configOf(projectId);
    const role = await roleFor(input, context);
    const assignment = assignmentOf(input, role, config);
    const runtime = options.runtimes.get(assignment.runtime);
    await assertRunnable(runtime, { headless: input.headless, command: input.command });
    const choice = options.chooseModel(config, runtime, assignment.model);
    const bead = input.bead === undefined ? undefined : await options.resolveBead(projectId, input.bead);
    if (bead) await assertFree(bead);
    if (bead && !(input.force && context.actor.kind === 'user')) await assertStartable(database.db, bead);
    if (bead && input.count > 1) {
      throw failure('bad-input', {
        problem: 'One bead takes one agent.',
        hint: 'Leave out --count, or spawn on several beads.',
      });
    }
    const names = freeNames(await agentNames(database.db, projectId), input.name, input.role, input.count);
    const project = await options.project(projectId);
    const shared = { bead, choice, runtime, config, project, role, assignment, input, context };
    const drafts = names.map((name) => ({ name, ...shared }));
    const agents: Agent[] = [];
    for (const draft of drafts) agents.push(await create(draft));
    const begun = agents.map((agent) => starter.begin(agent, bead, choice));
    const items = await Promise.all(begun.map((starting, index) => answerInTime(starting, agents[index] as Agent)));
    return { items };
  };

  /** The started agent, or the agent as it is when its set-up takes long; failures after that are logged. */
  async function answerInTime(starting: Promise<Agent>, agent: Agent): Promise<Agent> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((done) => {
      timer = setTimeout(done, SPAWN_ANSWER_MS, undefined);
    });
    const first = await Promise.race([starting, late]).finally(() => clearTimeout(timer));
    if (first) return first;
    starting.catch((error: unknown) => options.log.warn({ agentId: agent.id, error }, 'agent failed to start'));
    return resolve(agent.projectId, agent.id);
  }

  const send: Service['agentSend'] = async (input, { actor, projectId }) => {
    const agent = await resolve(projectId, input.id);
    if (!isLive(agent.lifecycle)) throw failure('agent-not-live', { name: agent.name, state: agent.lifecycle });
    const text = cleanText(input.text);
    const prompt = await units.run(async (unit) => {
      const queued = await queuePrompt(unit.tx, {
        id: newId(),
        agentId: agent.id,
        key: input.key,
        text,
        author: actor.name,
        when: input.when,
        now: unit.now,
      });
      const metadata = { projectId, agentId: agent.id };
      await unit.emit({ type: 'agent:prompt', component: 'agents', payload: { prompt: queued }, metadata });
      return queued;
    });
    void delivery.push(prompt);
    if (input.wait === 0) return prompt;
    return (await delivery.settled(prompt.id, input.wait * 1000)) ?? prompt;
  };

  const pause: Service['agentPause'] = async (input, { projectId, actor }) => {
    const agent = await resolve(projectId, input.id);
    if (agent.lifecycle === 'paused') return agent;
    const handle = handleOf(agent);
    await options.ending.snapshot(agent, 'pause');
    const paused = await units.run((unit) => {
      const observed = { state: 'paused' as const, source: 'process' as const, at: unit.now, since: unit.now };
      const change = { observed, interrupted: isMidTurn(agent.observed, unit.nowMs) };
      return moveAgent(unit, agent.id, 'pause', 'agent:pause', change, { reason: `by ${actor.name}` });
    });
    await runner.pause(handle);
    return paused;
  };

  const resume: Service['agentResume'] = async (input, { projectId, actor }) => {
    const agent = await resolve(projectId, input.id);
    if (['executing', 'waiting'].includes(agent.lifecycle)) return agent;
    // Its terminal was lost while it was paused: it goes on in a new one.
    if (agent.lifecycle === 'paused' && agent.pane === undefined) return starter.restart(agent, actor.name);
    const handle = handleOf(agent);
    const resumed = await units.run((unit) => {
      const observed = { state: 'unknown' as const, source: 'process' as const, at: unit.now, since: unit.now };
      const change = { observed, interrupted: undefined, ...movedDeadline(agent, unit.nowMs) };
      return moveAgent(unit, agent.id, 'resume', 'agent:resume', change, { reason: `by ${actor.name}` });
    });
    await runner.resume(handle);
    await delivery.pump(agent.id);
    return resumed;
  };

  return {
    agentSpawn: spawn,
    async agentList(input, { projectId }) {
      const page = await listAgents(database.db, projectId, input);
      return { ...page, items: page.items.map(observation.fresh) };
    },
    agentShow: (input, { projectId }) => fresh(projectId, input.id),
    async agentHistory(input, { projectId }) {
      return { items: await historyOf(database.db, (await resolve(projectId, input.id)).id) };
    },
    async agentAttachment(input, { projectId }) {
      const agent = await resolve(projectId, input.id);
      if (agent.pane === undefined || agent.pid === undefined)
        throw failure('agent-not-live', { name: agent.name, state: agent.lifecycle });
      const handle = { runner: agent.runner, address: agent.pane, pid: agent.pid };
      return { agent, command: [...runner.attachCommand(handle)] };
    },
    agentSend: send,
    async agentPrompts(input, { projectId }) {
      return listPrompts(database.db, (await resolve(projectId, input.id)).id, input);
    },
    agentPause: pause,
    agentResume: resume,
    async agentStop(input, { projectId }) {
      const agent = await resolve(projectId, input.id);
      // One that waits for its next attempt has neither, and must not come back after this.
      const runs = isLive(agent.lifecycle) || agent.pane !== undefined || agent.retryAt !== undefined;
      return runs ? options.ending.stop(agent) : agent;
    },
    async agentRestart(input, { projectId, actor }) {
      return starter.restart(await resolve(projectId, input.id), actor.name);
    },
    async agentRecover(input, { projectId }) {
      return { items: await options.recover(projectId, input.dryRun) };
    },
    async agentLogs(input, { projectId }) {
      const agent = await resolve(projectId, input.id);
      const file = launcher.logFileOf(agent.id);
      return { text: await tail(file, input.lines), file };
    },
    async agentScreen(input, { projectId }) {
      return { text: await runner.screen(handleOf(await resolve(projectId, input.id))) };
    },
    async runtimeList() {
      const items = options.runtimes.list().map(async (runtime) => {
        const probe = await runtime.probe();
        return {
          id: runtime.id,
          summary: runtime.summary,
          modes: [...runtime.modes],
          ok: probe.ok,
          ...(probe.version === undefined ? {} : { version: probe.version }),
          ...(probe.problem === undefined ? {} : { problem: probe.problem }),
        };
      });
      return { items: await Promise.all(items) };
    },
  };
}

/** Time spent paused does not count: the deadline moves on by it. */
function movedDeadline(agent: Agent, nowMs: number): { deadlineAt?: string } {
  if (agent.deadlineAt === undefined || agent.lifecycle !== 'paused') return {};
  const pausedMs = nowMs - Date.parse(agent.observed.since);
  return { deadlineAt: new Date(Date.parse(agent.deadlineAt) + Math.max(0, pausedMs)).toISOString() };
}
