/** All SQL of moves: sessions that are being put elsewhere, which is finished after a crash. */
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import type { Move } from './schema.ts';

const toMove = (row: { body: string }): Move => JSON.parse(row.body) as Move;

/** @throws GodelError session-moving when the agent is being moved already */
export async function insertMove(tx: Tx, move: Move, now: string): Promise<void> {
  const known = await findMove(tx, move.agentId);
  if (known) throw failure('session-moving', { name: move.agentName });
  const row = { agent_id: move.agentId, project_id: move.projectId, body: JSON.stringify(move), created_at: now };
  await tx.insertInto('session_moves').values(row).execute();
}

export async function saveMove(tx: Tx, move: Move): Promise<void> {
  await tx
    .updateTable('session_moves')
    .set({ body: JSON.stringify(move) })
    .where('agent_id', '=', move.agentId)
    .execute();
}

export async function deleteMove(tx: Tx, agentId: string): Promise<void> {
  await tx.deleteFrom('session_moves').where('agent_id', '=', agentId).execute();
}

export async function findMove(db: Reader, agentId: string): Promise<Move | undefined> {
  const row = await db.selectFrom('session_moves').select('body').where('agent_id', '=', agentId).executeTakeFirst();
  return row && toMove(row);
}

export async function openMoves(db: Reader): Promise<Move[]> {
  return (await db.selectFrom('session_moves').select('body').orderBy('created_at').execute()).map(toMove);
}
