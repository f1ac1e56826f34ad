/**
 * Agents that may not go on for now: their budget is spent, their calls are used up, or every provider is busy. That is kept,
 * shown as a state with its reason, and ended once, by itself: at the time it was said to end, or when there is money again.
 */

import { isLive, judge } from '../agents/state.ts';
import { findAgent, queuePrompt } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import { newId } from '../base/id.ts';
import type { Activity, BudgetNotice, BudgetState, Parking } from '../costs/schema.ts';
import type { ParkedAgentRow } from '../storage/tables.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';

export interface ParkingWatch {
  /** What the proxy says of the traffic of an agent. */
  activity(activity: Activity): void;
  notice(notice: BudgetNotice): void;
  /** Takes up again what was parked before a restart. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ParkingOptions {
  core: Pick<Core, 'database' | 'units' | 'bus' | 'clock' | 'log'>;
  parts: () => Pick<AgentParts, 'observation' | 'delivery'>;
}

/** Timers cannot be longer than some weeks; a later time is looked at again. */
const LONGEST_MS = 86_400_000;
/** Refusals that pass this soon (ms) are the client's to wait for. */
const SOON_MS = 2_000;
const ENDS = ['agent:start', 'agent:complete', 'agent:error', 'agent:kill'];

const budgetKey = (budget: Pick<BudgetState, 'scope' | 'subject' | 'period'>) =>
  `${budget.scope} ${budget.subject} ${budget.period}`;

const detailOf = (row: ParkedAgentRow) => (row.until === null ? row.reason : `${row.reason}; goes on at ${row.until}`);

export function createParking({ core, parts }: ParkingOptions): ParkingWatch {
  const { database, units, clock, log } = core;
  const timers = new Map<string, NodeJS.Timeout>();
  let order: Promise<void> = Promise.resolve();

  /** One after the other, so that parking and its end cannot cross. */
  function inOrder(work: () => Promise<void>): Promise<void> {
    order = order
      .then(work)
      .catch((error: unknown) => log.error({ problem: messageOf(error) }, 'a parked agent was not noted'));
    return order;
  }

  const rowOf = (agentId: string) =>
    database.db.selectFrom('parked_agents').selectAll().where('agent_id', '=', agentId).executeTakeFirst();

  function arm(row: ParkedAgentRow): void {
    clearTimeout(timers.get(row.agent_id));
    timers.delete(row.agent_id);
    if (row.until === null) return;
    const ms = Math.max(0, Date.parse(row.until) - clock.now());
    const timer = setTimeout(
      () => (ms > LONGEST_MS ? arm(row) : void inOrder(() => resume(row.agent_id, row.since))),
      Math.min(ms, LONGEST_MS),
    );
    timer.unref();
    timers.set(row.agent_id, timer);
  }

  async function park(agentId: string, parking: Parking): Promise<void> {
    const agent = await findAgent(database.db, agentId);
    if (!agent || !isLive(agent.lifecycle)) return;
    const known = await rowOf(agentId);
    const row: ParkedAgentRow = {
      agent_id: agentId,
      kind: parking.kind,
      reason: parking.reason,
      since: known?.since ?? new Date(clock.now()).toISOString(),
      until: parking.until ?? null,
      budget: parking.budget ? budgetKey(parking.budget) : null,
    };
    await units.run(async ({ tx }) => {
      await tx
        .insertInto('parked_agents')
        .values(row)
        .onConflict((c) => c.column('agent_id').doUpdateSet(row))
        .execute();
    });
    arm(row);
    await parts().observation.park(agentId, { detail: detailOf(row), sinceMs: Date.parse(row.since) });
  }

  async function forget(agentId: string): Promise<void> {
    clearTimeout(timers.get(agentId));
    timers.delete(agentId);
    if (!(await rowOf(agentId))) return;
    await units.run(async ({ tx }) => {
      await tx.deleteFrom('parked_agents').where('agent_id', '=', agentId).execute();
    });
    await parts().observation.park(agentId, undefined);
  }

  /** True when the agent waits for nothing of its own: a prompt is what sets it going again. */
  function isStill(agentId: string): boolean {
    const { state } = judge(parts().observation.evidence(agentId), clock.now());
    return state !== 'busy' && state !== 'starting';
  }

  /** Ends the parking of `since` and lets the agent go on, once: both are one transaction. */
  async function resume(agentId: string, since: string): Promise<void> {
    timers.delete(agentId);
    const still = isStill(agentId);
    const ended = await units.run(async (unit) => {
      const { numDeletedRows } = await unit.tx
        .deleteFrom('parked_agents')
        .where('agent_id', '=', agentId)
        .where('since', '=', since)
        .executeTakeFirst();
      if (numDeletedRows === 0n) return false;
      if (!still) return true;
      await queuePrompt(unit.tx, {
        id: newId(),
        agentId,
        key: `parked ${since}`,
        text: 'The model could not be asked for a while; it can be asked again. Go on where you were.',
        author: 'godel',
        when: 'after-turn',
        now: unit.now,
      });
      return true;
    });
    if (!ended) return;
    await parts().observation.park(agentId, undefined);
    await parts().delivery.pump(agentId);
  }

  async function reopened(budget: BudgetState): Promise<void> {
    const rows = await database.db
      .selectFrom('parked_agents')
      .selectAll()
      .where('budget', '=', budgetKey(budget))
      .execute();
    for (const row of rows) await resume(row.agent_id, row.since);
  }

  const unsubscribe = core.bus.subscribe(({ type, metadata }) => {
    const { agentId } = metadata;
    if (agentId && ENDS.includes(type)) void inOrder(() => forget(agentId));
  });

  return {
    activity({ agentId, parked, outcome }) {
      if (parked) {
        const until = parked.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(parked.until);
        if (until - clock.now() > SOON_MS) void inOrder(() => park(agentId, parked));
      } else if (outcome === 'ok') void inOrder(() => forget(agentId));
    },
    notice({ budget, reached }) {
      if (reached < 100) void inOrder(() => reopened(budget));
    },
    start: () =>
      inOrder(async () => {
        for (const row of await database.db.selectFrom('parked_agents').selectAll().execute()) {
          const agent = await findAgent(database.db, row.agent_id);
          if (!agent || !isLive(agent.lifecycle)) await forget(row.agent_id);
          else {
            await parts().observation.park(row.agent_id, { detail: detailOf(row), sinceMs: Date.parse(row.since) });
            arm(row);
          }
        }
      }),
    async stop() {
      unsubscribe();
      for (const timer of timers.values()) clearTimeout(timer);
      await order;
    },
  };
}
