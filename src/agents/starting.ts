/** Bringing a known agent to life: the first time, and again with its worktree and its conversation. */
import { newId } from '../base/id.ts';
import { changeBead, moveBead } from '../beads/changes.ts';
import { LEASE_MS, takeClaim } from '../beads/claims.ts';
import type { Bead } from '../beads/schema.ts';
import { resolveBead } from '../beads/store.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import { resumePrompt } from './briefing.ts';
import { loadAgent, moveAgent } from './changes.ts';
import type { Delivery } from './delivery.ts';
import type { Ending } from './ending.ts';
import type { Launcher } from './launch.ts';
import { deliveryOf, type ModelChoice, type Runtime } from './runtime.ts';
import type { Agent } from './schema.ts';
import { isLive } from './state.ts';
import { openPrompts, queuePrompt } from './store.ts';

/** Model for an agent. @throws GodelError provider-missing, provider-unknown */
export type ChooseModel = (
  config: Config,
  runtime: Runtime,
  wanted: { provider?: string | undefined; model?: string | undefined },
) => ModelChoice | undefined;

export interface StarterOptions {
  units: UnitOfWork;
  launcher: Launcher;
  delivery: Delivery;
  ending: Ending;
  runtimes: { get(id: string): Runtime };
  project: (id: string) => Promise<Project>;
  configOf: (projectId: string) => Promise<Config>;
  resolveBead: (projectId: string, id: string) => Promise<Bead>;
  chooseModel: ChooseModel;
}

export interface Starter {
  /** Launches an agent whose row is made; a bead it could not start on is given back. */
  begin(agent: Agent, bead: Bead | undefined, choice: ModelChoice | undefined): Promise<Agent>;
  /** The bead is the agent's: in progress, assigned, and claimed until it ends. @throws GodelError bead-claimed */
  takeBead(unit: Unit, bead: Bead, name: string): Promise<void>;
  /** Ends what is left of the life before, and starts the next one, which is told to go on, or `text`; null = nothing. */
  restart(agent: Agent, by: string, text?: string | null): Promise<Agent>;
}

/** What was at rest when it ended comes back to rest: work that nobody asked for costs money. */
function goesOnWith({ interrupted }: Agent, bead: Bead | undefined): string | undefined {
  if (interrupted === false) return undefined;
  return bead || interrupted ? resumePrompt(bead?.id) : undefined;
}

export function createStarter(options: StarterOptions): Starter {
  const { units, launcher, delivery, ending } = options;
  const restarting = new Map<string, Promise<Agent>>();

  const begin: Starter['begin'] = async (agent, bead, choice) => {
    const project = await options.project(agent.projectId);
    const config = await options.configOf(agent.projectId);
    try {
      const started = await launcher.launch({ agent, project, config, bead, choice });
      await delivery.pump(started.id);
      return started;
    } catch (error) {
      if (bead) await ending.releaseBead(agent, bead.status);
      throw error;
    }
  };

  const takeBead: Starter['takeBead'] = async (unit, { projectId, id }, name) => {
    const bead = await resolveBead(unit.tx, projectId, id);
    const claim = await takeClaim(unit, bead, { holder: name, leaseMs: LEASE_MS });
    const change = { agent: name, branch: `bead/${id}`, claim };
    const action = bead.status === 'open' ? 'start' : bead.status === 'review' ? 'send-back' : undefined;
    if (action) await moveBead(unit, projectId, id, action, name, change);
    else await changeBead(unit, bead, change, `assigned to ${name}`);
  };

  /** Told once, however often it had to be started again before it could read it. */
  async function tell(unit: Unit, agent: Agent, text: string, by: string): Promise<void> {
    if ((await openPrompts(unit.tx, agent.id)).some((prompt) => prompt.text === text)) return;
    await queuePrompt(unit.tx, { id: newId(), agentId: agent.id, text, author: by, when: 'after-turn', now: unit.now });
  }

  async function nextLife(agent: Agent, bead: Bead | undefined, by: string, text?: string | null): Promise<Agent> {
    const told = text === undefined ? goesOnWith(agent, bead) : text;
    const isTold = deliveryOf(options.runtimes.get(agent.runtime), agent.headless) !== 'paste';
    return units.run(async (unit) => {
      const known = await loadAgent(unit, agent.id);
      const observed = { state: 'starting' as const, source: 'process' as const, at: unit.now, since: unit.now };
      const change = {
        generation: known.generation + 1,
        observed,
        pane: undefined,
        pid: undefined,
        retryAt: undefined,
        interrupted: undefined,
        attention: undefined,
        caps: undefined,
      };
      const saved = await moveAgent(unit, known.id, 'retry', 'agent:state', change, { reason: `by ${by}` });
      if (bead) await takeBead(unit, bead, agent.name);
      if (told && isTold) await tell(unit, agent, told, by);
      return saved;
    });
  }

  async function restart(agent: Agent, by: string, text?: string | null): Promise<Agent> {
    // A program that outlived its terminal must not work beside its own next life.
    if (isLive(agent.lifecycle) || agent.pane !== undefined) await ending.stop(agent);
    else {
      await ending.sweep(agent);
      const { lifecycle } = await units.run((unit) => loadAgent(unit, agent.id));
      // Stopped while it was on its way back: that is the last word.
      if (lifecycle !== agent.lifecycle) throw failure('agent-not-live', { name: agent.name, state: lifecycle });
    }
    const config = await options.configOf(agent.projectId);
    const runtime = options.runtimes.get(agent.runtime);
    const bead = agent.beadId === undefined ? undefined : await options.resolveBead(agent.projectId, agent.beadId);
    const choice = options.chooseModel(config, runtime, { provider: agent.provider, model: agent.model });
    return begin(await nextLife(agent, bead, by, text), bead, choice);
  }

  return {
    begin,
    takeBead,
    restart(agent, by, text) {
      const running = restarting.get(agent.id);
      if (running) return running;
      const work = restart(agent, by, text).finally(() => restarting.delete(agent.id));
      restarting.set(agent.id, work);
      return work;
    },
  };
}
