/** All SQL of checkpoints. Their rows are an index of the refs. */
import { idPatterns } from '../base/id.ts';
import { type Page, toPage } from '../base/page.ts';
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { Checkpoint } from './schema.ts';

const toCheckpoint = (row: { body: string }): Checkpoint => JSON.parse(row.body) as Checkpoint;

const rowInsert = prepared(
  (
    db,
    id: string,
    project_id: string,
    session_id: string,
    bead_id: string | null,
    name: string | null,
    body: string,
    created_at: string,
  ) =>
    db
      .insertInto('checkpoints')
      .values({ id, project_id, session_id, bead_id, name, body, created_at })
      .onConflict((c) => c.column('id').doNothing()),
);

/** Adds the row of a checkpoint; one that is there is left as it is. */
export async function insertCheckpoint(tx: Tx, checkpoint: Checkpoint): Promise<void> {
  const { id, projectId, sessionId, beadId = null, name = null, createdAt } = checkpoint;
  await rowInsert(tx, id, projectId, sessionId, beadId, name, JSON.stringify(checkpoint), createdAt);
}

export async function deleteCheckpoint(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('checkpoints').where('id', '=', id).execute();
}

/** Checkpoints of a session, oldest first. */
export async function checkpointsOf(db: Reader, sessionId: string): Promise<Checkpoint[]> {
  const rows = await db
    .selectFrom('checkpoints')
    .select('body')
    .where('session_id', '=', sessionId)
    .orderBy('id')
    .execute();
  return rows.map(toCheckpoint);
}

const countOf = prepared((db, sessionId: string) =>
  db
    .selectFrom('checkpoints')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('session_id', '=', sessionId),
);

export async function checkpointCount(db: Reader, sessionId: string): Promise<number> {
  return Number((await countOf(db, sessionId)).rows[0]?.count ?? 0);
}

const lastOf = prepared((db, sessionId: string) =>
  db.selectFrom('checkpoints').select('body').where('session_id', '=', sessionId).orderBy('id', 'desc').limit(1),
);

export async function lastCheckpoint(db: Reader, sessionId: string): Promise<Checkpoint | undefined> {
  const [row] = (await lastOf(db, sessionId)).rows;
  return row && toCheckpoint(row);
}

export async function allCheckpoints(db: Reader, projectId: string): Promise<Checkpoint[]> {
  const rows = await db
    .selectFrom('checkpoints')
    .select('body')
    .where('project_id', '=', projectId)
    .orderBy('id', 'desc')
    .execute();
  return rows.map(toCheckpoint);
}

export interface CheckpointFilter {
  sessionId?: string | undefined;
  beadId?: string | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** Newest first. */
export async function listCheckpoints(
  db: Reader,
  projectId: string,
  filter: CheckpointFilter,
): Promise<Page<Checkpoint>> {
  let query = db.selectFrom('checkpoints').select('body').where('project_id', '=', projectId);
  if (filter.sessionId !== undefined) query = query.where('session_id', '=', filter.sessionId);
  if (filter.beadId !== undefined) query = query.where('bead_id', '=', filter.beadId);
  if (filter.cursor !== undefined) query = query.where('id', '<', filter.cursor);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(filter.limit + 1)
    .execute();
  return toPage(rows.map(toCheckpoint), filter.limit, (checkpoint) => checkpoint.id);
}

/** So many ids are enough to show that a text is not unique. */
const MOST_MATCHES = 20;

/**
 * A checkpoint by its name (the newest one that bears it), its id, or a unique beginning or end of that.
 * @throws GodelError checkpoint-not-found, ambiguous-id
 */
export async function resolveCheckpoint(db: Reader, projectId: string, text: string): Promise<Checkpoint> {
  const ofProject = db
    .selectFrom('checkpoints')
    .select('body')
    .where('project_id', '=', projectId)
    .orderBy('id', 'desc');
  const exact = await ofProject
    .where((e) => e.or([e('id', '=', text), e('name', '=', text)]))
    .limit(1)
    .executeTakeFirst();
  if (exact) return toCheckpoint(exact);
  const patterns = idPatterns(text);
  const rows = await ofProject
    .where((e) => e.or(patterns.map((pattern) => e('id', 'like', pattern))))
    .limit(MOST_MATCHES)
    .execute();
  const [first, ...others] = rows.map(toCheckpoint);
  if (!first) throw failure('checkpoint-not-found', { id: text });
  if (others.length > 0) throw failure('ambiguous-id', { id: text, matches: [first, ...others].map(({ id }) => id) });
  return first;
}
