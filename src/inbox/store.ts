/** All SQL of the inbox and its rules. */
import { type Page, toPage } from '../base/page.ts';
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { InboxItem, InboxRule } from './schema.ts';

const toItem = (row: { body: string }) => JSON.parse(row.body) as InboxItem;
const toRule = (row: { body: string }) => JSON.parse(row.body) as InboxRule;

export async function insertItem(tx: Tx, item: InboxItem): Promise<void> {
  const row = {
    id: item.id,
    project_id: item.projectId,
    key: item.key,
    kind: item.kind,
    status: item.status,
    agent_id: item.agentId ?? null,
    body: JSON.stringify(item),
    created_at: item.createdAt,
  };
  await tx.insertInto('inbox').values(row).execute();
}

/** Saves an item that is still open; false when somebody else ended it first. */
export async function endItem(tx: Tx, item: InboxItem): Promise<boolean> {
  const result = await tx
    .updateTable('inbox')
    .set({ status: item.status, body: JSON.stringify(item) })
    .where('id', '=', item.id)
    .where('status', '=', 'open')
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Notes what came of an answer. */
export async function saveItem(tx: Tx, item: InboxItem): Promise<void> {
  await tx
    .updateTable('inbox')
    .set({ body: JSON.stringify(item) })
    .where('id', '=', item.id)
    .execute();
}

export async function findItem(db: Reader, id: string): Promise<InboxItem | undefined> {
  const row = await db.selectFrom('inbox').select('body').where('id', '=', id).executeTakeFirst();
  return row && toItem(row);
}

export async function openItemOf(db: Reader, key: string): Promise<InboxItem | undefined> {
  const row = await db
    .selectFrom('inbox')
    .select('body')
    .where('key', '=', key)
    .where('status', '=', 'open')
    .executeTakeFirst();
  return row && toItem(row);
}

/** The newest item of a key, whatever became of it. */
export async function lastItemOf(db: Reader, key: string): Promise<InboxItem | undefined> {
  const row = await db
    .selectFrom('inbox')
    .select('body')
    .where('key', '=', key)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && toItem(row);
}

export async function openItems(db: Reader, projectId?: string): Promise<InboxItem[]> {
  let query = db.selectFrom('inbox').select('body').where('status', '=', 'open');
  if (projectId !== undefined) query = query.where('project_id', '=', projectId);
  return (await query.orderBy('id').execute()).map(toItem);
}

const openBetween = prepared((db, from: string, to: string) =>
  db
    .selectFrom('inbox')
    .select('body')
    .where('status', '=', 'open')
    .where('key', '>=', from)
    .where('key', '<', to)
    .orderBy('id'),
);

/** Open items whose keys begin so. */
export async function openItemsUnder(db: Reader, prefix: string): Promise<InboxItem[]> {
  // No key goes on with the last character there is.
  return (await openBetween(db, prefix, `${prefix}\u{10FFFF}`)).rows.map(toItem);
}

export interface InboxFilter {
  kind?: string | undefined;
  all?: boolean | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** Open items oldest first; with `all` every item, newest first. */
export async function listItems(db: Reader, projectId: string, filter: InboxFilter): Promise<Page<InboxItem>> {
  let query = db.selectFrom('inbox').select('body').where('project_id', '=', projectId);
  if (!filter.all) query = query.where('status', '=', 'open');
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind);
  if (filter.cursor !== undefined) query = query.where('id', filter.all ? '<' : '>', filter.cursor);
  const rows = await query
    .orderBy('id', filter.all ? 'desc' : 'asc')
    .limit(filter.limit + 1)
    .execute();
  return toPage(rows.map(toItem), filter.limit, (item) => item.id);
}

/** The one whose id is, or ends with, `text`. */
function pick<T extends { id: string }>(all: readonly T[], text: string): T | undefined {
  const exact = all.find((each) => each.id === text);
  if (exact) return exact;
  const matches = all.filter((each) => each.id.endsWith(text));
  if (matches.length > 1) throw failure('ambiguous-id', { id: text, matches: matches.map((each) => each.id) });
  return matches[0];
}

/** @throws GodelError inbox-item-not-found, ambiguous-id */
export async function resolveItem(db: Reader, projectId: string, text: string): Promise<InboxItem> {
  const exact = await findItem(db, text);
  if (exact?.projectId === projectId) return exact;
  const pattern = `%${text.replaceAll(/[%_]/g, '')}`;
  const rows = await db
    .selectFrom('inbox')
    .select('body')
    .where('project_id', '=', projectId)
    .where('id', 'like', pattern)
    .limit(20)
    .execute();
  const found = pick(rows.map(toItem), text);
  if (!found) throw failure('inbox-item-not-found', { id: text });
  return found;
}

export async function listRules(db: Reader, projectId: string): Promise<InboxRule[]> {
  const rows = await db
    .selectFrom('inbox_rules')
    .select('body')
    .where('project_id', '=', projectId)
    .orderBy('id')
    .execute();
  return rows.map(toRule);
}

export async function insertRule(tx: Tx, rule: InboxRule): Promise<void> {
  const row = { id: rule.id, project_id: rule.projectId, body: JSON.stringify(rule), created_at: rule.createdAt };
  await tx.insertInto('inbox_rules').values(row).execute();
}

/** @throws GodelError inbox-item-not-found, ambiguous-id */
export async function deleteRule(tx: Tx, projectId: string, text: string): Promise<InboxRule> {
  const rows = await tx.selectFrom('inbox_rules').select('body').where('project_id', '=', projectId).execute();
  const found = pick(rows.map(toRule), text);
  if (!found) throw failure('inbox-item-not-found', { id: text });
  await tx.deleteFrom('inbox_rules').where('id', '=', found.id).execute();
  return found;
}
