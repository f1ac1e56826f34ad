/** All SQL of beads, and the two forms of a bead: the row and the file in git. */
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import { prepared, preparedRows } from '../storage/prepared.ts';
import type { Fields } from '../storage/record/record.ts';
import type { RecordDraft } from '../storage/records.ts';
import { beadPath } from '../storage/state-ref/layout.ts';
import type { BeadRow } from '../storage/tables.ts';
import { beadOfRecord } from './record.ts';
import type { Bead, BeadStatus } from './schema.ts';
import { countOpenBlockers, indexBead, insertSides, unindexBead } from './side-tables.ts';
import { PRIORITY_RANK } from './state.ts';

type RowOf<R> = { [K in keyof R as K extends 'open_blockers' ? never : K]: R[K] };

/** The row of a bead without what is counted from others. */
export function beadRow(bead: Bead, body = JSON.stringify(bead)): RowOf<BeadRow> {
  return {
    id: bead.id,
    project_id: bead.projectId,
    body,
    version: bead.version,
    created_at: bead.createdAt,
    status: bead.status,
    type: bead.type,
    priority: bead.priority,
    agent: bead.agent ?? null,
    worktree: bead.worktree ?? null,
    priority_rank: PRIORITY_RANK[bead.priority],
    parent: bead.parentBead ?? null,
    due_key: bead.dueAt ?? '~',
    updated_at: bead.updatedAt,
    done_at: bead.doneAt ?? null,
    external_id: bead.externalId ?? null,
  };
}

/** Fields that bodies written by an earlier version lack. */
const ADDED = { related: [], discoveredFrom: [] };

export const toBead = (row: { body: string }): Bead => ({ ...ADDED, ...(JSON.parse(row.body) as Bead) });

/** What is kept of a bead in git; clocks are added when it is persisted. */
export function beadFile(bead: Bead, subject: string): RecordDraft {
  const { projectId: _project, worktree: _worktree, conflicts: _conflicts, version: _version, ...fields } = bead;
  return { path: beadPath(bead.id), fields, subject };
}

/** Deletes a bead; its record stays in git and says so. */
export function beadDeletion(id: string): RecordDraft {
  return { path: beadPath(id), fields: null, subject: `${id}: deleted` };
}

/** A bead read back from git; `version` starts again in this database. Throws a ZodError. */
export function beadFromRecord(projectId: string, fields: Fields): Bead {
  return Object.assign(beadOfRecord(fields), { projectId, version: 1 }) as Bead;
}

const bodyOf = prepared((db, projectId: string, id: string) =>
  db.selectFrom('beads').select('body').where('project_id', '=', projectId).where('id', '=', id),
);

export async function findBead(db: Reader, projectId: string, id: string): Promise<Bead | undefined> {
  const [row] = (await bodyOf(db, projectId, id)).rows;
  return row && toBead(row);
}

/** Another bead whose work is on a branch. Reads every body: for rare questions. */
export async function beadOnBranch(
  db: Reader,
  projectId: string,
  branch: string,
  except: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('beads')
    .select('id')
    .where('project_id', '=', projectId)
    .where('id', '!=', except)
    .where('body', 'like', `%"branch":${JSON.stringify(branch)}%`)
    .executeTakeFirst();
  return row?.id;
}

/**
 * Finds a bead by id or unique prefix; the part after `godel-` is enough.
 * @throws GodelError bead-not-found, ambiguous-id
 */
export async function resolveBead(db: Reader, projectId: string, text: string): Promise<Bead> {
  const exact = await findBead(db, projectId, text);
  if (exact) return exact;
  const prefix = text.startsWith('godel-') || 'godel-'.startsWith(text) ? text : `godel-${text}`;
  const rows = await db
    .selectFrom('beads')
    .select('body')
    .where('project_id', '=', projectId)
    .where('id', '>=', prefix)
    .where('id', '<', `${prefix}\u{10ffff}`)
    .orderBy('id')
    .limit(6)
    .execute();
  const [first, ...others] = rows.map(toBead);
  if (!first) throw failure('bead-not-found', { id: text });
  if (others.length > 0) {
    throw failure('ambiguous-id', { id: text, matches: [first, ...others].map((bead) => bead.id) });
  }
  return first;
}

const CHUNK = 500;

/** Statuses of the beads that exist; a missing one counts as unfinished. */
export async function beadStatuses(db: Reader, projectId: string, ids: string[]): Promise<Map<string, BeadStatus>> {
  const found = new Map<string, BeadStatus>();
  for (let start = 0; start < ids.length; start += CHUNK) {
    const rows = await db
      .selectFrom('beads')
      .select(['id', 'status'])
      .where('project_id', '=', projectId)
      .where('id', 'in', ids.slice(start, start + CHUNK))
      .execute();
    for (const row of rows) found.set(row.id, row.status as BeadStatus);
  }
  return found;
}

/** How many beads are in each status. */
export async function statusCounts(db: Reader, projectId: string): Promise<Record<BeadStatus, number>> {
  const rows = await db
    .selectFrom('beads')
    .select((e) => ['status', e.fn.countAll<number>().as('count')])
    .where('project_id', '=', projectId)
    .groupBy('status')
    .execute();
  const counts: Record<BeadStatus, number> = { open: 0, 'in-progress': 0, review: 0, done: 0 };
  for (const row of rows) counts[row.status as BeadStatus] = Number(row.count);
  return counts;
}

/** Whether all projects together have at least so many beads. */
export async function hasManyBeads(db: Reader, count: number): Promise<boolean> {
  const row = await db
    .selectFrom('beads')
    .select('id')
    .offset(count - 1)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** How many beads became done since a moment. */
export async function doneSince(db: Reader, projectId: string, since: string): Promise<number> {
  const { count } = await db
    .selectFrom('beads')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .where('done_at', '>=', since)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function allBeads(db: Reader, projectId: string): Promise<Bead[]> {
  const rows = await db
    .selectFrom('beads')
    .select('body')
    .where('project_id', '=', projectId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(toBead);
}

type RowColumn = keyof RowOf<BeadRow>;

/** The columns of `beadRow` in its order. */
const ROW_COLUMNS = [
  'id',
  'project_id',
  'body',
  'version',
  'created_at',
  'status',
  'type',
  'priority',
  'agent',
  'worktree',
  'priority_rank',
  'parent',
  'due_key',
  'updated_at',
  'done_at',
  'external_id',
] as const satisfies RowColumn[];

const rowInsert = preparedRows((db, ...values: readonly unknown[]) => {
  const row = Object.fromEntries(ROW_COLUMNS.map((column, at) => [column, values[at]]));
  return db.insertInto('beads').values(row as RowOf<BeadRow>);
}, ROW_COLUMNS.length);

/** Writes many new rows with their links and labels; the rest of what is derived is the caller's to fill (`rebuildProject`). */
export async function insertRows(tx: Tx, beads: readonly Bead[]): Promise<void> {
  const rows = beads.map((bead) => beadRow(bead));
  await rowInsert(
    tx,
    rows.map((row) => ROW_COLUMNS.map((column) => row[column])),
  );
  await insertSides(tx, beads);
}

export async function insertBead(tx: Tx, bead: Bead): Promise<void> {
  await tx
    .insertInto('beads')
    .values({ ...beadRow(bead), open_blockers: await countOpenBlockers(tx, bead) })
    .execute();
  await indexBead(tx, bead, undefined);
}

/** Columns that differ: SQLite writes every index of a column that is set, though its value stays the same. */
function changedColumns(before: Bead, next: Bead, body: string): Partial<RowOf<BeadRow>> {
  const row = beadRow(next, body);
  // The body holds the version, so it is always another one.
  const known: Record<string, unknown> = beadRow(before, '');
  return Object.fromEntries(Object.entries(row).filter(([name, value]) => known[name] !== value));
}

/** The count of open blockers, unless there are none and were none. */
async function blockerColumn(tx: Tx, before: Bead, next: Bead): Promise<{ open_blockers?: number }> {
  if (next.blockedBy.length === 0 && before.blockedBy.length === 0) return {};
  return { open_blockers: await countOpenBlockers(tx, next) };
}

type Columns = Partial<RowOf<BeadRow>> & { open_blockers?: number };
type RowUpdate = (tx: Reader, ...values: unknown[]) => Promise<{ changed: number }>;
/** The updates that were needed so far, by the columns they set: there are few. */
const rowUpdates = new Map<string, RowUpdate>();

function rowUpdateOf(columns: readonly string[]): RowUpdate {
  const key = columns.join();
  const known = rowUpdates.get(key);
  if (known) return known;
  const update: RowUpdate = prepared((db, projectId, id, version, ...values: readonly unknown[]) => {
    const set = Object.fromEntries(columns.map((column, at) => [column, values[at]])) as Columns;
    return db
      .updateTable('beads')
      .set(set)
      .where('project_id', '=', projectId as string)
      .where('id', '=', id as string)
      .where('version', '=', version as number);
  }, columns.length + 3);
  rowUpdates.set(key, update);
  return update;
}

/** Writes the columns that differ from `before`, the row as it is now; false when it is another one. */
async function updateRow(tx: Tx, before: Bead, next: Bead, body = JSON.stringify(next)): Promise<boolean> {
  const columns = { ...changedColumns(before, next, body), ...(await blockerColumn(tx, before, next)) };
  const update = rowUpdateOf(Object.keys(columns));
  const { changed } = await update(tx, next.projectId, next.id, before.version, ...Object.values(columns));
  return changed === 1;
}

/**
 * Compare-and-set: writes `bead` as the next version of what was read.
 * @throws GodelError version-conflict
 */
export async function saveBead(tx: Tx, bead: Bead): Promise<Bead> {
  const before = await findBead(tx, bead.projectId, bead.id);
  const next: Bead = { ...bead, version: bead.version + 1 };
  if (before?.version !== bead.version || !(await updateRow(tx, before, next))) {
    throw failure('version-conflict', { id: bead.id });
  }
  await indexBead(tx, next, before);
  return next;
}

/** Puts a bead that came from git in place of whatever row there is; local fields are kept. */
export async function replaceBead(tx: Tx, bead: Bead): Promise<Bead> {
  const known = await findBead(tx, bead.projectId, bead.id);
  const next: Bead = {
    ...bead,
    version: (known?.version ?? 0) + 1,
    ...(known?.worktree === undefined ? {} : { worktree: known.worktree }),
    ...(known?.conflicts === undefined ? {} : { conflicts: bead.conflicts ?? known.conflicts }),
  };
  // One that is put in place of itself is mended: its columns may be what is wrong.
  const body = JSON.stringify(next);
  const isMended = known && JSON.stringify({ ...known, version: next.version }) === body;
  if (!known || isMended || !(await updateRow(tx, known, next, body))) await writeRow(tx, next);
  await indexBead(tx, next, known);
  return next;
}

/** Writes every column, whether there is a row or not. */
async function writeRow(tx: Tx, bead: Bead): Promise<void> {
  const row = { ...beadRow(bead), open_blockers: await countOpenBlockers(tx, bead) };
  await tx
    .insertInto('beads')
    .values(row)
    .onConflict((c) => c.columns(['project_id', 'id']).doUpdateSet(row))
    .execute();
}

export async function deleteBead(tx: Tx, projectId: string, id: string): Promise<void> {
  await tx.deleteFrom('beads').where('project_id', '=', projectId).where('id', '=', id).execute();
  await unindexBead(tx, projectId, id);
}
