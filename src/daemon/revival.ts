/**
 * Brings agents back that ended against their will, a few at a time: by itself when their next attempt is due, or when a
 * person asks. An agent is started at most once at a time, and only when nothing of its earlier life is left.
 */
import { recoveryPlan } from '../agents/recovery-plan.ts';
import { deliveryOf } from '../agents/runtime.ts';
import type { Agent, RecoveryItem } from '../agents/schema.ts';
import type { Starter } from '../agents/starting.ts';
import { findAgent, revivableAgents } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';

export interface Revival {
  recover(projectId: string, dryRun: boolean): Promise<RecoveryItem[]>;
  stop(): Promise<void>;
}

const TICK_MS = 500;
/** As many are started at once; the machine has just been through something. */
const AT_ONCE = 4;

export function startRevival({ core, parts, starter }: { core: Core; parts: AgentParts; starter: Starter }): Revival {
  const { database, log } = core;
  const running = new Map<string, Promise<void>>();
  let ticking: Promise<void> = Promise.resolve();
  let stopped = false;

  async function planFor(projectId: string | undefined, byPerson: boolean): Promise<[Agent[], RecoveryItem[]]> {
    const agents = await revivableAgents(database.db, projectId);
    if (agents.length === 0) return [agents, []];
    const held = (await parts.runner.list()).filter((each) => !each.dead).map((each) => each.agentId);
    const view = {
      held: new Set(held),
      resumable: (agent: Agent) => deliveryOf(parts.runtimes.get(agent.runtime), agent.headless) !== 'paste',
      byPerson,
      nowMs: core.clock.now(),
    };
    return [agents, recoveryPlan(agents, view)];
  }

  async function revive(agent: Agent, by: string): Promise<void> {
    try {
      await starter.restart(agent, by);
      log.info({ agentId: agent.id, by }, 'agent came back');
    } catch (error) {
      log.error({ agentId: agent.id, problem: messageOf(error) }, 'agent could not come back');
    }
  }

  function begin(agent: Agent, by: string): Promise<void> {
    const known = running.get(agent.id);
    if (known) return known;
    const work = revive(agent, by).finally(() => running.delete(agent.id));
    running.set(agent.id, work);
    return work;
  }

  /** Unix ms of the next attempt, read again only after one was set: work and rest of the others ask nothing of the database. */
  let nextMs = Number.POSITIVE_INFINITY;
  let isOld = true;
  const unsubscribe = core.bus.subscribe(({ payload }) => {
    if ((payload as { agent?: Agent }).agent?.retryAt !== undefined) isOld = true;
  });

  async function nextAttempt(): Promise<number> {
    const times = (await revivableAgents(database.db)).map(({ retryAt }) => (retryAt ? Date.parse(retryAt) : Infinity));
    return Math.min(Infinity, ...times);
  }

  /** Those that are due, as far as there is room. */
  async function tick(): Promise<void> {
    if (isOld) {
      isOld = false;
      nextMs = await nextAttempt();
    }
    if (nextMs > core.clock.now() || stopped) return;
    // What has no room now, or could not be started, is looked for at the next tick.
    isOld = true;
    const [agents, plan] = await planFor(undefined, false);
    for (const item of plan.filter((each) => each.action === 'revive')) {
      if (stopped || running.size >= AT_ONCE) return;
      const agent = agents.find((each) => each.id === item.agentId);
      if (agent) void begin(agent, 'recovery');
    }
  }

  const timer = setInterval(() => {
    ticking = ticking
      .then(tick)
      .catch((error: unknown) => log.warn({ problem: messageOf(error) }, 'agents to bring back not looked for'));
  }, TICK_MS);

  return {
    async recover(projectId, dryRun) {
      const [agents, plan] = await planFor(projectId, true);
      if (dryRun) return plan;
      const wanted = plan.filter((item) => item.action === 'revive');
      const lanes = Array.from({ length: AT_ONCE }, async () => {
        for (let item = wanted.shift(); item; item = wanted.shift()) {
          const agent = agents.find((each) => each.id === item?.agentId);
          if (agent) await begin(agent, 'recovery');
        }
      });
      await Promise.all(lanes);
      return Promise.all(plan.map((item) => afterwards(item)));
    },
    async stop() {
      stopped = true;
      unsubscribe();
      clearInterval(timer);
      await ticking;
      await Promise.all(running.values());
    },
  };

  /** What was wanted, with what came of it. */
  async function afterwards(item: RecoveryItem): Promise<RecoveryItem> {
    if (item.action !== 'revive') return item;
    const agent = await findAgent(database.db, item.agentId);
    const failed =
      agent?.lifecycle === 'failed' ? `could not come back: ${agent.lastError ?? 'no reason is known'}` : undefined;
    return failed === undefined ? item : { ...item, action: 'leave', reason: failed };
  }
}
