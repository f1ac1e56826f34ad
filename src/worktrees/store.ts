/** All SQL of worktrees and of their ports. */
import type { Reader, Tx } from '../storage/database.ts';
import type { PortBlockRow, WorktreeRow } from '../storage/tables.ts';
import type { PortBlock } from './schema.ts';

export interface TreeRecord {
  projectId: string;
  beadId: string;
  state: 'making' | 'ready' | 'removing';
  path: string;
  trash?: string;
  newBranch: boolean;
  createdMs: number;
  usedMs: number;
  bytes?: number;
  measuredMs?: number;
}

const toRecord = (row: WorktreeRow): TreeRecord => ({
  projectId: row.project_id,
  beadId: row.bead_id,
  state: row.state as TreeRecord['state'],
  path: row.path,
  newBranch: row.new_branch === 1,
  createdMs: Number(row.created_ms),
  usedMs: Number(row.used_ms),
  ...(row.trash === null ? {} : { trash: row.trash }),
  ...(row.bytes === null ? {} : { bytes: Number(row.bytes) }),
  ...(row.measured_ms === null ? {} : { measuredMs: Number(row.measured_ms) }),
});

const toRow = (record: TreeRecord): WorktreeRow => ({
  project_id: record.projectId,
  bead_id: record.beadId,
  state: record.state,
  path: record.path,
  trash: record.trash ?? null,
  new_branch: record.newBranch ? 1 : 0,
  created_ms: record.createdMs,
  used_ms: record.usedMs,
  bytes: record.bytes ?? null,
  measured_ms: record.measuredMs ?? null,
});

export async function allRecords(db: Reader, projectId?: string): Promise<TreeRecord[]> {
  let query = db.selectFrom('worktrees').selectAll();
  if (projectId !== undefined) query = query.where('project_id', '=', projectId);
  return (await query.orderBy('created_ms').execute()).map(toRecord);
}

export async function findRecord(db: Reader, projectId: string, beadId: string): Promise<TreeRecord | undefined> {
  const row = await db
    .selectFrom('worktrees')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('bead_id', '=', beadId)
    .executeTakeFirst();
  return row && toRecord(row);
}

export async function putRecord(tx: Tx, record: TreeRecord): Promise<void> {
  const row = toRow(record);
  await tx
    .insertInto('worktrees')
    .values(row)
    .onConflict((c) => c.columns(['project_id', 'bead_id']).doUpdateSet(row))
    .execute();
}

/** A worktree that was moved. */
export async function moveRecord(tx: Tx, projectId: string, beadId: string, path: string): Promise<void> {
  await tx
    .updateTable('worktrees')
    .set({ path })
    .where('project_id', '=', projectId)
    .where('bead_id', '=', beadId)
    .execute();
}

export async function deleteRecord(tx: Tx, projectId: string, beadId: string): Promise<void> {
  for (const table of ['worktrees', 'port_blocks'] as const) {
    await tx.deleteFrom(table).where('project_id', '=', projectId).where('bead_id', '=', beadId).execute();
  }
}

const toBlock = (row: PortBlockRow): PortBlock => ({ base: row.base, end: row.base + row.size - 1 });

/** Every block of this home, lowest first. */
export async function portBlocks(db: Reader): Promise<PortBlock[]> {
  return (await db.selectFrom('port_blocks').selectAll().orderBy('base').execute()).map(toBlock);
}

/** Blocks of a project by bead. */
export async function portsByBead(db: Reader, projectId: string): Promise<Map<string, PortBlock>> {
  const rows = await db.selectFrom('port_blocks').selectAll().where('project_id', '=', projectId).execute();
  return new Map(rows.map((row) => [row.bead_id, toBlock(row)]));
}

export async function insertPorts(tx: Tx, owner: { projectId: string; beadId: string }, block: PortBlock) {
  const row = {
    base: block.base,
    size: block.end - block.base + 1,
    project_id: owner.projectId,
    bead_id: owner.beadId,
  };
  await tx.insertInto('port_blocks').values(row).execute();
}
