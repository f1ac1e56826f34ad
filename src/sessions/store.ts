/** All SQL of sessions. */
import { sql } from 'kysely';
import { idPatterns } from '../base/id.ts';
import { type Page, toPage } from '../base/page.ts';
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { SessionRow } from '../storage/tables.ts';
import type { Session } from './schema.ts';

const toSession = (row: { body: string }): Session => JSON.parse(row.body) as Session;

function toRow(session: Session): SessionRow {
  return {
    id: session.id,
    project_id: session.projectId,
    agent_id: session.agentId,
    bead_id: session.beadId ?? null,
    parent_id: session.parentId ?? null,
    status: session.status,
    body: JSON.stringify(session),
    version: session.version,
    created_at: session.createdAt,
  };
}

export async function insertSession(tx: Tx, session: Session): Promise<void> {
  await tx.insertInto('sessions').values(toRow(session)).execute();
}

/** Compare-and-set of the next version. @throws GodelError version-conflict */
export async function saveSession(tx: Tx, session: Session): Promise<Session> {
  const next = { ...session, version: session.version + 1 };
  const result = await tx
    .updateTable('sessions')
    .set(toRow(next))
    .where('id', '=', session.id)
    .where('version', '=', session.version)
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw failure('version-conflict', { id: session.id });
  return next;
}

export async function findSession(db: Reader, id: string): Promise<Session | undefined> {
  const row = await db.selectFrom('sessions').select('body').where('id', '=', id).executeTakeFirst();
  return row && toSession(row);
}

const newestOf = prepared((db, agentId: string) =>
  db.selectFrom('sessions').select('body').where('agent_id', '=', agentId).orderBy('id', 'desc').limit(1),
);

/** The conversation an agent is in: its newest one. */
export async function newestSession(db: Reader, agentId: string): Promise<Session | undefined> {
  const [row] = (await newestOf(db, agentId)).rows;
  return row && toSession(row);
}

/** Sessions that go on from one, oldest first. */
export async function childSessions(db: Reader, id: string): Promise<Session[]> {
  const rows = await db.selectFrom('sessions').select('body').where('parent_id', '=', id).orderBy('id').execute();
  return rows.map(toSession);
}

export interface SessionFilter {
  status?: string | undefined;
  agentId?: string | undefined;
  beadId?: string | undefined;
  /** Archived ones too. */
  all?: boolean | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** Newest first. */
export async function listSessions(db: Reader, projectId: string, filter: SessionFilter): Promise<Page<Session>> {
  let query = db.selectFrom('sessions').select('body').where('project_id', '=', projectId);
  if (!filter.all && filter.status !== 'archived') query = query.where('status', '!=', 'archived');
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  if (filter.agentId !== undefined) query = query.where('agent_id', '=', filter.agentId);
  if (filter.beadId !== undefined) query = query.where('bead_id', '=', filter.beadId);
  if (filter.cursor !== undefined) query = query.where('id', '<', filter.cursor);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(filter.limit + 1)
    .execute();
  return toPage(rows.map(toSession), filter.limit, (session) => session.id);
}

/** So many ids are enough to show that a text is not unique. */
const MOST_MATCHES = 20;

/**
 * A session by its id, a unique beginning or end of it; or the newest one of an agent (name or id) or of a bead.
 * @throws GodelError session-not-found, ambiguous-id
 */
export async function resolveSession(db: Reader, projectId: string, text: string): Promise<Session> {
  const ofProject = db.selectFrom('sessions').select('body').where('project_id', '=', projectId).orderBy('id', 'desc');
  const agentName = sql<string>`json_extract(body, '$.agentName')`;
  const exact = await ofProject
    .where((e) =>
      e.or([e('id', '=', text), e('agent_id', '=', text), e('bead_id', '=', text), e(agentName, '=', text)]),
    )
    .limit(1)
    .executeTakeFirst();
  if (exact) return toSession(exact);
  const patterns = idPatterns(text);
  const rows = await ofProject
    .where((e) => e.or(patterns.map((pattern) => e('id', 'like', pattern))))
    .limit(MOST_MATCHES)
    .execute();
  const [first, ...others] = rows.map(toSession);
  if (!first) throw failure('session-not-found', { id: text });
  if (others.length > 0) throw failure('ambiguous-id', { id: text, matches: [first, ...others].map(({ id }) => id) });
  return first;
}
