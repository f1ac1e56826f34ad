/** How an agent changes: transition checked, row + event in one unit. */
import { failure } from '../errors.ts';
import type { EventType } from '../events.ts';
import type { Unit } from '../storage/unit-of-work.ts';
import { addHistory } from './history.ts';
import type { Agent } from './schema.ts';
import { type AgentAction, nextLifecycle } from './state.ts';
import { findAgent, saveAgent, saveIfSame } from './store.ts';

export type AgentChange = { [K in keyof Agent]?: Agent[K] | undefined };

function applied(agent: Agent, change: AgentChange, now: string): Agent {
  const merged: Record<string, unknown> = { ...agent, ...change, updatedAt: now };
  for (const [key, value] of Object.entries(merged)) {
    if (value === undefined) delete merged[key];
  }
  return merged as Agent;
}

/** The freshest form of an agent. @throws GodelError agent-not-found */
export async function loadAgent(unit: Unit, id: string): Promise<Agent> {
  const agent = await findAgent(unit.tx, id);
  if (!agent) throw failure('agent-not-found', { id });
  return agent;
}

/** Saves a change of fields with its event. */
export async function changeAgent(
  unit: Unit,
  agent: Agent,
  change: AgentChange,
  event: EventType,
  extra: Record<string, unknown> = {},
): Promise<Agent> {
  const saved = await saveAgent(unit.tx, applied(agent, change, unit.now));
  await tell(unit, saved, event, extra);
  return saved;
}

/** The same, when `agent` is what is stored; undefined, and nothing is done, when it is an older form. */
export async function changeIfSame(
  unit: Unit,
  agent: Agent,
  change: AgentChange,
  event: EventType,
): Promise<Agent | undefined> {
  const saved = await saveIfSame(unit.tx, applied(agent, change, unit.now));
  if (saved) await tell(unit, saved, event, {});
  return saved;
}

async function tell(unit: Unit, saved: Agent, event: EventType, extra: Record<string, unknown>): Promise<void> {
  await unit.emit({
    type: event,
    component: 'agents',
    payload: { agent: saved, ...extra },
    metadata: {
      projectId: saved.projectId,
      agentId: saved.id,
      ...(saved.beadId === undefined ? {} : { beadId: saved.beadId }),
    },
  });
}

/**
 * The change that a lifecycle action makes, noted in the agent's history. To be saved with the other changes of the unit.
 * @throws GodelError transition-refused
 */
export async function movedLifecycle(
  unit: Unit,
  agent: Agent,
  action: AgentAction,
  reason?: string,
): Promise<Pick<Agent, 'lifecycle'>> {
  const lifecycle = nextLifecycle(agent.lifecycle, action);
  if (!lifecycle) {
    throw failure('transition-refused', {
      id: agent.name,
      from: agent.lifecycle,
      to: action,
      hint: `godel agent show ${agent.name}`,
    });
  }
  await addHistory(unit.tx, {
    agentId: agent.id,
    generation: agent.generation,
    from: agent.lifecycle,
    to: lifecycle,
    action,
    at: unit.now,
    reason,
  });
  return { lifecycle };
}

/** Applies a lifecycle action. @throws GodelError transition-refused */
export async function moveAgent(
  unit: Unit,
  id: string,
  action: AgentAction,
  event: EventType,
  change: AgentChange = {},
  extra: Record<string, unknown> = {},
): Promise<Agent> {
  const agent = await loadAgent(unit, id);
  const reason = change.lastError ?? (typeof extra.reason === 'string' ? extra.reason : undefined);
  const moved = await movedLifecycle(unit, agent, action, reason);
  return changeAgent(unit, agent, { ...change, ...moved }, event, extra);
}
