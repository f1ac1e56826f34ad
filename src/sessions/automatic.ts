/** When checkpoints are made by themselves: after some answers of a model, and when an agent or its work changes state. */
import type { Agent } from '../agents/schema.ts';
import type { GodelEvent } from '../base/event.ts';
import type { CheckpointReason } from './schema.ts';

export interface AutomaticOptions {
  /** Answers of a model between two checkpoints; 0 = none by themselves. */
  everyTurns: (projectId: string) => Promise<number>;
  findAgent: (id: string) => Promise<Agent | undefined>;
  /** The agent that works on a bead, or worked on it last. */
  agentOfBead: (projectId: string, beadId: string) => Promise<Agent | undefined>;
  take: (agent: Agent, reason: CheckpointReason) => Promise<void>;
}

export interface Automatic {
  /** Requests to models an agent has made in its life. */
  requests(agentId: string, count: number): Promise<void>;
  event(event: GodelEvent): Promise<void>;
}

const REASONS: Readonly<Record<string, CheckpointReason>> = {
  'agent:pause': 'pause',
  'agent:kill': 'stop',
  'agent:complete': 'end',
  'agent:error': 'end',
};

export function createAutomatic(options: AutomaticOptions): Automatic {
  /** Agent -> requests at the last checkpoint. */
  const taken = new Map<string, number>();
  /** Agents that worked when they were last heard of. */
  const working = new Set<string>();

  async function take(agent: Agent | undefined, reason: CheckpointReason): Promise<void> {
    if (agent && (await options.everyTurns(agent.projectId)) > 0) await options.take(agent, reason);
  }

  async function agentEvent(event: GodelEvent, agent: Agent): Promise<void> {
    const { state } = agent.observed;
    const rested = working.has(agent.id) && (state === 'idle' || state === 'waiting');
    if (state === 'busy') working.add(agent.id);
    else working.delete(agent.id);
    const reason = REASONS[event.type] ?? (rested ? 'rest' : undefined);
    if (reason) await take(agent, reason);
  }

  async function beadEvent(projectId: string, beadId: string, reason: CheckpointReason): Promise<void> {
    await take(await options.agentOfBead(projectId, beadId), reason);
  }

  return {
    async requests(agentId, count) {
      const before = taken.get(agentId);
      if (before === undefined || count < before) taken.set(agentId, count);
      if (before === undefined || count <= before) return;
      const agent = await options.findAgent(agentId);
      const every = agent ? await options.everyTurns(agent.projectId) : 0;
      if (!agent || every === 0 || count - before < every) return;
      taken.set(agentId, count);
      await options.take(agent, 'turns');
    },
    async event(event) {
      const { projectId, beadId } = event.metadata;
      const { agent, bead, changed } = event.payload as {
        agent?: Agent;
        bead?: { status?: string };
        changed?: readonly string[];
      };
      if (event.type.startsWith('agent:') && agent) return agentEvent(event, agent);
      if (projectId === undefined || beadId === undefined) return;
      if (event.type === 'merge:landing') return beadEvent(projectId, beadId, 'landing');
      if (event.type === 'bead:updated' && bead?.status === 'review' && changed?.includes('status'))
        await beadEvent(projectId, beadId, 'review');
    },
  };
}
