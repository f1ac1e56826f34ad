/**
 * Holds agents to their caps where the kernel does not, and tells what the kernel did where it does: processes that it ended
 * or did not start go into the history of the agent and before a person.
 */

import { changeAgent, loadAgent } from '../agents/changes.ts';
import { addHistory } from '../agents/history.ts';
import type { Agent, AgentCaps, CapHits } from '../agents/schema.ts';
import { isLive } from '../agents/state.ts';
import { capHitText } from '../agents/text.ts';
import type { Config } from '../config.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';

/** Usage is measured every so many ticks, for admission alone; where a cap depends on it, every second one. */
const MEASURE_TICKS = 10;
const CAP_TICKS = 2;
/** Looks at which a group may be empty because its script is only about to enter it. */
const EMPTY_LOOKS = 3;

type Limits = Pick<Config, 'agent_memory_mb' | 'agent_processes'>;

export interface CapWatch {
  tick(ticks: number, agents: readonly Agent[], configOf: (agent: Agent) => Limits | undefined): Promise<void>;
}

/** What the daemon itself holds an agent to; what the kernel holds is not measured again. */
function watched(agent: Agent, limits: Limits | undefined): { memoryMb: number; processes: number } {
  if (agent.caps?.by === 'cgroup') return { memoryMb: 0, processes: 0 };
  return {
    memoryMb: agent.memoryCapMb ?? limits?.agent_memory_mb ?? 0,
    processes: agent.processCap ?? limits?.agent_processes ?? 0,
  };
}

export function createCapWatch({ core, parts }: { core: Core; parts: AgentParts }): CapWatch {
  const empty = new Map<string, number>();

  async function measure(agents: readonly Agent[], configOf: (agent: Agent) => Limits | undefined): Promise<void> {
    const used = await parts.memory.measure();
    for (const agent of agents) {
      const { memoryMb, processes } = watched(agent, configOf(agent));
      const usage = used.get(agent.id);
      if (usage === undefined) continue;
      if (memoryMb > 0 && usage.mb > memoryMb)
        await parts.ending.stop(agent, `used ${Math.round(usage.mb)} MB of memory, more than its cap (${memoryMb} MB)`);
      else if (processes > 0 && usage.processes > processes)
        await parts.ending.stop(
          agent,
          `had ${usage.processes} processes and threads, more than its cap (${processes})`,
        );
    }
  }

  /** The kernel did something to its tree: said once a kind in the history, and again to a person when more were ended. */
  async function note({ id, generation }: Agent, hits: CapHits): Promise<void> {
    await core.units.run(async (unit) => {
      const known = await loadAgent(unit, id);
      const { caps } = known;
      if (!caps || known.generation !== generation || !isLive(known.lifecycle)) return;
      const { killed, refused } = hits;
      const kinds = [
        killed > (caps.killed ?? 0) && ('memory-cap' as const),
        refused > 0 && caps.refused === undefined && ('process-cap' as const),
      ].filter((kind) => kind !== false);
      if (kinds.length === 0) return;
      const entry = { agentId: id, generation, from: known.lifecycle, to: known.lifecycle, at: unit.now };
      const now: AgentCaps = { ...caps, ...(killed > 0 ? { killed } : {}), ...(refused > 0 ? { refused } : {}) };
      for (const action of kinds) await addHistory(unit.tx, { ...entry, action, reason: capHitText(now, action) });
      const detail = kinds.map((kind) => capHitText(now, kind)).join('; ');
      const attention = { kind: 'capped' as const, since: unit.now, detail };
      await changeAgent(unit, known, { caps: now, attention }, 'agent:attention');
    });
  }

  /** Its script could not enter the group: nothing but the daemon holds it. */
  async function unheld({ id, generation }: Agent): Promise<void> {
    core.log.warn({ agentId: id }, 'an agent is not in its control group; its caps are watched');
    await core.units.run(async (unit) => {
      const known = await loadAgent(unit, id);
      if (!known.caps || known.generation !== generation) return;
      await changeAgent(unit, known, { caps: { ...known.caps, by: 'watch' } }, 'agent:state');
    });
  }

  async function ask(agent: Agent): Promise<void> {
    const hits = await parts.runner.capHits(agent.caps?.groups ?? []);
    const looks = hits?.isEmpty ? (empty.get(agent.id) ?? 0) + 1 : 0;
    if (looks === 0) empty.delete(agent.id);
    else empty.set(agent.id, looks);
    if (hits === undefined || looks >= EMPTY_LOOKS) await unheld(agent);
    else if (hits.killed > 0 || hits.refused > 0) await note(agent, hits);
  }

  return {
    async tick(ticks, agents, configOf) {
      if (ticks % CAP_TICKS !== 0) return;
      for (const agent of agents) {
        if (agent.caps?.by === 'cgroup' && agent.pane !== undefined) await ask(agent);
      }
      const isCapped = agents.some((agent) => {
        const { memoryMb, processes } = watched(agent, configOf(agent));
        return memoryMb > 0 || processes > 0;
      });
      if (agents.length > 0 && (isCapped || ticks % MEASURE_TICKS === 0)) await measure(agents, configOf);
    },
  };
}
