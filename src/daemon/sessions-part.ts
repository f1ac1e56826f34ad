/** Sessions: they follow agents, and are read from the runtimes' own files or the proxy's recordings. */
import { agentSchema } from '../agents/schema.ts';
import { resolveAgent, revivableAgents } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import { resolveBead } from '../beads/store.ts';
import { createFollowing } from '../sessions/following.ts';
import { createReading } from '../sessions/reading.ts';
import { createSessionService } from '../sessions/service.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';
import type { ProxyProcess } from './proxy-process.ts';

export interface SessionsPartOptions {
  core: Core;
  parts: AgentParts;
  proxy: ProxyProcess;
}

export interface SessionsPart {
  handlers: ReturnType<typeof createSessionService>;
  stop(): Promise<void>;
}

const MOST_TURNS = 1000;

export function createSessionsPart({ core, parts, proxy }: SessionsPartOptions): SessionsPart {
  const { database, units, clock, log } = core;
  const following = createFollowing({ database, units });
  let order: Promise<void> = Promise.resolve();

  /** One after the other: what an agent is now must not be overtaken by what it was before. */
  function inOrder(work: () => Promise<void>): void {
    order = order
      .then(work)
      .catch((error: unknown) => log.error({ problem: messageOf(error) }, 'a session did not follow its agent'));
  }

  inOrder(async () => {
    for (const agent of await revivableAgents(database.db)) await following.follow(agent);
  });
  const unsubscribe = core.bus.subscribe((event) => {
    if (!event.type.startsWith('agent:')) return;
    const agent = agentSchema.safeParse(event.payload.agent);
    if (agent.success) inOrder(() => following.follow(agent.data));
  });

  const reading = createReading({
    historyOf: (runtime) => parts.runtimes.get(runtime).history,
    homeOf: parts.launcher.homeOf,
    recorded: ({ projectId, agentId }) => proxy.client.recordedTurns({ projectId, agentId, limit: MOST_TURNS }),
  });

  return {
    handlers: createSessionService({
      database,
      clock,
      reading,
      settled: () => order,
      agentId: async (projectId, text) => (await resolveAgent(database.db, projectId, text)).id,
      beadId: async (projectId, text) => (await resolveBead(database.db, projectId, text)).id,
    }),
    async stop() {
      unsubscribe();
      await order;
    },
  };
}
