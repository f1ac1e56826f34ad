/** SQL of quarantine: files of the state ref that could not be read, until they can be again. */
import type { Reader, Tx } from './database.ts';

export interface Quarantined {
  projectId: string;
  path: string;
  /** Commit it was found in. */
  oid: string;
  problem: string;
  /** What is shown instead: `database`, a commit, or nothing. */
  replacedBy: string;
  foundAt: string;
}

export async function quarantine(
  tx: Tx,
  { projectId, path, oid, problem, replacedBy, nowMs }: Omit<Quarantined, 'foundAt'> & { nowMs: number },
): Promise<void> {
  const row = { oid, problem, replaced_by: replacedBy, found_at: new Date(nowMs).toISOString() };
  await tx
    .insertInto('quarantine')
    .values({ project_id: projectId, path, ...row })
    .onConflict((c) => c.columns(['project_id', 'path']).doUpdateSet(row))
    .execute();
}

export async function quarantinedPaths(db: Reader, projectId: string): Promise<Set<string>> {
  const rows = await db.selectFrom('quarantine').select('path').where('project_id', '=', projectId).execute();
  return new Set(rows.map((row) => row.path));
}

export async function listQuarantine(db: Reader, projectId: string): Promise<Quarantined[]> {
  const rows = await db.selectFrom('quarantine').selectAll().where('project_id', '=', projectId).execute();
  return rows.map((row) => ({
    projectId: row.project_id,
    path: row.path,
    oid: row.oid,
    problem: row.problem,
    replacedBy: row.replaced_by,
    foundAt: row.found_at,
  }));
}

export async function forgetQuarantine(tx: Tx, projectId: string, path: string): Promise<void> {
  await tx.deleteFrom('quarantine').where('project_id', '=', projectId).where('path', '=', path).execute();
}
