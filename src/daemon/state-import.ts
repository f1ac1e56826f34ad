/**
 * Takes what lies in the state ref into the database: merged by field with what is known here. A file that is missing
 * or unreadable there never takes anything away; it is written again from what is known.
 */
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/error.ts';
import type { EventBus, GodelEvent } from '../base/event.ts';
import type { Log } from '../base/log.ts';
import type { Project } from '../repos/schema.ts';
import { setStateOid, stateOid } from '../repos/store.ts';
import type { Database, Tx } from '../storage/database.ts';
import { appendEvent, appendOutbox, rewritePending } from '../storage/journal.ts';
import { forgetQuarantine, quarantine, quarantinedPaths } from '../storage/quarantine.ts';
import { adoptEdits } from '../storage/record/change.ts';
import { mergeRecords, sameRecord } from '../storage/record/merge.ts';
import { latestStamp, parseRecord, recordText, type StateRecord } from '../storage/record/record.ts';
import { loadRecord, type Replica, recordsAfter, saveRecord, saveStamp } from '../storage/records.ts';
import { pathHistory, readAll, readDiff, readPath, type StateFile } from '../storage/state-ref/read.ts';
import { applyRecord, assertUsable, rulesOf } from './record-kinds.ts';

export interface StateImportOptions {
  database: Database;
  bus: EventBus;
  clock: Clock;
  replica: Replica;
  log: Log;
}

export interface StateImport {
  /** Makes the database know everything that the commit holds; null when the ref does not exist. */
  importRef(project: Project, oid: string | null): Promise<void>;
  /** Merges files into the database, and queues for git what git does not have in that form. */
  takeFiles(project: Project, oid: string, files: readonly StateFile[], how: TakeOptions): Promise<void>;
}

export interface TakeOptions {
  /** Whether everybody is told of each change. */
  announce: boolean;
  /** Text that git has at a path of the commit that is built upon; the file's own by default. */
  inGit?: (file: StateFile) => string | null;
}

const BATCH = 1_000;

export function createStateImport(options: StateImportOptions): StateImport {
  const { database, bus, clock, replica, log } = options;

  /** The record of a file; an unreadable one is reported, and what stands in for it is found. */
  async function readable(tx: Tx, project: Project, oid: string, file: StateFile): Promise<StateRecord | undefined> {
    try {
      if (file.problem !== undefined) throw new Error(file.problem);
      const record = parseRecord(file.content ?? '');
      assertUsable(file.path, record.fields);
      return record;
    } catch (error) {
      const problem = messageOf(error);
      const known = await loadRecord(tx, project.id, file.path);
      const older = known ? undefined : await lastGood(project, file.path, oid);
      const replacedBy = known ? 'database' : (older?.commit ?? '');
      await quarantine(tx, { projectId: project.id, path: file.path, oid, problem, replacedBy, nowMs: clock.now() });
      log.error({ projectId: project.id, path: file.path, problem, replacedBy }, 'unreadable file in the state ref');
      return known ?? older?.record;
    }
  }

  /** The newest version of a file in history that can be read. */
  async function lastGood(project: Project, path: string, oid: string) {
    for (const commit of await pathHistory(project.gitDir, path, oid).catch(() => [])) {
      try {
        const record = parseRecord(await readPath(project.gitDir, commit, path));
        assertUsable(path, record.fields);
        return { commit, record };
      } catch {
        // An older version may be unreadable as well: the next one is tried.
      }
    }
    return undefined;
  }

  async function queue(tx: Tx, project: Project, path: string, content: string, why: string): Promise<void> {
    if ((await rewritePending(tx, project.id, path, content)) > 0) return;
    const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.json$/, '');
    await appendOutbox(tx, project.id, { path, content, subject: `${name}: ${why}` }, clock.now());
  }

  async function takeFile(tx: Tx, project: Project, oid: string, file: StateFile, how: TakeOptions) {
    const { path } = file;
    const ours = await loadRecord(tx, project.id, path);
    if (file.content === null && file.problem === undefined) {
      if (ours) await queue(tx, project, path, recordText(ours), 'restored');
      return undefined;
    }
    const theirs = await readable(tx, project, oid, file);
    if (!theirs) return undefined;
    const rules = rulesOf(path);
    const merged = ours ? mergeRecords(ours, adoptEdits(ours, theirs, rules, replica.stamp), rules) : theirs;
    replica.observe(latestStamp(merged));
    const content = recordText(merged);
    const inGit = how.inGit ? how.inGit(file) : file.content;
    if (content !== inGit) await queue(tx, project, path, content, inGit === null ? 'taken over' : 'merged');
    else await rewritePending(tx, project.id, path, content);
    if (ours && sameRecord(ours, merged)) return undefined;
    await saveRecord(tx, project.id, path, content);
    return applyRecord(tx, project.id, path, merged.fields);
  }

  async function takeFiles(project: Project, oid: string, files: readonly StateFile[], how: TakeOptions) {
    const events: GodelEvent[] = [];
    await database.transact(async (tx) => {
      const bad = await quarantinedPaths(tx, project.id);
      for (const file of files) {
        const told = await takeFile(tx, project, oid, file, how);
        if (told && how.announce) events.push(await appendEvent(tx, told, clock.now()));
        if (bad.has(file.path) && file.problem === undefined && told) await forgetQuarantine(tx, project.id, file.path);
      }
      await saveStamp(tx, replica);
    });
    bus.publish(events);
  }

  /** Writes again what the database knows and the commit does not have. */
  async function restoreMissing(project: Project, there: ReadonlySet<string>): Promise<number> {
    let restored = 0;
    for (let after = ''; ; ) {
      const batch = await recordsAfter(database.db, project.id, after, BATCH);
      const missing = batch.filter((record) => !there.has(record.path));
      await database.transact(async (tx) => {
        for (const { path, content } of missing) await queue(tx, project, path, content, 'restored');
      });
      restored += missing.length;
      if (batch.length < BATCH) return restored;
      after = batch.at(-1)?.path ?? '';
    }
  }

  async function importWhole(project: Project, oid: string): Promise<void> {
    const there = new Set<string>();
    await readAll(
      project.gitDir,
      oid,
      async (files) => {
        for (const file of files) there.add(file.path);
        await takeFiles(project, oid, files, { announce: false });
      },
      BATCH,
    );
    await restoreMissing(project, there);
  }

  return {
    takeFiles,
    async importRef(project, oid) {
      const known = await stateOid(database.db, project.id);
      if (known === oid) return;
      if (oid === null) {
        const restored = await restoreMissing(project, new Set());
        if (restored > 0) log.warn({ projectId: project.id, restored }, 'state ref was gone; written again');
      } else {
        const files = known === null ? undefined : await readDiff(project.gitDir, known, oid).catch(() => undefined);
        if (files) await takeFiles(project, oid, files, { announce: true });
        else await importWhole(project, oid);
        log.info({ projectId: project.id, oid, whole: files === undefined }, 'state ref read');
      }
      await database.transact((tx) => setStateOid(tx, project.id, oid));
    },
  };
}
