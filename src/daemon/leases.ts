/**
 * Agents keep what they work on: their leases are renewed together, with one write every few minutes, as long as
 * they live; when one ends, its claim is given back at once.
 */
import type { Agent } from '../agents/schema.ts';
import { isLive } from '../agents/state.ts';
import { liveAgents } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import { changeBead } from '../beads/changes.ts';
import { extendLeases, givenBack, LEASE_MS } from '../beads/claims.ts';
import { findBead } from '../beads/store.ts';
import type { Core } from './core.ts';

export interface LeaseKeeper {
  /** Renews the leases of every live agent now. */
  renew(): Promise<void>;
  stop(): Promise<void>;
}

/** Three tries fit into one lease. */
const RENEW_MS = LEASE_MS / 3;
const ENDED = new Set(['agent:kill', 'agent:complete', 'agent:error']);

export function startLeaseKeeper(core: Core): LeaseKeeper {
  const { database, units, clock, log } = core;
  let running: Promise<void> = Promise.resolve();

  async function renew(): Promise<void> {
    const names = new Map<string, string[]>();
    for (const agent of await liveAgents(database.db)) {
      if (agent.beadId === undefined) continue;
      names.set(agent.projectId, [...(names.get(agent.projectId) ?? []), agent.name]);
    }
    if (names.size === 0) return;
    const expiresMs = clock.now() + LEASE_MS;
    await database.transact(async (tx) => {
      for (const [projectId, holders] of names) await extendLeases(tx, projectId, holders, expiresMs);
    });
  }

  async function giveBack(projectId: string, beadId: string, holder: string): Promise<void> {
    await units.run(async (unit) => {
      const bead = await findBead(unit.tx, projectId, beadId);
      if (bead?.claim?.holder !== holder) return;
      await changeBead(unit, bead, { claim: givenBack(bead.claim) }, `claim of ${holder} ended`);
    });
  }

  function inOrder(work: () => Promise<void>): Promise<void> {
    running = running
      .then(work)
      .catch((error: unknown) => log.error({ problem: messageOf(error) }, 'leases were not brought up to date'));
    return running;
  }

  const unsubscribe = core.bus.subscribe(({ type, metadata, payload }) => {
    const { projectId, beadId } = metadata;
    const { name, lifecycle } = (payload.agent ?? {}) as Partial<Agent>;
    if (!ENDED.has(type) || lifecycle === undefined || isLive(lifecycle)) return;
    if (projectId && beadId && name) void inOrder(() => giveBack(projectId, beadId, name));
  });
  const timer = setInterval(() => void inOrder(renew), RENEW_MS);

  return {
    renew: () => inOrder(renew),
    async stop() {
      unsubscribe();
      clearInterval(timer);
      await running;
    },
  };
}
