/** The merge queues of all projects, and waiting for what becomes of an entry. */
import { messageOf } from '../base/error.ts';
import type { Project } from '../repos/schema.ts';
import { changeQueue, moveEntry } from './changes.ts';
import type { MergeParts } from './parts.ts';
import { markPaused } from './pins.ts';
import type { Entry, Queue } from './schema.ts';
import { releaseEntry } from './settle.ts';
import { isSetAside } from './state.ts';
import { findEntry, loadQueue, openEntries, unreleasedEntries } from './store.ts';
import { commitOf } from './trial.ts';
import { beginQueue, createWorker, type Worker } from './worker.ts';

export interface MergeQueue {
  /** Takes up the queue of a project; a second call changes nothing. */
  attach(project: Project): Promise<void>;
  wake(project: Project): void;
  /** Main moved, by us or by somebody else. */
  mainMoved(project: Project): Promise<void>;
  /** Runs `work` while no round of the project runs. */
  exclusive<T>(project: Project, work: () => Promise<T>): Promise<T>;
  pause(project: Project, by: string): Promise<Queue>;
  resume(project: Project): Promise<Queue>;
  /** Resolves when an entry is over, or does not move, or after `ms`. */
  settled(entryId: string, ms: number, signal: AbortSignal): Promise<Entry>;
  /** Lets go of what an entry that is over still holds. */
  release(project: Project, entry: Entry): void;
  stop(): Promise<void>;
}

export function createMergeQueue(parts: MergeParts): MergeQueue {
  const { database, units, log } = parts;
  const workers = new Map<string, Worker>();
  const attaching = new Map<string, Promise<void>>();
  const listeners = new Set<() => void>();
  const releases = new Map<string, Promise<void>>();

  const changed = () => {
    for (const listener of [...listeners]) listener();
  };

  function release(project: Project, entry: Entry): void {
    const work = releaseEntry(parts, project, entry)
      .then(() => undefined)
      .catch((error: unknown) => log.error({ beadId: entry.beadId, problem: messageOf(error) }, 'not released'))
      .finally(() => {
        releases.delete(entry.id);
        changed();
      });
    releases.set(entry.id, work);
  }

  function workerOf(project: Project): Worker {
    const known = workers.get(project.id);
    if (known) return known;
    const fresh = createWorker({ parts, project, changed, landed: (entry) => release(project, entry) });
    workers.set(project.id, fresh);
    return fresh;
  }

  async function start(project: Project): Promise<void> {
    await beginQueue(parts, project, (entry) => release(project, entry));
    for (const entry of await unreleasedEntries(database.db, project.id)) {
      if (!releases.has(entry.id)) release(project, entry);
    }
    workerOf(project).wake();
  }

  /** True when nothing more will become of an entry by itself. */
  async function isSettled(entry: Entry): Promise<boolean> {
    if (entry.status === 'landed') return entry.released || !releases.has(entry.id);
    if (entry.status === 'removed' || entry.status === 'held' || isSetAside(entry.status)) return true;
    if (entry.waitsFor.length > 0) return true;
    const queue = await loadQueue(database.db, entry.projectId);
    return queue.paused || queue.hold !== undefined;
  }

  async function settled(entryId: string, ms: number, signal: AbortSignal): Promise<Entry> {
    const deadline = Date.now() + ms;
    for (;;) {
      const heard = nextChange(Math.max(0, deadline - Date.now()), signal);
      const entry = await findEntry(database.db, entryId);
      if (!entry) throw new Error(`queue entry ${entryId} is gone`);
      if (signal.aborted || Date.now() >= deadline || (await isSettled(entry))) {
        heard.cancel();
        return entry;
      }
      await heard.promise;
    }
  }

  /** Resolves at the next change, after `ms`, or when the caller goes away. */
  function nextChange(ms: number, signal: AbortSignal): { promise: Promise<void>; cancel: () => void } {
    let cancel = () => {};
    const promise = new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        listeners.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      listeners.add(done);
      signal.addEventListener('abort', done, { once: true });
      cancel = done;
    });
    return { promise, cancel };
  }

  /** The worker of a project, after all that was left behind has been mended. */
  async function attached(project: Project): Promise<Worker> {
    const known = attaching.get(project.id) ?? start(project);
    attaching.set(project.id, known);
    await known.catch((error: unknown) => {
      attaching.delete(project.id);
      throw error;
    });
    return workerOf(project);
  }

  const exclusive: MergeQueue['exclusive'] = async (project, work) => (await attached(project)).exclusive(work);

  return {
    attach: async (project) => void (await attached(project)),
    wake: (project) => workers.get(project.id)?.wake(),
    mainMoved: async (project) => workers.get(project.id)?.mainMoved(),
    exclusive,
    pause: (project, by) =>
      exclusive(project, async () => {
        const { gitDir, mainBranch } = project;
        const tip = await commitOf(gitDir, `refs/heads/${mainBranch}`);
        if (tip !== undefined) await markPaused(gitDir, tip, by, parts.clock.now());
        return units.run((unit) =>
          changeQueue(unit, project.id, (queue) => ({ ...queue, paused: true, pausedBy: by })),
        );
      }),
    resume: (project) =>
      exclusive(project, async () => {
        await markPaused(project.gitDir, '', undefined, parts.clock.now());
        return units.run(async (unit) => {
          for (const entry of await openEntries(unit.tx, project.id))
            if (entry.status === 'held')
              await moveEntry(unit, entry.id, 'requeue', 'the queue was resumed', { intent: undefined });
          return changeQueue(unit, project.id, ({ pausedBy: _by, hold: _hold, ...queue }) => ({
            ...queue,
            paused: false,
          }));
        });
      }),
    settled,
    release,
    async stop() {
      await Promise.all([...workers.values()].map((worker) => worker.stop()));
      await Promise.all(releases.values());
    },
  };
}
