/**
 * Keeps the database and refs/godel/state of every project equal: clears what a killed daemon
 * left, takes in what others wrote to the ref, replays the outbox, and flushes new changes.
 */
import { GodelError, messageOf } from '../base/error.ts';
import type { Finding } from '../doctor/schema.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import { markFlushed, pendingOutbox } from '../storage/journal.ts';
import { ensureFormat, loadRecord, recordsAfter } from '../storage/records.ts';
import { createFlusher, type Flusher, type PendingChange } from '../storage/state-ref/flusher.ts';
import { FORMAT_PATH } from '../storage/state-ref/layout.ts';
import { readRef } from '../storage/state-ref/read.ts';
import type { Quiet } from '../storage/state-ref/repack.ts';
import { clearStaleLocks } from '../storage/state-ref/start-up.ts';
import { createUpkeep, type Upkeep } from '../storage/state-ref/upkeep.ts';
import { type RefWatch, watchStateRef } from '../storage/state-ref/watch.ts';
import { createWritableCheck } from '../storage/state-ref/writable.ts';
import { checkState } from './state-check.ts';
import { createStateImport, type StateImport } from './state-import.ts';
import { type MergeReport, type MergeRequest, mergeState } from './state-merge.ts';
import type { StateTakeOptions } from './state-take.ts';

export interface StateSync {
  /** Makes a project's database rows and its ref equal, and starts flushing. Idempotent. */
  attach(project: Project): Promise<void>;
  /** Resolves when the outbox row is in git. */
  flushed(projectId: string, outboxId: number): Promise<void>;
  /** Merges the state of another clone. @throws GodelError sync-unrelated, clock-skew */
  merge(request: MergeRequest): Promise<MergeReport>;
  /** Writes what waits; the commit of the ref afterwards. */
  settle(projectId: string): Promise<string | null>;
  /** @throws GodelError disk-full, repository-read-only when git could not take a change now */
  assertWritable(projectId: string): Promise<void>;
  /** Compares database and ref, and mends what differs. */
  examine(project: Project, repair: boolean): Promise<Omit<Finding, 'project'>[]>;
  /** While a group is being written, what ends with it. */
  writing(): Promise<unknown> | undefined;
  /** Oldest unflushed change of any project, for health. */
  backlog(): { rows: number; oldestMs: number };
  stop(): Promise<void>;
}

interface Attached {
  flusher: Flusher;
  watch: RefWatch;
  upkeep: Upkeep;
}

export function createStateSync(options: StateTakeOptions): StateSync {
  const { database, log, replica } = options;
  const attached = new Map<string, Promise<Attached>>();
  const running = new Map<string, Attached>();
  /** Asked inside of transactions, so it never waits for a project to be attached: that needs transactions itself. */
  const writable = new Map<string, () => Promise<void>>();
  const importer: StateImport = createStateImport(options);
  /** Projects whose record a newer Godel has taken over: nothing more is written to them. */
  const newer = new Map<string, unknown>();

  async function takeIn(project: Project, oid: string | null): Promise<void> {
    try {
      await importer.importRef(project, oid);
      newer.delete(project.id);
    } catch (error) {
      if (error instanceof GodelError && error.reason === 'record-newer') newer.set(project.id, error);
      throw error;
    }
  }

  /** What was begun before there was a version says one from now on. */
  async function sayFormat(project: Project): Promise<void> {
    const [begun] = await recordsAfter(database.db, project.id, '', 1);
    if (!begun || (await loadRecord(database.db, project.id, FORMAT_PATH))) return;
    await database.transact((tx) => ensureFormat(tx, project.id, options.clock.now()));
  }

  const trailers = (changes: readonly PendingChange[]): string =>
    [...(changes.length > 0 ? [`Godel-Seq: ${changes.at(-1)?.id}`] : []), `Godel-Replica: ${replica.id}`].join('\n');

  async function start(project: Project): Promise<Attached> {
    const removed = await clearStaleLocks(project.gitDir);
    if (removed.length > 0) log.warn({ projectId: project.id, removed }, 'stale files of a killed writer removed');
    await takeIn(project, await readRef(project.gitDir));
    await sayFormat(project);
    const flusher = createFlusher({
      gitDir: project.gitDir,
      clock: options.clock,
      loadPending: (after, limit) => pendingOutbox(database.db, project.id, limit, after),
      async markFlushed({ upToId, oid }) {
        await database.transact((tx) => markFlushed(tx, project.id, upToId, oid), { lazy: true });
        upkeep.changed();
      },
      onMoved: (oid) => takeIn(project, oid),
      onError: (error) => log.error({ projectId: project.id, problem: messageOf(error) }, 'git refused a change'),
      trailers,
    });
    const quiet: Quiet = (work) => flusher.merge((turn) => turn.release().then(work));
    const upkeep = createUpkeep(project.gitDir, quiet, (error) =>
      log.warn({ projectId: project.id, problem: messageOf(error) }, 'packs not rolled up'),
    );
    const watch = watchStateRef(project.gitDir, () => {
      flusher
        .reread()
        .catch((error: unknown) => log.error({ projectId: project.id, problem: messageOf(error) }, 'ref not read'));
    });
    const parts = { flusher, watch, upkeep };
    running.set(project.id, parts);
    await flusher.flush();
    return parts;
  }

  async function partsOf(projectId: string): Promise<Attached> {
    const parts = running.get(projectId) ?? (await attached.get(projectId));
    if (!parts) throw new Error(`project ${projectId} is not attached`);
    return parts;
  }

  return {
    async attach(project) {
      if (!writable.has(project.id)) writable.set(project.id, createWritableCheck(project.gitDir));
      const known = attached.get(project.id) ?? start(project);
      attached.set(project.id, known);
      await known.catch((error: unknown) => {
        attached.delete(project.id);
        writable.delete(project.id);
        throw error;
      });
    },
    async merge(request) {
      const parts = await attached.get(request.project.id);
      if (!parts) throw new Error(`project ${request.project.id} is not attached`);
      return parts.flusher.merge((turn) => mergeState(turn, request, { importer, replica, clock: options.clock }));
    },
    async settle(projectId) {
      const parts = await attached.get(projectId);
      if (!parts) throw new Error(`project ${projectId} is not attached`);
      return parts.flusher.merge(async (turn) => {
        await turn.commit();
        return turn.head();
      });
    },
    async examine(project, repair) {
      const parts = await attached.get(project.id);
      if (!parts) throw new Error('the repository cannot be used now');
      const found = await parts.flusher.merge((turn) => checkState(turn, project, repair, { database, importer }));
      return found;
    },
    async flushed(projectId, outboxId) {
      const { flusher } = await partsOf(projectId);
      await flusher.whenFlushed(outboxId).catch((error: unknown) => {
        throw failure('record-delayed', { problem: messageOf(error) }, error);
      });
    },
    async assertWritable(projectId) {
      const check = writable.get(projectId);
      if (!check) throw new Error(`project ${projectId} is not attached`);
      if (newer.has(projectId)) throw newer.get(projectId);
      await check();
    },
    writing() {
      for (const { flusher } of running.values()) {
        const current = flusher.writing();
        if (current) return current;
      }
      return undefined;
    },
    backlog() {
      const all = [...running.values()].map(({ flusher }) => flusher.backlog());
      return {
        rows: all.reduce((sum, each) => sum + each.rows, 0),
        oldestMs: Math.max(0, ...all.map((each) => each.oldestMs)),
      };
    },
    async stop() {
      for (const { watch } of running.values()) watch.close();
      await Promise.all([...running.values()].map(({ flusher }) => flusher.stop()));
      await Promise.all([...running.values()].map(({ upkeep }) => upkeep.stop()));
    },
  };
}
