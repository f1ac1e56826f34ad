/** Memory of agents: measured per runtime, admission of new ones in order of asking, a cap for each. */
import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { needMb, waitReason } from '../agents/admission.ts';
import { changeAgent, loadAgent } from '../agents/changes.ts';
import type { Runner } from '../agents/runner.ts';
import type { Agent } from '../agents/schema.ts';
import { isLive } from '../agents/state.ts';
import { findAgent, liveAgents } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import { failure } from '../errors.ts';
import type { Core } from './core.ts';

export interface Memory {
  /** Resolves when the agent fits. @throws GodelError agent-not-live when it was stopped while it waited */
  admit(agent: Agent): Promise<void>;
  /** Measures what each agent uses with all that it started. */
  measure(): Promise<ReadonlyMap<string, AgentUsage>>;
  stop(): void;
}

export interface AgentUsage {
  mb: number;
  /** Processes and their threads. */
  processes: number;
}

interface Waiting {
  agent: Agent;
  resolve: () => void;
  reject: (error: unknown) => void;
  said?: string;
}

const MB = 1024 * 1024;
/** A started agent is counted with what it will need until its own use can be seen (ms). */
const PENDING_MS = 15_000;
const LOOK_MS = 500;

/** Memory the system can give without swapping. */
export async function availableMb(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const kb = /^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1];
  return kb === undefined ? freemem() / MB : Number(kb) / 1024;
}

export function createMemory({ core, runner }: { core: Core; runner: Pick<Runner, 'usage'> }): Memory {
  const { database, units, clock, log } = core;
  /** Most that an agent of a runtime was seen to use. */
  const peaks = new Map<string, number>();
  const pending = new Map<string, { mb: number; untilMs: number }>();
  const waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;
  let looking = false;

  async function usedBy(agents: readonly Agent[]): Promise<Map<string, AgentUsage>> {
    const roots = agents.flatMap((agent) => (agent.pid === undefined ? [] : [agent.pid]));
    const usage = await runner.usage(roots);
    return new Map(
      agents.map((agent) => {
        const { bytes, processes } = usage.get(agent.pid ?? -1) ?? { bytes: 0, processes: 0 };
        return [agent.id, { mb: bytes / MB, processes }];
      }),
    );
  }

  function pendingMb(agents: readonly Agent[]): number {
    const live = new Set(agents.map((agent) => agent.id));
    for (const [id, each] of pending) if (each.untilMs < clock.now() || !live.has(id)) pending.delete(id);
    return [...pending.values()].reduce((sum, each) => sum + each.mb, 0);
  }

  async function say(entry: Waiting, reason: string): Promise<void> {
    if (entry.said === reason) return;
    entry.said = reason;
    await units.run(async (unit) => {
      const known = await loadAgent(unit, entry.agent.id);
      const observed = { ...known.observed, detail: reason, at: unit.now };
      if (isLive(known.lifecycle)) await changeAgent(unit, known, { observed }, 'agent:state');
    });
  }

  /** The first in line, or undefined when it has to go on waiting. */
  async function first(entry: Waiting): Promise<boolean> {
    const agent = await findAgent(database.db, entry.agent.id);
    if (!agent || !isLive(agent.lifecycle)) {
      entry.reject(failure('agent-not-live', { name: entry.agent.name, state: agent?.lifecycle ?? 'gone' }));
      return true;
    }
    const { config } = await core.config.daemon();
    const agents = await liveAgents(database.db);
    const promised = pendingMb(agents);
    const used = await usedBy(agents.filter((each) => !pending.has(each.id)));
    const need = needMb(agent.runtime, peaks.get(agent.runtime));
    const reason = waitReason({
      needMb: need,
      availableMb: await availableMb(),
      reserveMb: config.memory_reserve_mb,
      limitMb: config.memory_limit_mb,
      usedMb: [...used.values()].reduce((sum, { mb }) => sum + mb, 0),
      pendingMb: promised,
    });
    if (reason !== undefined) {
      await say(entry, reason);
      return false;
    }
    pending.set(agent.id, { mb: need, untilMs: clock.now() + PENDING_MS });
    entry.resolve();
    return true;
  }

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      while (waiting[0] && (await first(waiting[0]))) waiting.shift();
    } catch (error) {
      waiting.shift()?.reject(error);
    } finally {
      looking = false;
    }
    if (waiting.length === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  }

  return {
    admit: (agent) =>
      new Promise((resolve, reject) => {
        waiting.push({ agent, resolve, reject });
        timer ??= setInterval(() => void look(), LOOK_MS);
        void look();
      }),
    async measure() {
      const agents = await liveAgents(database.db);
      const used = await usedBy(agents).catch((error: unknown) => {
        log.debug({ problem: messageOf(error) }, 'memory not measured');
        return new Map<string, AgentUsage>();
      });
      for (const agent of agents)
        peaks.set(agent.runtime, Math.max(peaks.get(agent.runtime) ?? 0, used.get(agent.id)?.mb ?? 0));
      for (const [runtime, mb] of peaks) if (mb === 0) peaks.delete(runtime);
      return used;
    },
    stop() {
      clearInterval(timer);
      for (const entry of waiting.splice(0)) entry.reject(new Error('the daemon stops'));
    },
  };
}
