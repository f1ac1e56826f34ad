/** The agents that should be alive, read again only after one of them changed: rest asks nothing of the database. */
import type { Agent } from '../agents/schema.ts';
import { liveAgents } from '../agents/store.ts';
import type { Core } from './core.ts';

export interface LiveAgents {
  /** With `anew` the database is asked in any case. */
  list(anew?: boolean): Promise<readonly Agent[]>;
  stop(): void;
}

export function followLiveAgents({ bus, database }: Pick<Core, 'bus' | 'database'>): LiveAgents {
  let changes = 0;
  let known: { agents: readonly Agent[]; asOf: number } | undefined;
  const unsubscribe = bus.subscribe(({ type }) => {
    if (type.startsWith('agent:')) changes += 1;
  });

  return {
    async list(anew = false) {
      if (known?.asOf === changes && !anew) return known.agents;
      // What changes while it is read makes it old at once.
      const asOf = changes;
      const agents = await liveAgents(database.db);
      known = { agents, asOf };
      return agents;
    },
    stop: unsubscribe,
  };
}
