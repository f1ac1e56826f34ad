/** The row of an agent that nothing runs for: what is told of it is what is under test. */
import type { Agent } from '../../src/agents/schema.ts';
import { insertAgent } from '../../src/agents/store.ts';
import type { Core } from '../../src/daemon/core.ts';

/** Adds the agent `a1`, a worker with a bridge that was last seen in `state`. */
export async function addAgentRow(core: Core, projectId: string, state: 'idle' | 'busy'): Promise<void> {
  const now = new Date(core.clock.now()).toISOString();
  const agent: Agent = {
    id: 'a1',
    projectId,
    name: 'worker-1',
    role: 'worker',
    runtime: 'pi',
    runner: 'local',
    headless: true,
    lifecycle: 'executing',
    observed: { state, source: 'hook', at: now, since: now },
    generation: 1,
    retryCount: 0,
    maxRetries: 3,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
  await core.database.transact((tx) => insertAgent(tx, agent));
}
