/** SQL of the two append-only logs: events (what happened) and the outbox (what git must learn). */
import { type EventDraft, type GodelEvent, payloadText } from '../base/event.ts';
import { newId } from '../base/id.ts';
import type { Reader, Tx } from './database.ts';
import { prepared } from './prepared.ts';
import type { EventRow, OutboxRow } from './tables.ts';

export interface OutboxDraft {
  path: string;
  content: string;
  subject: string;
}

export interface OutboxEntry extends OutboxDraft {
  id: number;
  createdMs: number;
}

export interface EventFilter {
  projectId?: string | undefined;
  beadId?: string | undefined;
  agentId?: string | undefined;
}

type StoredEventRow = Omit<EventRow, 'seq'> & { seq: number };

function toEvent(row: StoredEventRow): GodelEvent {
  return {
    seq: row.seq,
    id: row.id,
    type: row.type,
    timestamp: row.timestamp,
    source: { component: row.component },
    payload: JSON.parse(row.payload) as Record<string, unknown>,
    metadata: JSON.parse(row.metadata) as GodelEvent['metadata'],
  };
}

type NewEvent = Omit<EventRow, 'seq'>;

const eventInsert = prepared(
  (
    db,
    id: string,
    type: string,
    timestamp: number,
    component: string,
    project_id: string | null,
    bead_id: string | null,
    agent_id: string | null,
    payload: string,
    metadata: string,
  ) =>
    db
      .insertInto('events')
      .values({ id, type, timestamp, component, project_id, bead_id, agent_id, payload, metadata } satisfies NewEvent),
);

/** Appends one event and returns it with its sequence number; what it holds is the caller's and is not changed any more. */
export async function appendEvent(tx: Tx, draft: EventDraft, nowMs: number): Promise<GodelEvent> {
  const { type, component, payload, metadata } = draft;
  const id = newId();
  const { insertedId: seq } = await eventInsert(
    tx,
    id,
    type,
    nowMs,
    component,
    metadata.projectId ?? null,
    metadata.beadId ?? null,
    metadata.agentId ?? null,
    payloadText(draft),
    JSON.stringify(metadata),
  );
  return { seq, id, type, timestamp: nowMs, source: { component }, payload, metadata };
}

/** Events after `since`, oldest first. */
export async function eventsSince(
  db: Reader,
  since: number,
  limit: number,
  filter: EventFilter = {},
): Promise<GodelEvent[]> {
  let query = db.selectFrom('events').selectAll().where('seq', '>', since).orderBy('seq').limit(limit);
  if (filter.projectId) query = query.where('project_id', '=', filter.projectId);
  if (filter.beadId) query = query.where('bead_id', '=', filter.beadId);
  if (filter.agentId) query = query.where('agent_id', '=', filter.agentId);
  return (await query.execute()).map((row) => toEvent(row));
}

/** The latest events of some types that an actor caused in a project, newest first. */
export async function eventsOfActor(
  db: Reader,
  projectId: string,
  actorId: string,
  types: readonly string[],
  limit: number,
): Promise<GodelEvent[]> {
  const rows = await db
    .selectFrom('events')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('type', 'in', types)
    .where('metadata', 'like', `%"userId":${JSON.stringify(actorId)}%`)
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => toEvent(row));
}

/** First and last sequence number kept; zeros when there are no events. */
export async function eventRange(db: Reader): Promise<{ oldest: number; last: number }> {
  const row = await db
    .selectFrom('events')
    .select((e) => [e.fn.min('seq').as('oldest'), e.fn.max('seq').as('last')])
    .executeTakeFirst();
  return { oldest: Number(row?.oldest ?? 0), last: Number(row?.last ?? 0) };
}

const outboxInsert = prepared(
  (db, project_id: string, path: string, content: string, subject: string, created_ms: number) =>
    db.insertInto('outbox').values({ project_id, path, content, subject, created_ms }),
);

/** Queues a file for git; the id of its row. */
export async function appendOutbox(tx: Tx, projectId: string, draft: OutboxDraft, nowMs: number): Promise<number> {
  return (await outboxInsert(tx, projectId, draft.path, draft.content, draft.subject, nowMs)).insertedId;
}

/** What git must learn still, oldest first, from after the row with id `after` on. */
export async function pendingOutbox(db: Reader, projectId: string, limit: number, after = 0): Promise<OutboxEntry[]> {
  const rows = await db
    .selectFrom('outbox')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map((row: Omit<OutboxRow, 'id'> & { id: number }) => ({
    id: row.id,
    path: row.path,
    content: row.content,
    subject: row.subject,
    createdMs: row.created_ms,
  }));
}

const pendingUpdate = prepared((db, projectId: string, path: string, content: string) =>
  db.updateTable('outbox').set({ content }).where('project_id', '=', projectId).where('path', '=', path),
);

/** Gives what waits for git at one path a new text: what was merged meanwhile must not be written over. */
export async function rewritePending(tx: Tx, projectId: string, path: string, content: string): Promise<number> {
  return (await pendingUpdate(tx, projectId, path, content)).changed;
}

/** Paths that wait for git. */
export async function pendingPaths(db: Reader, projectId: string): Promise<Set<string>> {
  const rows = await db.selectFrom('outbox').select('path').where('project_id', '=', projectId).execute();
  return new Set(rows.map((row) => row.path));
}

/** Forgets flushed rows and records the commit that holds them, in one transaction. */
export async function markFlushed(tx: Tx, projectId: string, upToId: number, oid: string): Promise<void> {
  await tx.deleteFrom('outbox').where('project_id', '=', projectId).where('id', '<=', upToId).execute();
  await tx.updateTable('projects').set({ state_oid: oid }).where('id', '=', projectId).execute();
}
