/** SQL of records, and the one way a record changes: compared with the last one, stamped, queued for git. */
import { randomInt } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { Clock } from '../base/clock.ts';
import type { Database, Reader, Tx } from './database.ts';
import { appendOutbox } from './journal.ts';
import { prepared, preparedRows } from './prepared.ts';
import { changeRecord, createRecord, type Stamper } from './record/change.ts';
import { OWN_FORMAT } from './record/format.ts';
import { type Fields, parseRecord, recordText, type StateRecord } from './record/record.ts';
import type { Rules } from './record/rules.ts';
import { laterStamp, nextStamp } from './record/stamp.ts';
import { FORMAT_PATH, replicaPath } from './state-ref/layout.ts';

/** What a feature wants kept in git: plain fields; null fields delete, which leaves a record that says so. */
export interface RecordDraft {
  path: string;
  fields: Fields | null;
  subject: string;
}

export interface Replica {
  readonly id: string;
  readonly name: string;
  /** The next stamp of this home, later than `after` and than every stamp before. */
  stamp: Stamper;
  /** Takes notice of a stamp of another replica. */
  observe(stamp: string): void;
  last(): string;
  /** Projects whose record was found to say who this is: what says so is never taken away. */
  readonly introducedIn: Set<string>;
}

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const newReplicaId = () => Array.from({ length: 6 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

function ownName(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return hostname();
  }
}

/** Reads who this home is among the writers, or decides it on the first start. */
export async function openReplica(database: Database, clock: Clock): Promise<Replica> {
  const known = await database.db.selectFrom('replica').selectAll().executeTakeFirst();
  const row = known ?? { id: newReplicaId(), name: ownName(), stamp: '' };
  if (!known) await database.transact((tx) => tx.insertInto('replica').values(row).execute());
  let last = row.stamp;
  return {
    id: row.id,
    name: row.name,
    stamp(after) {
      last = nextStamp(laterStamp(last, after), clock.now(), row.id);
      return last;
    },
    observe(stamp) {
      last = laterStamp(last, stamp);
    },
    last: () => last,
    introducedIn: new Set(),
  };
}

/** Remembers the latest stamp, so that a restart with a clock that was set back gives none twice. */
export async function saveStamp(tx: Tx, replica: Replica): Promise<void> {
  await stampUpdate(tx, replica.last(), replica.id);
}

const stampUpdate = prepared((db, stamp: string, id: string) =>
  db.updateTable('replica').set({ stamp }).where('id', '=', id),
);

const contentAt = prepared((db, projectId: string, path: string) =>
  db.selectFrom('records').select('content').where('project_id', '=', projectId).where('path', '=', path),
);

export async function loadRecord(db: Reader, projectId: string, path: string): Promise<StateRecord | undefined> {
  const content = await loadText(db, projectId, path);
  return content === undefined ? undefined : parseRecord(content);
}

/** The text of a record: equal records are equal texts. */
export async function loadText(db: Reader, projectId: string, path: string): Promise<string | undefined> {
  return (await contentAt(db, projectId, path)).rows[0]?.content;
}

export interface KnownRecords {
  /** Text and record at a path, read once. */
  look(path: string): Promise<{ text: string; record: StateRecord } | undefined>;
  /** The same for the last time: what is there changes now. */
  take(path: string): Promise<{ text: string; record: StateRecord } | undefined>;
  /** Others changed records: everything is read again. */
  forget(): void;
}

/** What is known at the paths of one piece of work, which looks at them more than once. */
export function createKnownRecords(db: Reader, projectId: string): KnownRecords {
  const seen = new Map<string, { text: string; record: StateRecord } | undefined>();
  async function look(path: string) {
    if (seen.has(path)) return seen.get(path);
    const text = await loadText(db, projectId, path);
    const found = text === undefined ? undefined : { text, record: parseRecord(text) };
    seen.set(path, found);
    return found;
  }
  return {
    look,
    async take(path) {
      const found = await look(path);
      seen.delete(path);
      return found;
    },
    forget: () => seen.clear(),
  };
}

const contentUpsert = prepared((db, projectId: string, path: string, content: string) =>
  db
    .insertInto('records')
    .values({ project_id: projectId, path, content })
    .onConflict((c) => c.columns(['project_id', 'path']).doUpdateSet({ content })),
);

export async function saveRecord(tx: Tx, projectId: string, path: string, content: string): Promise<void> {
  await contentUpsert(tx, projectId, path, content);
}

/** Writes many new records. */
export async function saveRecords(
  tx: Tx,
  projectId: string,
  records: readonly { path: string; content: string }[],
): Promise<void> {
  await contentInsert(
    tx,
    records.map(({ path, content }) => [projectId, path, content] as const),
  );
}

const contentInsert = preparedRows((db, project_id: string, path: string, content: string) =>
  db.insertInto('records').values({ project_id, path, content }),
);

export async function dropRecord(tx: Tx, projectId: string, path: string): Promise<void> {
  await tx.deleteFrom('records').where('project_id', '=', projectId).where('path', '=', path).execute();
}

/** Records that have an id in their text. */
export async function recordsMentioning(
  db: Reader,
  projectId: string,
  id: string,
): Promise<{ path: string; content: string }[]> {
  return db
    .selectFrom('records')
    .select(['path', 'content'])
    .where('project_id', '=', projectId)
    .where('content', 'like', `%"${id}"%`)
    .execute();
}

/** Records from `after` on in the order of their paths. */
export async function recordsAfter(
  db: Reader,
  projectId: string,
  after: string,
  limit: number,
): Promise<{ path: string; content: string }[]> {
  return db
    .selectFrom('records')
    .select(['path', 'content'])
    .where('project_id', '=', projectId)
    .where('path', '>', after)
    .orderBy('path')
    .limit(limit)
    .execute();
}

export interface ChangeSpec {
  projectId: string;
  draft: RecordDraft;
  rules: Rules;
  replica: Replica;
  nowMs: number;
}

/** Stamps and keeps a change, and queues it for git; the id of its outbox row. */
export async function persistRecord(tx: Tx, spec: ChangeSpec): Promise<number> {
  const { projectId, draft, rules, replica, nowMs } = spec;
  const before = await loadRecord(tx, projectId, draft.path);
  const { deletedAt: _deleted, ...alive } = before?.fields ?? {};
  const after = draft.fields ?? { ...alive, deletedAt: new Date(nowMs).toISOString() };
  const record = before ? changeRecord(before, after, rules, replica.stamp) : createRecord(after, rules, replica.stamp);
  const content = recordText(record);
  await saveRecord(tx, projectId, draft.path, content);
  await introduce(tx, spec);
  await saveStamp(tx, replica);
  return appendOutbox(tx, projectId, { path: draft.path, content, subject: draft.subject }, nowMs);
}

/** The first change of this home in a project says who it is: stamps carry its id only. */
async function introduce(tx: Tx, { projectId, replica, nowMs }: ChangeSpec): Promise<void> {
  if (replica.introducedIn.has(projectId)) return;
  const path = replicaPath(replica.id);
  if (await loadRecord(tx, projectId, path)) {
    replica.introducedIn.add(projectId);
    return;
  }
  const fields = { id: replica.id, name: replica.name, createdAt: new Date(nowMs).toISOString() };
  const content = recordText(createRecord(fields, {}, replica.stamp));
  await saveRecord(tx, projectId, path, content);
  await appendOutbox(tx, projectId, { path, content, subject: `replica ${replica.id} is ${replica.name}` }, nowMs);
  await ensureFormat(tx, projectId, nowMs);
}

/** Says which format the record of a project has, unless that was said. */
export async function ensureFormat(tx: Tx, projectId: string, nowMs: number): Promise<void> {
  if (await loadRecord(tx, projectId, FORMAT_PATH)) return;
  await saveRecord(tx, projectId, FORMAT_PATH, OWN_FORMAT);
  await appendOutbox(tx, projectId, { path: FORMAT_PATH, content: OWN_FORMAT, subject: 'format of the record' }, nowMs);
}
