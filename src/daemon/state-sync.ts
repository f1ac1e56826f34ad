/**
 * Keeps the database and refs/godel/state of every project equal: clears what a killed daemon
 * left, takes in what others wrote to the ref, replays the outbox, and flushes new changes.
 */
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/error.ts';
import type { EventBus } from '../base/event.ts';
import type { Log } from '../base/log.ts';
import { allBeads, beadFile, beadFromFile, deleteBead, replaceBead } from '../beads/store.ts';
import { allConvoys, convoyFile, convoyFromFile, deleteConvoy, replaceConvoy } from '../convoys/store.ts';
import type { Project } from '../repos/schema.ts';
import { setStateOid, stateOid } from '../repos/store.ts';
import type { Database, Tx } from '../storage/database.ts';
import { appendEvent, appendOutbox, markFlushed, pendingOutbox } from '../storage/journal.ts';
import { createFlusher, type Flusher } from '../storage/state-ref/flusher.ts';
import { parsePath } from '../storage/state-ref/layout.ts';
import { pathHistory, readAll, readDiff, readPath, readRef, type StateFile } from '../storage/state-ref/read.ts';
import { clearStaleLocks } from '../storage/state-ref/start-up.ts';

export interface StateSyncOptions {
  database: Database;
  bus: EventBus;
  clock: Clock;
  log: Log;
}

export interface StateSync {
  /** Makes a project's database rows and its ref equal, and starts flushing. Idempotent. */
  attach(project: Project): Promise<void>;
  /** Resolves when the outbox row is in git. */
  flushed(projectId: string, outboxId: number): Promise<void>;
  /** Oldest unflushed change of any project, for health. */
  backlog(): { rows: number; oldestMs: number };
  stop(): Promise<void>;
}

const BATCH = 1_000;

export function createStateSync(options: StateSyncOptions): StateSync {
  const { database, log } = options;
  const attached = new Map<string, Promise<Flusher>>();
  const running = new Map<string, Flusher>();

  async function start(project: Project): Promise<Flusher> {
    await clearStaleLocks(project.gitDir);
    await importRef(project, await readRef(project.gitDir));
    const flusher = createFlusher({
      gitDir: project.gitDir,
      clock: options.clock,
      loadPending: () => pendingOutbox(database.db, project.id, BATCH),
      markFlushed: ({ upToId, oid }) => database.transact((tx) => markFlushed(tx, project.id, upToId, oid)),
      onMoved: (oid) => importRef(project, oid),
      onError: (error) => log.error({ projectId: project.id, problem: messageOf(error) }, 'git refused a change'),
    });
    running.set(project.id, flusher);
    await flusher.flush();
    return flusher;
  }

  /** Takes the ref's content into the database; what is still in the outbox is newer and stays. */
  async function importRef(project: Project, oid: string | null): Promise<void> {
    const known = await stateOid(database.db, project.id);
    if (known === oid) return;
    if (oid === null) return restoreRef(project);
    const files = known === null ? undefined : await readDiff(project.gitDir, known, oid).catch(() => undefined);
    const pending = new Set((await pendingOutbox(database.db, project.id, 1_000_000)).map((row) => row.path));
    const take = (batch: StateFile[]) =>
      importBatch(
        project,
        oid,
        batch.filter((file) => !pending.has(file.path)),
        files !== undefined,
      );
    if (files) await take(files);
    else await readAll(project.gitDir, oid, take, BATCH);
    await database.transact((tx) => setStateOid(tx, project.id, oid));
    log.info({ projectId: project.id, oid, whole: files === undefined }, 'state ref read');
  }

  /** The ref was deleted (for example by `push --mirror`): everything is written again. */
  async function restoreRef(project: Project): Promise<void> {
    const beads = await allBeads(database.db, project.id);
    const convoys = await allConvoys(database.db, project.id);
    const now = options.clock.now();
    await database.transact(async (tx) => {
      await setStateOid(tx, project.id, null);
      for (const bead of beads) await appendOutbox(tx, project.id, beadFile(bead, `${bead.id}: restored`), now);
      for (const convoy of convoys) await appendOutbox(tx, project.id, convoyFile(convoy, 'restored'), now);
    });
    if (beads.length > 0) log.warn({ projectId: project.id, beads: beads.length }, 'state ref was gone; written again');
  }

  async function importBatch(project: Project, oid: string, files: StateFile[], announce: boolean): Promise<void> {
    const events = await database.transact(async (tx) => {
      const drafts = [];
      for (const file of files) {
        const payload = await importFile(tx, project, oid, file);
        if (announce && payload)
          drafts.push(await appendEvent(tx, { ...payload, component: 'sync' }, options.clock.now()));
      }
      return drafts;
    });
    options.bus.publish(events);
  }

  async function importFile(tx: Tx, project: Project, oid: string, file: StateFile) {
    const { kind, id } = parsePath(file.path);
    const metadata = { projectId: project.id, ...(kind === 'bead' ? { beadId: id } : {}) };
    if (kind === 'bead') {
      if (file.content === null) {
        await deleteBead(tx, project.id, id);
        return { type: 'bead:deleted', payload: { id }, metadata };
      }
      const bead = await parsed(project, oid, file, (text) => beadFromFile(project.id, text));
      return bead && { type: 'bead:updated', payload: { bead: await replaceBead(tx, bead) }, metadata };
    }
    if (kind !== 'convoy') return undefined;
    if (file.content === null) await deleteConvoy(tx, project.id, id);
    else {
      const convoy = await parsed(project, oid, file, (text) => convoyFromFile(project.id, text));
      if (convoy) await replaceConvoy(tx, convoy);
      return convoy && { type: 'convoy:updated', payload: { convoy }, metadata };
    }
    return undefined;
  }

  /** Reads a file; an unreadable one is reported and its last good version is taken from history. */
  async function parsed<T>(
    project: Project,
    oid: string,
    file: StateFile,
    parse: (text: string) => T,
  ): Promise<T | undefined> {
    try {
      return parse(file.content ?? '');
    } catch (error) {
      log.error(
        { projectId: project.id, path: file.path, problem: messageOf(error) },
        'unreadable file in the state ref',
      );
    }
    for (const commit of await pathHistory(project.gitDir, file.path, oid)) {
      const text = await readPath(project.gitDir, commit, file.path).catch(() => null);
      try {
        if (text !== null) return parse(text);
      } catch {
        // An older version may be unreadable as well: the next one is tried.
      }
    }
    return undefined;
  }

  return {
    async attach(project) {
      const known = attached.get(project.id) ?? start(project);
      attached.set(project.id, known);
      await known.catch((error: unknown) => {
        attached.delete(project.id);
        throw error;
      });
    },
    async flushed(projectId, outboxId) {
      const flusher = running.get(projectId) ?? (await attached.get(projectId));
      if (!flusher) throw new Error(`project ${projectId} is not attached`);
      await flusher.whenFlushed(outboxId);
    },
    backlog() {
      const all = [...running.values()].map((flusher) => flusher.backlog());
      return {
        rows: all.reduce((sum, each) => sum + each.rows, 0),
        oldestMs: Math.max(0, ...all.map((each) => each.oldestMs)),
      };
    },
    async stop() {
      await Promise.all([...running.values()].map((flusher) => flusher.stop()));
    },
  };
}
