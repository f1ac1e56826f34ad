/** All SQL of conflicts. */
import type { Reader, Tx } from '../storage/database.ts';
import type { Fields } from '../storage/record/record.ts';
import { loadRecord } from '../storage/records.ts';
import { replicaPath } from '../storage/state-ref/layout.ts';
import { type Conflict, storedConflictSchema } from './schema.ts';

const toConflict = (row: { body: string }): Conflict => JSON.parse(row.body) as Conflict;

/** A conflict as its record says it. Throws a ZodError. */
export function conflictFromRecord(projectId: string, fields: Fields): Conflict {
  return { ...storedConflictSchema.parse(fields), projectId } as Conflict;
}

export async function replaceConflict(tx: Tx, conflict: Conflict): Promise<void> {
  const row = {
    id: conflict.id,
    project_id: conflict.projectId,
    about: conflict.about,
    is_open: conflict.resolution === undefined ? 1 : 0,
    created_at: conflict.createdAt,
    body: JSON.stringify(conflict),
  };
  await tx
    .insertInto('conflicts')
    .values(row)
    .onConflict((c) => c.columns(['project_id', 'id']).doUpdateSet(row))
    .execute();
}

export interface ConflictFilter {
  about?: string | undefined;
  /** Decided ones as well. */
  all?: boolean | undefined;
}

export async function listConflicts(db: Reader, projectId: string, filter: ConflictFilter = {}): Promise<Conflict[]> {
  let query = db.selectFrom('conflicts').select('body').where('project_id', '=', projectId);
  if (filter.about !== undefined) query = query.where('about', '=', filter.about);
  if (!filter.all) query = query.where('is_open', '=', 1);
  const found = (await query.orderBy('created_at').orderBy('id').execute()).map(toConflict);
  return Promise.all(found.map((conflict) => named(db, projectId, conflict)));
}

/** With the names of the replicas that wrote the two values, where they are known. */
async function named(db: Reader, projectId: string, conflict: Conflict): Promise<Conflict> {
  const nameOf = async (replica: string) =>
    (await loadRecord(db, projectId, replicaPath(replica)))?.fields.name as string | undefined;
  const [kept, lost] = await Promise.all([nameOf(conflict.kept.replica), nameOf(conflict.lost.replica)]);
  return {
    ...conflict,
    kept: { ...conflict.kept, ...(kept === undefined ? {} : { by: kept }) },
    lost: { ...conflict.lost, ...(lost === undefined ? {} : { by: lost }) },
  };
}

export async function countConflicts(db: Reader, projectId: string, about?: string): Promise<number> {
  let query = db
    .selectFrom('conflicts')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .where('is_open', '=', 1);
  if (about !== undefined) query = query.where('about', '=', about);
  return Number((await query.executeTakeFirst())?.count ?? 0);
}
