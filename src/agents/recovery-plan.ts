/** What becomes of every agent after a crash: which go on, which come back, which wait. Pure. */
import type { Agent, RecoveryItem } from './schema.ts';
import { isLive } from './state.ts';

export interface RecoveryView {
  /** Agents whose terminal is held and alive now. */
  held: ReadonlySet<string>;
  /** Runtimes that can go on with an earlier conversation. */
  resumable: (agent: Agent) => boolean;
  /** A person asked for it: attempts that are used up do not count. */
  byPerson: boolean;
  nowMs: number;
}

function verdict(agent: Agent, view: RecoveryView): Pick<RecoveryItem, 'action' | 'reason'> {
  if (agent.lifecycle === 'paused')
    return {
      action: 'paused',
      reason: view.held.has(agent.id) ? 'paused' : 'paused; it comes back when it is resumed',
    };
  if (isLive(agent.lifecycle)) {
    if (view.held.has(agent.id)) return { action: 'running', reason: 'its terminal is there' };
    return { action: 'wait', reason: `it is ${agent.lifecycle}` };
  }
  const end = agent.lastError ?? 'it ended';
  if (!view.resumable(agent))
    return { action: 'leave', reason: `${end}; a ${agent.runtime} agent has no conversation to go on with` };
  if (view.byPerson) return { action: 'revive', reason: end };
  if (agent.retryAt === undefined) return { action: 'leave', reason: end };
  const dueMs = Date.parse(agent.retryAt) - view.nowMs;
  return dueMs <= 0
    ? { action: 'revive', reason: end }
    : { action: 'wait', reason: `${end}; again in ${Math.ceil(dueMs / 1000)} s` };
}

/** One line an agent that lives or failed; agents that ended as they should are no part of it. */
export function recoveryPlan(agents: readonly Agent[], view: RecoveryView): RecoveryItem[] {
  return agents
    .filter((agent) => isLive(agent.lifecycle) || agent.lifecycle === 'failed')
    .map((agent) => ({
      agentId: agent.id,
      agent: agent.name,
      ...verdict(agent, view),
      ...(agent.beadId === undefined ? {} : { beadId: agent.beadId }),
    }));
}
