/** An answer may end after the life of its agent that asked for it: what it says is no news of the next one. */
import { isInLife } from '../agents/state.ts';
import { findAgent } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import { createInTurn } from '../base/in-turn.ts';
import type { Activity } from '../costs/schema.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';
import type { MoneyWatch } from './money-watch.ts';

export interface TrafficFenceOptions {
  core: Pick<Core, 'database' | 'log'>;
  parts: () => Pick<AgentParts, 'progress' | 'observation'>;
  money: Pick<MoneyWatch, 'onActivity'>;
}

/** Hands on what was asked for in the life that the agent is in now, in the order it was told. */
export function createTrafficFence({ core, parts, money }: TrafficFenceOptions): (activity: Activity) => void {
  const inTurn = createInTurn();

  async function isOfThisLife({ agentId, generation }: Activity): Promise<boolean> {
    return generation === undefined || isInLife(await findAgent(core.database.db, agentId), generation);
  }

  return (activity) => {
    inTurn(activity.agentId, async () => {
      if (!(await isOfThisLife(activity))) return;
      parts().progress.activity(activity);
      money.onActivity(activity);
      await parts().observation.proxyActivity(activity);
    }).catch((error: unknown) => core.log.error({ problem: messageOf(error) }, 'traffic not noted'));
  };
}
