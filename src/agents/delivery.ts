/**
 * Prompts reach agents exactly once. A prompt is queued (durable), handed over (delivered) and
 * acknowledged when its turn was seen to start. What was not acknowledged is handed over again
 * after a cut; the agent's side refuses an id it has already taken.
 */
import type { Log } from '../base/log.ts';
import type { Database } from '../storage/database.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import type { Agent } from './schema.ts';
import { findPrompt, movePrompt, openPrompts, type PromptStep, type QueuedPrompt } from './store.ts';

/** The two ways a text gets into an agent. */
export interface DeliveryChannels {
  /** Hands a prompt to the agent's bridge; false when it is not connected. */
  bridge(agentId: string, prompt: QueuedPrompt): boolean;
  /** Types a prompt into the terminal; resolves true when a reaction was seen. */
  paste(agent: Agent, text: string): Promise<boolean>;
  usesBridge(agent: Agent): boolean;
}

export interface DeliveryOptions {
  database: Database;
  units: UnitOfWork;
  channels: DeliveryChannels;
  /** As it was told of last: whoever changed it waited for that. */
  toldOf: (id: string) => Promise<Agent | undefined>;
  log: Log;
}

export interface Delivery {
  /** Hands over what is queued for an agent; call it on every new prompt and every connection. */
  pump(agentId: string, again?: boolean): Promise<void>;
  /** The same for a prompt that was just queued: what was queued before need not be read when it is known to be on its way. */
  push(prompt: QueuedPrompt): Promise<void>;
  /** What the bridge says about a prompt. */
  status(agentId: string, promptId: string, status: 'accepted' | 'started' | 'refused', reason?: string): Promise<void>;
  /** Resolves with the prompt when it is acknowledged or dead, or when the time (ms) is over. */
  settled(promptId: string, timeoutMs: number): Promise<QueuedPrompt | undefined>;
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { database, units, channels, log } = options;
  const chains = new Map<string, Promise<void>>();
  const watchers = new Map<string, Set<() => void>>();
  /** Prompts of which something is known that is not in the database yet. */
  const unwritten = new Map<string, Promise<void>>();

  /** Agents to which everything was handed over that was queued when it was read; whoever queues more pumps again. */
  const drained = new Set<string>();

  /** Runs the work of one agent strictly in order. */
  function inOrder(agentId: string, work: () => Promise<void>): Promise<void> {
    const next = (chains.get(agentId) ?? Promise.resolve()).then(work).catch((error: unknown) => {
      log.error({ agentId, error }, 'prompt delivery failed');
    });
    chains.set(agentId, next);
    void next.finally(() => {
      if (chains.get(agentId) === next) chains.delete(agentId);
    });
    return next;
  }

  async function move(agent: Agent, id: string, step: PromptStep): Promise<void> {
    const work = async (unit: Unit) => {
      const prompt = await movePrompt(unit.tx, id, step, unit.now);
      if (!prompt) return;
      const metadata = { agentId: agent.id, projectId: agent.projectId };
      await unit.emit({ type: 'agent:prompt', component: 'agents', payload: { prompt }, metadata });
    };
    const wake = () => {
      for (const each of watchers.get(id) ?? []) each();
    };
    // The agent's side of a bridge knows for itself what it took; of what was typed there is no other record.
    if (channels.usesBridge(agent)) noteSoon(agent, id, units.note(work, { lazy: !watchers.has(id) }).then(wake));
    else await units.run(work).then(wake);
  }

  /** The agent's next word need not wait until this is written, and is written after it. */
  function noteSoon(agent: Agent, id: string, writing: Promise<void>): void {
    const written = writing
      .catch((error: unknown) => log.error({ agentId: agent.id, error }, 'prompt delivery not noted'))
      .finally(() => {
        if (unwritten.get(id) === written) unwritten.delete(id);
      });
    unwritten.set(id, written);
  }

  const delivered = (agent: Agent, { id, attempts }: QueuedPrompt) =>
    move(agent, id, { to: 'delivered', attempts: attempts + 1 });
  const acknowledged = (agent: Agent, id: string) => move(agent, id, { to: 'acknowledged' });
  const dead = (agent: Agent, id: string, reason: string) => move(agent, id, { to: 'dead', reason });

  async function pasteOne(agent: Agent, prompt: QueuedPrompt): Promise<void> {
    // A text that was typed may have arrived although nobody saw it: typing it again could run it twice.
    if (prompt.status === 'delivered')
      return dead(agent, prompt.id, 'typed before a restart; whether it arrived is unknown');
    await delivered(agent, prompt);
    const seen = await channels.paste(agent, prompt.text);
    if (seen) return acknowledged(agent, prompt.id);
    return dead(agent, prompt.id, 'typed into the terminal, but the program showed no reaction');
  }

  async function handOver(agent: Agent, prompts: readonly QueuedPrompt[], again: boolean): Promise<void> {
    drained.delete(agent.id);
    for (const prompt of prompts) {
      if (!channels.usesBridge(agent)) await pasteOne(agent, prompt);
      else if ((prompt.status === 'queued' && !unwritten.has(prompt.id)) || again) {
        if (!channels.bridge(agent.id, prompt)) return;
        await delivered(agent, prompt);
      }
    }
    if (channels.usesBridge(agent)) drained.add(agent.id);
  }

  /** Hands over what is queued for an agent that runs. */
  async function deliver(agentId: string, again: boolean, fresh?: QueuedPrompt): Promise<void> {
    const agent = await options.toldOf(agentId);
    if (!agent || !['executing', 'waiting'].includes(agent.lifecycle)) return void drained.delete(agentId);
    // What was taken is not to be handed over again.
    if (again) await Promise.all(unwritten.values());
    const isNext = fresh !== undefined && drained.has(agentId);
    await handOver(agent, isNext ? [fresh] : await openPrompts(database.db, agentId), again);
  }

  return {
    pump: (agentId, again = false) => inOrder(agentId, () => deliver(agentId, again)),
    push: (prompt) => inOrder(prompt.agentId, () => deliver(prompt.agentId, false, prompt)),
    status: (agentId, promptId, status, reason) =>
      inOrder(agentId, async () => {
        const agent = status === 'accepted' ? undefined : await options.toldOf(agentId);
        if (agent && status === 'started') await acknowledged(agent, promptId);
        if (agent && status === 'refused') await dead(agent, promptId, reason ?? 'refused by the agent');
      }),
    async settled(promptId, timeoutMs) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const prompt = await findPrompt(database.db, promptId);
        const left = deadline - Date.now();
        if (!prompt || prompt.status === 'acknowledged' || prompt.status === 'dead' || left <= 0) return prompt;
        await woken(watchers, promptId, left);
      }
    },
  };
}

/** Resolves when the prompt changed, or after `ms`. */
function woken(watchers: Map<string, Set<() => void>>, id: string, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const set = watchers.get(id) ?? new Set();
    watchers.set(id, set);
    const wake = () => {
      clearTimeout(timer);
      set.delete(wake);
      if (set.size === 0) watchers.delete(id);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    set.add(wake);
  });
}
