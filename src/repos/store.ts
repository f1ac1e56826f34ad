/** All SQL of projects. */
import type { Reader, Tx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
import type { ProjectRow } from '../storage/tables.ts';
import type { Project } from './schema.ts';

const toProject = (row: ProjectRow): Project => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  path: row.path,
  gitDir: row.git_dir,
  mainBranch: row.main_branch,
  createdAt: row.created_at,
});

export async function allProjects(db: Reader): Promise<Project[]> {
  return (await db.selectFrom('projects').selectAll().orderBy('created_at').execute()).map(toProject);
}

const rowOf = prepared((db, id: string) => db.selectFrom('projects').selectAll().where('id', '=', id));

export async function findProject(db: Reader, id: string): Promise<Project | undefined> {
  const [row] = (await rowOf(db, id)).rows;
  return row && toProject(row);
}

export async function findProjectByGitDir(db: Reader, gitDir: string): Promise<Project | undefined> {
  const row = await db.selectFrom('projects').selectAll().where('git_dir', '=', gitDir).executeTakeFirst();
  return row && toProject(row);
}

export async function insertProject(tx: Tx, project: Project): Promise<void> {
  const row: ProjectRow = {
    id: project.id,
    tenant_id: project.tenantId,
    name: project.name,
    path: project.path,
    git_dir: project.gitDir,
    main_branch: project.mainBranch,
    state_oid: null,
    created_at: project.createdAt,
  };
  await tx.insertInto('projects').values(row).execute();
}

export async function moveProject(tx: Tx, id: string, change: Pick<Project, 'path' | 'mainBranch'>): Promise<void> {
  await tx
    .updateTable('projects')
    .set({ path: change.path, main_branch: change.mainBranch })
    .where('id', '=', id)
    .execute();
}

/** Commit of the state ref that the rows are equal to; null before the first flush. */
export async function stateOid(db: Reader, projectId: string): Promise<string | null> {
  const row = await db.selectFrom('projects').select('state_oid').where('id', '=', projectId).executeTakeFirst();
  return row?.state_oid ?? null;
}

export async function setStateOid(tx: Tx, projectId: string, oid: string | null): Promise<void> {
  await tx.updateTable('projects').set({ state_oid: oid }).where('id', '=', projectId).execute();
}
