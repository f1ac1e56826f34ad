/** Gives up the oldest automatic checkpoints, those of all agents of a project together: one process and one transaction. */
import { messageOf } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import { putNewest } from '../base/newest.ts';
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
/** Sessions of which it is kept how many they have. */
const MOST_COUNTED = 500;

export function createPruning({ db, keep, remove, log }: PruningOptions): Pruning {
  /** Sessions that have more of them, and how many. */
  const due = new Map<string, { sessions: Map<string, number>; timer: NodeJS.Timeout }>();
  /** How many a session may have still, as it was counted last. */
  const room = new Map<string, { most: number; left: number }>();

  /** True when a session that has `more` of them cannot have too many: nothing needs to be counted. */
  function hasRoom(session: string, more: number, most: number): boolean {
    const known = room.get(session);
    if (known?.most !== most || known.left < more) return false;
    known.left -= more;
    return true;
  }

  async function excess(projectId: string, sessions: Iterable<[string, number]>): Promise<Checkpoint[]> {
    const most = await keep(projectId);
    const found: Checkpoint[] = [];
    for (const [session, more] of sessions) {
      if (hasRoom(session, more, most)) continue;
      const count = await checkpointCount(db, session);
      putNewest(room, session, { most, left: most - count }, MOST_COUNTED);
      if (count <= most) continue;
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
      if (known) return void known.sessions.set(sessionId, (known.sessions.get(sessionId) ?? 0) + 1);
      const run = () =>
        prune(projectId).catch((error: unknown) =>
          log.warn({ projectId, problem: messageOf(error) }, 'old checkpoints are left'),
        );
      due.set(projectId, { sessions: new Map([[sessionId, 1]]), timer: setTimeout(() => void run(), GATHER_MS) });
    },
    stop() {
      // What is left is given up with the next one.
      for (const { timer } of due.values()) clearTimeout(timer);
      due.clear();
    },
  };
}
