/** Messages between agents, tied to what delivers prompts and to the inbox of people. */
import { deliveryOf } from '../agents/runtime.ts';
import { messageOf } from '../base/error.ts';
import type { Config } from '../config.ts';
import type { Inbox } from '../inbox/service.ts';
import { createMessageService, type MessageService } from '../messages/service.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';

export interface MessagePartOptions {
  core: Core;
  parts: AgentParts;
  inbox: Inbox;
  configOf: (projectId: string) => Promise<Config>;
}

export function createMessagePart({ core, parts, inbox, configOf }: MessagePartOptions): MessageService {
  const service = createMessageService({
    database: core.database,
    units: core.units,
    toldOf: parts.live.find,
    pump: (agentId) => parts.delivery.pump(agentId),
    takesPrompts: (agent) => deliveryOf(parts.runtimes.get(agent.runtime), agent.headless) !== 'paste',
    mostHops: async (projectId) => (await configOf(projectId)).message_hops,
    raise: inbox.raise,
  });
  core.bus.subscribe((event) => {
    service
      .follow(event)
      .catch((error: unknown) => core.log.warn({ problem: messageOf(error) }, 'unread messages not counted'));
  });
  return service;
}
