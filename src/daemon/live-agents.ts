/**
 * The agents that should be alive, in memory: kept in step by what is told of each change, read again now and then. An agent
 * says several things in a turn, and each of them asks for its row.
 */
import type { Agent } from '../agents/schema.ts';
import { isLive } from '../agents/state.ts';
import { findAgent, liveAgents } from '../agents/store.ts';
import type { Core } from './core.ts';

export interface LiveAgents {
  /** With `anew` the database is asked in any case. */
  list(anew?: boolean): Promise<readonly Agent[]>;
  /** Any agent, as it was told of last; from the database when it is not alive. */
  find(id: string): Promise<Agent | undefined>;
  /** The one with exactly this name or id, if it is known to be alive. */
  named(projectId: string, text: string): Agent | undefined;
  stop(): void;
}

export function followLiveAgents({ bus, database }: Pick<Core, 'bus' | 'database'>): LiveAgents {
  let changes = 0;
  let known: Map<string, Agent> | undefined;
  const unsubscribe = bus.subscribe(({ payload }) => {
    const { agent } = payload as { agent?: Agent };
    if (agent?.version === undefined) return;
    changes += 1;
    if ((known?.get(agent.id)?.version ?? 0) > agent.version) return;
    if (isLive(agent.lifecycle)) known?.set(agent.id, agent);
    else known?.delete(agent.id);
  });

  return {
    async list(anew = false) {
      if (known && !anew) return [...known.values()];
      const before = changes;
      const agents = await liveAgents(database.db);
      // What changed while it was read is read again.
      known = changes === before ? new Map(agents.map((agent) => [agent.id, agent])) : undefined;
      return agents;
    },
    find: async (id) => known?.get(id) ?? findAgent(database.db, id),
    named(projectId, text) {
      const byId = known?.get(text);
      if (byId?.projectId === projectId) return byId;
      for (const agent of known?.values() ?? []) if (agent.name === text && agent.projectId === projectId) return agent;
      return undefined;
    },
    stop() {
      unsubscribe();
      known = undefined;
    },
  };
}
