/** All SQL of commit links. */
import type { Reader, Tx } from '../storage/database.ts';
import type { CommitLinkRow } from '../storage/tables.ts';
import type { CommitLink } from './schema.ts';

/** A link, or the whole branch as one change: its `commit` is then the branch's head. */
export interface StoredLink extends Omit<CommitLink, 'state' | 'replacedBy'> {
  position: number;
  /** False once the branch no longer holds it. */
  isCurrent: boolean;
  isWhole: boolean;
}

const toLink = (row: CommitLinkRow): StoredLink => ({
  beadId: row.bead_id,
  commit: row.commit_oid,
  subject: row.subject,
  author: row.author,
  authoredAt: row.authored_at,
  position: row.position,
  isCurrent: row.current === 1,
  isWhole: row.whole === 1,
  ...(row.patch_id === null ? {} : { patchId: row.patch_id }),
  ...(row.main_oid === null ? {} : { mainCommit: row.main_oid }),
});

export async function linksOf(db: Reader, projectId: string, beadId: string): Promise<StoredLink[]> {
  const rows = await db
    .selectFrom('commit_links')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('bead_id', '=', beadId)
    .orderBy('position')
    .execute();
  return rows.map(toLink);
}

export async function putLink(tx: Tx, projectId: string, link: StoredLink): Promise<void> {
  const row: CommitLinkRow = {
    project_id: projectId,
    bead_id: link.beadId,
    commit_oid: link.commit,
    whole: link.isWhole ? 1 : 0,
    patch_id: link.patchId ?? null,
    subject: link.subject,
    author: link.author,
    authored_at: link.authoredAt,
    position: link.position,
    current: link.isCurrent ? 1 : 0,
    main_oid: link.mainCommit ?? null,
  };
  await tx
    .insertInto('commit_links')
    .values(row)
    .onConflict((c) => c.columns(['project_id', 'bead_id', 'commit_oid', 'whole']).doUpdateSet(row))
    .execute();
}

/** Notes that a change is on the main branch as `commit`; the beads it belongs to. */
export async function markOnMain(tx: Tx, projectId: string, patchId: string, commit: string): Promise<string[]> {
  const rows = await tx
    .updateTable('commit_links')
    .set({ main_oid: commit })
    .where('project_id', '=', projectId)
    .where('patch_id', '=', patchId)
    .where('main_oid', 'is', null)
    .returning('bead_id')
    .execute();
  return [...new Set(rows.map((row) => row.bead_id))];
}

/** Beads that have a current link and the links themselves. */
export async function currentLinks(db: Reader, projectId: string): Promise<StoredLink[]> {
  const rows = await db
    .selectFrom('commit_links')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('current', '=', 1)
    .execute();
  return rows.map(toLink);
}

/** Tip of the main branch up to which changes were compared. */
export async function scannedTip(db: Reader, projectId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('commit_scans')
    .select('main_oid')
    .where('project_id', '=', projectId)
    .executeTakeFirst();
  return row?.main_oid;
}

export async function setScannedTip(tx: Tx, projectId: string, oid: string): Promise<void> {
  await tx
    .insertInto('commit_scans')
    .values({ project_id: projectId, main_oid: oid })
    .onConflict((c) => c.column('project_id').doUpdateSet({ main_oid: oid }))
    .execute();
}
