/** The bridge of all agents, tied to what judges their states and hands them their prompts. */
import { type Bridge, createBridge } from '../agents/bridge.ts';
import type { Compaction } from '../agents/compaction.ts';
import type { Delivery } from '../agents/delivery.ts';
import type { Observation } from '../agents/observation.ts';
import type { ProgressLog } from '../agents/progress-log.ts';
import type { Agent, StateSource } from '../agents/schema.ts';
import { isInLife } from '../agents/state.ts';
import type { TodoService } from '../todos/service.ts';
import type { Core } from './core.ts';

export interface AgentBridgeOptions {
  core: Core;
  /** As it was told of last: what is asked for every word need not be read each time. */
  find: (id: string) => Promise<Agent | undefined>;
  observation: Observation;
  progress: ProgressLog;
  delivery: () => Delivery;
  /** The todo tool of its program wrote a list. */
  todos: TodoService['fromProgram'];
  /** A program made its conversation shorter, or did not. */
  compacted: Compaction['said'];
  /** An agent showed a sign of life. */
  touched: (agentId: string) => void;
}

/** Sources that speak through the bridge, which says that it is alive. */
const TOLD: readonly StateSource[] = ['protocol', 'hook'];

export function createAgentBridge(options: AgentBridgeOptions): Bridge {
  const { core, find, observation, progress, delivery, touched } = options;
  const { clock, log } = core;
  const isCurrent = async (agentId: string, generation: number) => isInLife(await find(agentId), generation);
  return createBridge({
    socketFile: core.paths.bridgeSocketFile,
    clock,
    log,
    async authenticate(agentId, generation, token) {
      return (await core.tokens.authenticate(token))?.id === agentId && isCurrent(agentId, generation);
    },
    isCurrent,
    async onEvent(agentId, source, event, at) {
      touched(agentId);
      if (event.kind === 'compacted') return options.compacted(event.id, event.problem);
      if (event.kind === 'todos') return options.todos(agentId, event.items);
      progress.bridgeEvent(agentId, event, at);
      await observation.bridgeEvent(agentId, event, at, source);
    },
    onPromptStatus: (agentId, id, status, reason) => delivery().status(agentId, id, status, reason),
    onAlive: (agentId, atMs) => observation.confirm(agentId, atMs, ({ source }) => TOLD.includes(source)),
    async onConnection(agentId, connected, source, last) {
      if (!connected) return;
      if (last) await observation.bridgeEvent(agentId, last, clock.now(), source);
      await delivery().pump(agentId, true);
    },
  });
}
