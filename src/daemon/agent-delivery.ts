/** Delivery of prompts over the two ways into a local agent: its bridge, and its terminal. */
import type { Bridge } from '../agents/bridge.ts';
import { createDelivery, type Delivery } from '../agents/delivery.ts';
import type { Runner } from '../agents/runner.ts';
import type { Runtime } from '../agents/runtime.ts';
import { deliveryOf } from '../agents/runtime.ts';
import type { Agent } from '../agents/schema.ts';
import { handleOf } from '../agents/service.ts';
import type { Core } from './core.ts';

export interface AgentDeliveryOptions {
  core: Core;
  /** As it was told of last. */
  toldOf: (id: string) => Promise<Agent | undefined>;
  runner: Runner;
  runtimes: { get(id: string): Runtime };
  bridge: Bridge;
}

export function createAgentDelivery({ core, toldOf, runner, runtimes, bridge }: AgentDeliveryOptions): Delivery {
  return createDelivery({
    database: core.database,
    units: core.units,
    toldOf,
    log: core.log,
    channels: {
      bridge: (agentId, prompt) => bridge.send(agentId, prompt),
      usesBridge: (agent) => deliveryOf(runtimes.get(agent.runtime), agent.headless) === 'bridge',
      async paste(agent, text) {
        const before = await runner.screen(handleOf(agent));
        await runner.type(handleOf(agent), text);
        return (await runner.screen(handleOf(agent))) !== before;
      },
    },
  });
}
