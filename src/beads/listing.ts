/**
 * Lists of beads: filters, orders and cursors over indexed columns. Bodies are read for the rows of one page only.
 * A cursor names the place behind a row, so beads that come in meanwhile neither shift nor repeat a page.
 */
import { type RawBuilder, sql } from 'kysely';
import type { Page } from '../base/page.ts';
import { failure } from '../errors.ts';
import type { Reader } from '../storage/database.ts';
import { toQuery } from '../storage/search.ts';
import type { Bead, BeadSort } from './schema.ts';
import { localDay, PRIORITY_RANK } from './state.ts';
import { toBead } from './store.ts';

export interface BeadFilter {
  status?: string | undefined;
  type?: string | undefined;
  priority?: keyof typeof PRIORITY_RANK | undefined;
  /** Name of an agent; `none` for beads without one. */
  agent?: string | undefined;
  /** Every one of them. */
  labels?: readonly string[] | undefined;
  parent?: string | undefined;
  /** Id of a convoy. */
  convoy?: string | undefined;
  dueBefore?: string | undefined;
  overdue?: boolean | undefined;
  updatedSince?: string | undefined;
  /** Words in title, description or comments. */
  text?: string | undefined;
  ready?: boolean | undefined;
  blocked?: boolean | undefined;
}

export interface BeadOrder {
  sort: BeadSort;
  reverse?: boolean | undefined;
  limit: number;
  cursor?: string | undefined;
}

type Condition = RawBuilder<unknown>;

/** Columns that a list is ordered by; the last ones make every place unique. */
const ORDERS: Readonly<Record<BeadSort, readonly string[]>> = {
  created: ['created_at', 'id'],
  updated: ['updated_at', 'id'],
  priority: ['priority_rank', 'created_at', 'id'],
  due: ['due_key', 'id'],
};

const b = (column: string) => sql.ref(`b.${column}`);

function membership(projectId: string, filter: BeadFilter): Condition[] {
  const found: Condition[] = (filter.labels ?? []).map(
    (label) => sql`b.id in (select bead_id from bead_labels where project_id = ${projectId} and label = ${label})`,
  );
  if (filter.convoy !== undefined) {
    found.push(
      sql`b.id in (select bead_id from convoy_beads where project_id = ${projectId} and convoy_id = ${filter.convoy})`,
    );
  }
  if (filter.text !== undefined) {
    const query = toQuery(filter.text);
    found.push(
      query === undefined
        ? sql`1 = 0`
        : sql`b.id in (select d.bead_id from bead_search join bead_docs d on d.doc_id = bead_search.rowid
            where bead_search match ${query} and d.project_id = ${projectId})`,
    );
  }
  return found;
}

function conditions(projectId: string, filter: BeadFilter, nowMs: number): Condition[] {
  const found: Condition[] = [sql`b.project_id = ${projectId}`];
  const equal = (column: string, value: unknown) => {
    if (value !== undefined) found.push(sql`${b(column)} = ${value}`);
  };
  const isReadiness = filter.ready || filter.blocked;
  equal('status', isReadiness ? 'open' : filter.status);
  if (isReadiness && filter.status !== undefined && filter.status !== 'open') found.push(sql`1 = 0`);
  equal('type', filter.type);
  equal('priority_rank', filter.priority && PRIORITY_RANK[filter.priority]);
  if (filter.agent === 'none') found.push(sql`b.agent is null`);
  else equal('agent', filter.agent);
  equal('parent', filter.parent);
  if (filter.ready) equal('open_blockers', 0);
  if (filter.blocked) found.push(sql`b.open_blockers > 0`);
  if (filter.dueBefore !== undefined) found.push(sql`b.due_key < ${filter.dueBefore}`);
  if (filter.updatedSince !== undefined) found.push(sql`b.updated_at >= ${filter.updatedSince}`);
  if (filter.overdue) {
    const now = new Date(nowMs).toISOString();
    // A day sorts before every instant in it, so days and instants are told apart by their length.
    found.push(sql`b.status <> 'done'`);
    found.push(sql`b.due_key < ${now} and (length(b.due_key) > 10 or b.due_key < ${localDay(nowMs)})`);
  }
  return [...found, ...membership(projectId, filter)];
}

function placeOf(row: Record<string, unknown>, order: BeadOrder): string {
  const keys = ORDERS[order.sort].map((column) => row[column]);
  return Buffer.from(JSON.stringify([order.sort, ...keys])).toString('base64url');
}

/** @throws GodelError bad-input when the cursor belongs to another order */
function afterCursor(order: BeadOrder): Condition | undefined {
  if (order.cursor === undefined) return undefined;
  const columns = ORDERS[order.sort];
  let keys: unknown[] = [];
  try {
    keys = JSON.parse(Buffer.from(order.cursor, 'base64url').toString()) as unknown[];
  } catch {
    // Not a cursor of ours: refused below.
  }
  if (!Array.isArray(keys) || keys[0] !== order.sort || keys.length !== columns.length + 1) {
    throw failure('bad-input', {
      problem: 'The cursor does not belong to this list.',
      hint: 'Start without --cursor, and keep --sort the same from page to page.',
    });
  }
  const left = sql.join(columns.map(b));
  const right = sql.join(keys.slice(1).map((key) => sql`${key}`));
  return order.reverse ? sql`(${left}) < (${right})` : sql`(${left}) > (${right})`;
}

/** One page of the beads that pass the filter. */
export async function listBeads(
  db: Reader,
  projectId: string,
  filter: BeadFilter,
  order: BeadOrder,
  nowMs: number,
): Promise<Page<Bead>> {
  const columns = ORDERS[order.sort];
  const after = afterCursor(order);
  const where = sql.join([...conditions(projectId, filter, nowMs), ...(after ? [after] : [])], sql` and `);
  const direction = sql.raw(order.reverse ? ' desc' : '');
  const by = sql.join(columns.map((column) => sql`${b(column)}${direction}`));
  const { rows } = await sql<Record<string, string>>`
    select ${sql.join([...new Set([...columns, 'id'])].map(b))} from beads b
    where ${where} order by ${by} limit ${order.limit + 1}`.execute(db);
  const kept = rows.slice(0, order.limit);
  const items = await beadsOf(
    db,
    projectId,
    kept.map((row) => row.id ?? ''),
  );
  const hasMore = rows.length > order.limit;
  const last = kept.at(-1);
  const cursor = hasMore && last ? { cursor: placeOf(last, order) } : {};
  return { items, pagination: { limit: order.limit, hasMore, ...cursor } };
}

/** The beads with these ids, in that order; ids that do not exist are left out. */
export async function beadsOf(db: Reader, projectId: string, ids: readonly string[]): Promise<Bead[]> {
  const found = new Map<string, Bead>();
  const CHUNK = 500;
  for (let start = 0; start < ids.length; start += CHUNK) {
    const rows = await db
      .selectFrom('beads')
      .select('body')
      .where('project_id', '=', projectId)
      .where('id', 'in', ids.slice(start, start + CHUNK))
      .execute();
    for (const bead of rows.map(toBead)) found.set(bead.id, bead);
  }
  return ids.flatMap((id) => found.get(id) ?? []);
}
