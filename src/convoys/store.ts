/** All SQL of convoys. */
import { sql } from 'kysely';
import { type Page, toPage } from '../base/page.ts';
import type { BeadStatus } from '../beads/schema.ts';
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import type { Fields } from '../storage/record/record.ts';
import type { RecordDraft } from '../storage/records.ts';
import { convoyPath } from '../storage/state-ref/layout.ts';
import type { ConvoyRow } from '../storage/tables.ts';
import { type Convoy, storedConvoySchema } from './schema.ts';

function toRow(convoy: Convoy): ConvoyRow {
  return {
    id: convoy.id,
    project_id: convoy.projectId,
    body: JSON.stringify(convoy),
    version: convoy.version,
    created_at: convoy.createdAt,
    status: convoy.status,
    name: convoy.name,
  };
}

const toConvoy = (row: { body: string }): Convoy => JSON.parse(row.body) as Convoy;

export function convoyFile(convoy: Convoy, subject: string): RecordDraft {
  const { projectId: _project, version: _version, ...fields } = convoy;
  return { path: convoyPath(convoy.id), fields, subject: `${convoy.id}: ${subject}` };
}

/** A convoy read back from git. Throws a ZodError. */
export function convoyFromRecord(projectId: string, fields: Fields): Convoy {
  return { ...storedConvoySchema.parse(fields), projectId, version: 1 } as Convoy;
}

const all = (db: Reader, projectId: string) =>
  db.selectFrom('convoys').select('body').where('project_id', '=', projectId);

/**
 * Finds a convoy by id, exact name, or unique prefix of its id.
 * @throws GodelError convoy-not-found, ambiguous-id
 */
export async function resolveConvoy(db: Reader, projectId: string, text: string): Promise<Convoy> {
  const rows = await all(db, projectId)
    .where((e) =>
      e.or([e('id', '=', text), e('name', '=', text), e('id', '>=', text).and('id', '<', `${text}\u{10ffff}`)]),
    )
    .orderBy('id')
    .limit(20)
    .execute();
  const found = rows.map(toConvoy);
  const exact = found.filter((convoy) => convoy.id === text || convoy.name === text);
  const matches = exact.length > 0 ? exact : found;
  const [first, ...others] = matches;
  if (!first) throw failure('convoy-not-found', { id: text });
  if (others.length > 0) throw failure('ambiguous-id', { id: text, matches: matches.map((convoy) => convoy.id) });
  return first;
}

export async function convoyExists(db: Reader, projectId: string, id: string): Promise<boolean> {
  return (await all(db, projectId).where('id', '=', id).executeTakeFirst()) !== undefined;
}

export async function listConvoys(
  db: Reader,
  projectId: string,
  filter: { status?: string | undefined; limit: number; cursor?: string | undefined },
): Promise<Page<Convoy>> {
  let query = all(db, projectId)
    .orderBy('id')
    .limit(filter.limit + 1);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  if (filter.cursor !== undefined) query = query.where('id', '>', filter.cursor);
  return toPage((await query.execute()).map(toConvoy), filter.limit, (convoy) => convoy.id);
}

export async function allConvoys(db: Reader, projectId: string): Promise<Convoy[]> {
  return (await all(db, projectId).orderBy('id').execute()).map(toConvoy);
}

/** Convoys that hold a bead, archived ones included. */
export async function convoysWith(db: Reader, projectId: string, beadId: string): Promise<Convoy[]> {
  const rows = await all(db, projectId)
    .where('id', 'in', (e) =>
      e
        .selectFrom('convoy_beads')
        .select('convoy_id')
        .where('project_id', '=', projectId)
        .where('bead_id', '=', beadId),
    )
    .orderBy('id')
    .execute();
  return rows.map(toConvoy);
}

export interface ConvoyCounts {
  /** One for each bead that exists. */
  statuses: BeadStatus[];
  /** Open beads that wait for another. */
  blocked: number;
}

/** Where the beads of convoys are, without reading them. */
export async function convoyCounts(
  db: Reader,
  projectId: string,
  ids: readonly string[],
): Promise<Map<string, ConvoyCounts>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ convoy_id: string; status: BeadStatus; beads: number; blocked: number }>`
    select m.convoy_id, b.status, count(*) as beads,
      sum(case when b.status = 'open' and b.open_blockers > 0 then 1 else 0 end) as blocked
    from convoy_beads m join beads b on b.project_id = m.project_id and b.id = m.bead_id
    where m.project_id = ${projectId} and m.convoy_id in (${sql.join(ids)})
    group by m.convoy_id, b.status`.execute(db);
  const counts = new Map<string, ConvoyCounts>();
  for (const { convoy_id: id, status, beads, blocked } of rows) {
    const known = counts.get(id) ?? { statuses: [], blocked: 0 };
    known.statuses.push(...Array.from({ length: Number(beads) }, () => status));
    known.blocked += Number(blocked);
    counts.set(id, known);
  }
  return counts;
}

const dropMembers = (tx: Tx, projectId: string, id: string) =>
  tx.deleteFrom('convoy_beads').where('project_id', '=', projectId).where('convoy_id', '=', id).execute();

/** Which beads it holds, as rows that are found from either side. */
async function indexMembers(tx: Tx, convoy: Convoy): Promise<void> {
  await dropMembers(tx, convoy.projectId, convoy.id);
  const rows = [...new Set(convoy.beads)].map((beadId) => ({
    project_id: convoy.projectId,
    convoy_id: convoy.id,
    bead_id: beadId,
  }));
  const CHUNK = 500;
  for (let start = 0; start < rows.length; start += CHUNK) {
    await tx
      .insertInto('convoy_beads')
      .values(rows.slice(start, start + CHUNK))
      .execute();
  }
}

export async function insertConvoy(tx: Tx, convoy: Convoy): Promise<void> {
  await tx.insertInto('convoys').values(toRow(convoy)).execute();
  await indexMembers(tx, convoy);
}

/** Compare-and-set of the next version. @throws GodelError version-conflict */
export async function saveConvoy(tx: Tx, convoy: Convoy): Promise<Convoy> {
  const next = { ...convoy, version: convoy.version + 1 };
  const result = await tx
    .updateTable('convoys')
    .set(toRow(next))
    .where('project_id', '=', convoy.projectId)
    .where('id', '=', convoy.id)
    .where('version', '=', convoy.version)
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw failure('version-conflict', { id: convoy.id });
  await indexMembers(tx, next);
  return next;
}

/** Puts a convoy that came from git in place of whatever row there is. */
export async function replaceConvoy(tx: Tx, convoy: Convoy): Promise<void> {
  const known = await all(tx, convoy.projectId).where('id', '=', convoy.id).executeTakeFirst();
  const row = toRow({ ...convoy, version: known ? toConvoy(known).version + 1 : 1 });
  await tx
    .insertInto('convoys')
    .values(row)
    .onConflict((c) => c.columns(['project_id', 'id']).doUpdateSet(row))
    .execute();
  await indexMembers(tx, convoy);
}

export async function deleteConvoy(tx: Tx, projectId: string, id: string): Promise<void> {
  await tx.deleteFrom('convoys').where('project_id', '=', projectId).where('id', '=', id).execute();
  await dropMembers(tx, projectId, id);
}
