/**
 * Snapshots of uncommitted work, every `snapshot_seconds` while something happens. A worktree is
 * looked at only when its agent printed or asked something since the last look, so rest costs nothing.
 */
import { stat } from 'node:fs/promises';
import type { Agent } from '../agents/schema.ts';
import { messageOf } from '../base/error.ts';
import type { Log } from '../base/log.ts';

export interface SnapshotLoopOptions {
  agents: () => Promise<Agent[]>;
  logFileOf: (agentId: string) => string;
  intervalSeconds: (agent: Agent) => Promise<number>;
  take: (agent: Agent) => Promise<void>;
  now: () => number;
  log: Log;
}

export interface SnapshotLoop {
  /** Marks an agent as active, for signs of life that are not on its terminal. */
  touch(agentId: string): void;
  stop(): Promise<void>;
}

const TICK_MS = 5_000;

interface Seen {
  logMtimeMs: number;
  takenMs: number;
  touched: boolean;
}

export function startSnapshotLoop(options: SnapshotLoopOptions): SnapshotLoop {
  const seen = new Map<string, Seen>();
  let running: Promise<void> = Promise.resolve();

  async function visit(agent: Agent): Promise<void> {
    const known = seen.get(agent.id) ?? { logMtimeMs: 0, takenMs: options.now(), touched: true };
    seen.set(agent.id, known);
    const due = (await options.intervalSeconds(agent)) * 1000 <= options.now() - known.takenMs;
    if (!due) return;
    const mtime = (await stat(options.logFileOf(agent.id)).catch(() => undefined))?.mtimeMs ?? 0;
    if (mtime === known.logMtimeMs && !known.touched) return;
    // Noted before the snapshot, so that what is written meanwhile is seen the next time.
    Object.assign(known, { logMtimeMs: mtime, takenMs: options.now(), touched: false });
    await options.take(agent);
  }

  async function tick(): Promise<void> {
    const agents = (await options.agents()).filter(
      (agent) => agent.beadId !== undefined && agent.worktree !== undefined,
    );
    for (const id of seen.keys()) if (!agents.some((agent) => agent.id === id)) seen.delete(id);
    for (const agent of agents) {
      await visit(agent).catch((error: unknown) =>
        options.log.error({ agentId: agent.id, problem: messageOf(error) }, 'snapshot failed'),
      );
    }
  }

  const timer = setInterval(() => {
    running = running
      .then(tick)
      .catch((error: unknown) => options.log.error({ problem: messageOf(error) }, 'snapshot round failed'));
  }, TICK_MS);

  return {
    touch(agentId) {
      const known = seen.get(agentId);
      if (known) known.touched = true;
    },
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
