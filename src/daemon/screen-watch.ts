/** Reads the screens of agents that offer nothing better, and only when something was printed. */
import { stat } from 'node:fs/promises';
import type { Agent } from '../agents/schema.ts';
import { handleOf } from '../agents/service.ts';
import { liveAgents } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Core } from './core.ts';

const TICK_MS = 1_000;
/** Without output for this long (ms) and without a sign on its screen, nothing is known about a program. */
const QUIET_MS = 10_000;

export function startScreenWatch({ core, parts }: { core: Core; parts: AgentParts }): { stop(): Promise<void> } {
  const seen = new Map<string, { mtimeMs: number; settled: boolean }>();
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  async function look(agent: Agent): Promise<void> {
    const runtime = parts.runtimes.get(agent.runtime);
    if (!runtime.readScreen || !['executing', 'waiting'].includes(agent.lifecycle)) return;
    const mtimeMs = (await stat(parts.launcher.logFileOf(agent.id)).catch(() => undefined))?.mtimeMs ?? 0;
    const known = seen.get(agent.id);
    const now = core.clock.now();
    if (known?.mtimeMs === mtimeMs && known.settled) return parts.observation.confirm(agent.id, now);
    const quiet = now - mtimeMs > TICK_MS;
    const verdict = quiet ? runtime.readScreen(await parts.runner.screen(handleOf(agent))) : { state: 'busy' as const };
    seen.set(agent.id, { mtimeMs, settled: verdict !== undefined && quiet });
    if (verdict) await parts.observation.report(agent.id, { ...verdict, source: 'screen', atMs: now });
    else if (now - mtimeMs > QUIET_MS) {
      seen.set(agent.id, { mtimeMs, settled: true });
      await parts.observation.report(agent.id, { state: 'unknown', source: 'process', atMs: now });
    }
  }

  async function tick(): Promise<void> {
    for (const agent of await liveAgents(core.database.db)) {
      if (stopped) return;
      await look(agent).catch((error: unknown) =>
        core.log.debug({ agentId: agent.id, problem: messageOf(error) }, 'screen not read'),
      );
    }
  }

  const timer = setInterval(() => {
    running = running
      .then(tick)
      .catch((error: unknown) => core.log.warn({ problem: messageOf(error) }, 'screens not read'));
  }, TICK_MS);

  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
