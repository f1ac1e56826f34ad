/** Gives up the oldest automatic checkpoints, those of all agents of a project together: one process and one transaction. */
import { messageOf } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import type { Reader } from '../storage/database.ts';
import { checkpointCount, checkpointsOf } from './checkpoint-store.ts';
import type { Checkpoint } from './schema.ts';

export interface Pruning {
  /** A session has one more. */
  grown(projectId: string, sessionId: string): void;
  stop(): void;
}

export interface PruningOptions {
  db: Reader;
  /** Automatic checkpoints of a session that are kept. */
  keep: (projectId: string) => Promise<number>;
  remove: (projectId: string, checkpoints: readonly Checkpoint[]) => Promise<void>;
  log: Log;
}

/** Sessions are gathered for so long (ms). */
const GATHER_MS = 1_000;

export function createPruning({ db, keep, remove, log }: PruningOptions): Pruning {
  const due = new Map<string, { sessions: Set<string>; timer: NodeJS.Timeout }>();

  async function excess(projectId: string, sessions: Iterable<string>): Promise<Checkpoint[]> {
    const most = await keep(projectId);
    const found: Checkpoint[] = [];
    for (const session of sessions) {
      if ((await checkpointCount(db, session)) <= most) continue;
      const automatic = (await checkpointsOf(db, session)).filter((each) => !each.kept);
      found.push(...automatic.slice(0, Math.max(0, automatic.length - most)));
    }
    return found;
  }

  async function prune(projectId: string): Promise<void> {
    const sessions = due.get(projectId)?.sessions ?? [];
    due.delete(projectId);
    const old = await excess(projectId, sessions);
    if (old.length > 0) await remove(projectId, old);
  }

  return {
    grown(projectId, sessionId) {
      const known = due.get(projectId);
      if (known) return void known.sessions.add(sessionId);
      const run = () =>
        prune(projectId).catch((error: unknown) =>
          log.warn({ projectId, problem: messageOf(error) }, 'old checkpoints are left'),
        );
      due.set(projectId, { sessions: new Set([sessionId]), timer: setTimeout(() => void run(), GATHER_MS) });
    },
    stop() {
      // What is left is given up with the next one.
      for (const { timer } of due.values()) clearTimeout(timer);
      due.clear();
    },
  };
}
