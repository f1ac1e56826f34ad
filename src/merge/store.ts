/** All SQL of the merge queue. */
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import type { MergeEntryRow } from '../storage/tables.ts';
import type { Entry, EntryStatus, Queue } from './schema.ts';
import { emptyQueue } from './state.ts';

const OPEN: readonly EntryStatus[] = ['queued', 'gating', 'landing', 'held', 'conflicted', 'evicted'];

const toRow = (entry: Entry): MergeEntryRow => ({
  id: entry.id,
  project_id: entry.projectId,
  bead_id: entry.beadId,
  status: entry.status,
  released: entry.released ? 1 : 0,
  body: JSON.stringify(entry),
  version: entry.version,
});

const toEntry = (row: { body: string }): Entry => JSON.parse(row.body) as Entry;

/** Entries that neither landed nor were removed, oldest first. */
export async function openEntries(db: Reader, projectId: string): Promise<Entry[]> {
  const rows = await db
    .selectFrom('merge_entries')
    .select('body')
    .where('project_id', '=', projectId)
    .where('status', 'in', OPEN)
    .orderBy('id')
    .execute();
  return rows.map(toEntry);
}

/** Landed entries whose branch, pin or worktree is still there. */
export async function unreleasedEntries(db: Reader, projectId: string): Promise<Entry[]> {
  const rows = await db
    .selectFrom('merge_entries')
    .select('body')
    .where('project_id', '=', projectId)
    .where('status', 'in', ['landed', 'removed'])
    .where('released', '=', 0)
    .orderBy('id')
    .execute();
  return rows.map(toEntry);
}

/** The newest entries that are over. */
export async function closedEntries(db: Reader, projectId: string, limit: number): Promise<Entry[]> {
  const rows = await db
    .selectFrom('merge_entries')
    .select('body')
    .where('project_id', '=', projectId)
    .where('status', 'not in', OPEN)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(toEntry);
}

export async function findEntry(db: Reader, id: string): Promise<Entry | undefined> {
  const row = await db.selectFrom('merge_entries').select('body').where('id', '=', id).executeTakeFirst();
  return row && toEntry(row);
}

/** The newest entry of a bead. */
export async function entryOfBead(db: Reader, projectId: string, beadId: string): Promise<Entry | undefined> {
  const row = await db
    .selectFrom('merge_entries')
    .select('body')
    .where('project_id', '=', projectId)
    .where('bead_id', '=', beadId)
    .orderBy('id', 'desc')
    .executeTakeFirst();
  return row && toEntry(row);
}

/**
 * Finds an entry by its id, the id of its bead, or a unique beginning of either.
 * @throws GodelError entry-not-found, ambiguous-id
 */
export async function resolveEntry(db: Reader, projectId: string, text: string): Promise<Entry> {
  const prefix = text.replaceAll(/[\\%_]/g, '\\$&');
  const bead = text.startsWith('godel-') ? prefix : `godel-${prefix}`;
  const rows = await db
    .selectFrom('merge_entries')
    .select(['id', 'bead_id', 'body'])
    .where('project_id', '=', projectId)
    .where((e) => e.or([e('id', 'like', `${prefix}%`), e('bead_id', 'like', `${bead}%`)]))
    .orderBy('id', 'desc')
    .limit(50)
    .execute();
  const newest = new Map<string, Entry>();
  for (const row of rows) if (row.id === text || !newest.has(row.bead_id)) newest.set(row.bead_id, toEntry(row));
  const [first, ...others] = newest.values();
  if (!first) throw failure('entry-not-found', { id: text });
  if (others.length > 0) throw failure('ambiguous-id', { id: text, matches: [...newest.keys()] });
  return first;
}

export async function insertEntry(tx: Tx, entry: Entry): Promise<void> {
  await tx.insertInto('merge_entries').values(toRow(entry)).execute();
}

/**
 * Compare-and-set: writes `entry` as the next version of what was read.
 * @throws GodelError version-conflict
 */
export async function saveEntry(tx: Tx, entry: Entry): Promise<Entry> {
  const next: Entry = { ...entry, version: entry.version + 1 };
  const result = await tx
    .updateTable('merge_entries')
    .set(toRow(next))
    .where('id', '=', entry.id)
    .where('version', '=', entry.version)
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw failure('version-conflict', { id: entry.beadId });
  return next;
}

export async function loadQueue(db: Reader, projectId: string): Promise<Queue> {
  const row = await db.selectFrom('merge_queues').select('body').where('project_id', '=', projectId).executeTakeFirst();
  return row ? (JSON.parse(row.body) as Queue) : emptyQueue(projectId);
}

export async function saveQueue(tx: Tx, queue: Queue): Promise<void> {
  const row = { project_id: queue.projectId, body: JSON.stringify(queue) };
  await tx
    .insertInto('merge_queues')
    .values(row)
    .onConflict((c) => c.column('project_id').doUpdateSet({ body: row.body }))
    .execute();
}

export async function isVerified(db: Reader, projectId: string, tree: string, gate: string): Promise<boolean> {
  const row = await db
    .selectFrom('merge_verified')
    .select('at_ms')
    .where('project_id', '=', projectId)
    .where('tree', '=', tree)
    .where('gate', '=', gate)
    .executeTakeFirst();
  return row !== undefined;
}

const MOST_VERIFIED = 1_000;

export async function noteVerified(
  tx: Tx,
  projectId: string,
  verified: { tree: string; gate: string; atMs: number },
): Promise<void> {
  const row = { project_id: projectId, tree: verified.tree, gate: verified.gate, at_ms: verified.atMs };
  await tx
    .insertInto('merge_verified')
    .values(row)
    .onConflict((c) => c.columns(['project_id', 'tree', 'gate']).doUpdateSet({ at_ms: row.at_ms }))
    .execute();
  const old = await tx
    .selectFrom('merge_verified')
    .select('at_ms')
    .where('project_id', '=', projectId)
    .orderBy('at_ms', 'desc')
    .offset(MOST_VERIFIED)
    .limit(1)
    .executeTakeFirst();
  if (old)
    await tx.deleteFrom('merge_verified').where('project_id', '=', projectId).where('at_ms', '<=', old.at_ms).execute();
}
