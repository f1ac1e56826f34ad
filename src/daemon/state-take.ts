/** Merging files of another writer into the database: by field, with clashes, conflicts and circles told of. */
import { createBreath } from '../base/breath.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/error.ts';
import type { EventBus, GodelEvent } from '../base/event.ts';
import type { Log } from '../base/log.ts';
import type { Project } from '../repos/schema.ts';
import type { Database, Tx } from '../storage/database.ts';
import { appendEvent, appendOutbox, pendingPaths, rewritePending } from '../storage/journal.ts';
import { forgetQuarantine, quarantine, quarantinedPaths } from '../storage/quarantine.ts';
import { adoptEdits } from '../storage/record/change.ts';
import { conflictRecord } from '../storage/record/conflict.ts';
import { findConflicts, mergeRecords } from '../storage/record/merge.ts';
import { latestStamp, parseRecord, recordText, type StateRecord } from '../storage/record/record.ts';
import {
  createKnownRecords,
  type KnownRecords,
  loadRecord,
  type Replica,
  saveRecord,
  saveStamp,
} from '../storage/records.ts';
import { conflictPath, parsePath } from '../storage/state-ref/layout.ts';
import { pathHistory, readPath, type StateFile } from '../storage/state-ref/read.ts';
import { circularConflicts } from './dependency-circles.ts';
import { type Incoming, type MovedId, settleClashes } from './id-clash.ts';
import { applyRecord, assertUsable, rulesOf } from './record-kinds.ts';

export interface StateTakeOptions {
  database: Database;
  bus: EventBus;
  clock: Clock;
  replica: Replica;
  log: Log;
  /** Told when a project was rebuilt, whose texts the search does not know yet. */
  rebuilt: () => void;
}

export interface TakeOptions {
  /** Whether everybody is told of each change. */
  announce: boolean;
  /** `theirs`: the ref holds the files as they are; `ours`: it holds what was known here, and they come on top. */
  inGit: 'theirs' | 'ours';
  /** What both sides had before, for paths that both changed since; without it conflicts are not looked for. */
  before?: (path: string) => { record: StateRecord | undefined } | undefined;
}

export interface Taken {
  changed: number;
  conflicts: number;
  moved: MovedId[];
}

export type TakeFiles = (
  project: Project,
  oid: string,
  files: readonly StateFile[],
  how: TakeOptions,
) => Promise<Taken>;

export function createTakeFiles(options: StateTakeOptions): TakeFiles {
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

  async function queue(tx: Tx, round: Round, path: string, content: string, why: string): Promise<void> {
    const { project, pending } = round;
    // Looked for among all that waits, which a large merge makes long.
    if (pending.has(path) && (await rewritePending(tx, project.id, path, content)) > 0) return;
    pending.add(path);
    const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.json$/, '');
    await appendOutbox(tx, project.id, { path, content, subject: `${name}: ${why}` }, clock.now());
  }

  /** Keeps a conflict unless it is known already; the event that tells of it. */
  async function keepConflict(tx: Tx, round: Round, record: StateRecord): Promise<GodelEvent[]> {
    const { project } = round;
    const about = String(record.fields.about);
    const path = conflictPath(about, String(record.fields.id));
    if (await loadRecord(tx, project.id, path)) return [];
    const content = recordText(record);
    await saveRecord(tx, project.id, path, content);
    await queue(tx, round, path, content, `conflict in ${String(record.fields.field)} of ${about}`);
    const told = await applyRecord(tx, project.id, path, record.fields);
    const metadata = { projectId: project.id, ...(about.startsWith('godel-') ? { beadId: about } : {}) };
    const draft = { type: 'bead:conflicted', component: 'sync', payload: { conflict: record.fields }, metadata };
    const drafts = told ? [draft, told] : [draft];
    const events: GodelEvent[] = [];
    for (const each of drafts) events.push(await appendEvent(tx, each, clock.now()));
    return events;
  }

  interface Round {
    project: Project;
    how: TakeOptions;
    /** Text of the files as they came. */
    texts: ReadonlyMap<string, string | null>;
    /** Paths that wait for git. */
    pending: Set<string>;
    known: KnownRecords;
    events: GodelEvent[];
    taken: Taken;
  }

  async function takeRecord(tx: Tx, round: Round, { path, record: theirs }: Incoming): Promise<void> {
    const { project, how, taken } = round;
    const rules = rulesOf(path);
    const { text: known, record: ours } = (await round.known.take(path)) ?? {};
    const merged = ours ? mergeRecords(ours, adoptEdits(ours, theirs, rules, replica.stamp), rules) : theirs;
    replica.observe(latestStamp(merged));
    const content = recordText(merged);
    const inGit = how.inGit === 'theirs' ? round.texts.get(path) : known;
    if (content !== inGit) await queue(tx, round, path, content, 'merged');
    else if (round.pending.has(path)) await rewritePending(tx, project.id, path, content);
    const before = ours && how.before?.(path);
    const about = parsePath(path);
    if (ours && before && (about.kind === 'bead' || about.kind === 'convoy')) {
      for (const conflict of findConflicts(ours, theirs, before.record, rules)) {
        const events = await keepConflict(tx, round, conflictRecord(about.id, 'field', conflict));
        if (events.length > 0) taken.conflicts += 1;
        round.events.push(...events);
      }
    }
    if (content === known) return;
    taken.changed += 1;
    await saveRecord(tx, project.id, path, content);
    const told = await applyRecord(tx, project.id, path, merged.fields);
    if (told && how.announce) round.events.push(await appendEvent(tx, told, clock.now()));
  }

  /** What is missing in the ref is written again: absence says nothing. */
  async function writeAgain(tx: Tx, round: Round, paths: Iterable<string>): Promise<void> {
    for (const path of paths) {
      const ours = await loadRecord(tx, round.project.id, path);
      if (ours) await queue(tx, round, path, recordText(ours), 'written again');
    }
  }

  async function markCircles(tx: Tx, round: Round, incoming: readonly Incoming[]): Promise<void> {
    const changed = incoming.flatMap(({ path }) => {
      const { kind, id } = parsePath(path);
      return kind === 'bead' ? [id] : [];
    });
    for (const record of await circularConflicts(tx, round.project.id, changed)) {
      const events = await keepConflict(tx, round, record);
      if (events.length > 0) round.taken.conflicts += 1;
      round.events.push(...events);
    }
  }

  return async (project, oid, files, how) => {
    const taken: Taken = { changed: 0, conflicts: 0, moved: [] };
    const texts = new Map(files.map((file) => [file.path, file.content]));
    const events: GodelEvent[] = [];
    const take = async (tx: Tx) => {
      const pending = await pendingPaths(tx, project.id);
      const known = createKnownRecords(tx, project.id);
      const round: Round = { project, how, texts, pending, known, events, taken };
      const bad = await quarantinedPaths(tx, project.id);
      const incoming: Incoming[] = [];
      const breathe = createBreath();
      for (const file of files) {
        await breathe();
        if (file.content === null && file.problem === undefined) {
          await writeAgain(tx, round, [file.path]);
          continue;
        }
        const record = await readable(tx, project, oid, file);
        if (record) incoming.push({ path: file.path, record });
        if (bad.has(file.path) && file.problem === undefined && record && recordText(record) === file.content)
          await forgetQuarantine(tx, project.id, file.path);
      }
      const settled = await settleClashes(tx, project.id, incoming, async (path) => (await known.look(path))?.record);
      taken.moved = settled.moved;
      if (settled.moved.length > 0) known.forget();
      for (const each of settled.incoming) {
        await breathe();
        await takeRecord(tx, round, each);
      }
      await writeAgain(tx, round, settled.touched);
      if (how.announce) await markCircles(tx, round, settled.incoming);
      await saveStamp(tx, replica);
    };
    await database.transact(take, { alone: true });
    await bus.publish(events);
    return taken;
  };
}
