/** What the runner tells of its terminals: titles are evidence, an end is dealt with once; true when nothing is left to do. */
import type { Ending } from '../agents/ending.ts';
import type { Observation } from '../agents/observation.ts';
import type { Held } from '../agents/runner.ts';
import type { Runtime } from '../agents/runtime.ts';
import type { Agent } from '../agents/schema.ts';
import { isLive } from '../agents/state.ts';
import type { Core } from './core.ts';

export interface HeldFollowerOptions {
  core: Core;
  load: (id: string) => Promise<Agent | undefined>;
  /** As it was told of last. */
  toldOf: (id: string) => Promise<Agent | undefined>;
  runtimes: { get(id: string): Runtime };
  observation: Observation;
  ending: Ending;
}

export function createHeldFollower(options: HeldFollowerOptions): (held: Held) => Promise<boolean> {
  const { core, load, runtimes, observation, ending } = options;
  const agentsEnding = new Set<string>();

  /** Titles are read every second: what one says holds until it changes. */
  async function titleChanged(agent: Agent, title: string): Promise<void> {
    const verdict = runtimes.get(agent.runtime).readTitle?.(title);
    if (verdict) await observation.report(agent.id, { ...verdict, source: 'title', atMs: core.clock.now() });
  }

  return async (held) => {
    const agent = await (held.dead ? load(held.agentId) : options.toldOf(held.agentId));
    if (!agent || agent.generation !== held.generation || !isLive(agent.lifecycle)) return true;
    if (!held.dead) {
      await titleChanged(agent, held.title);
      return true;
    }
    // A launch that is still being recorded is looked at again a moment later.
    if (agent.pane === undefined || agentsEnding.has(agent.id)) return false;
    agentsEnding.add(agent.id);
    await ending.exited(agent, held).finally(() => agentsEnding.delete(agent.id));
    // The next look proves it by the row.
    return false;
  };
}
