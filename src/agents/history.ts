/** SQL of the history of agents' lives: every transition, for as long as the agent is known. */
import type { Reader, Tx } from '../storage/database.ts';
import type { HistoryEntry } from './schema.ts';

export async function addHistory(
  tx: Tx,
  entry: Omit<HistoryEntry, 'reason'> & { agentId: string; reason?: string | undefined },
): Promise<void> {
  const row = {
    agent_id: entry.agentId,
    generation: entry.generation,
    from_lifecycle: entry.from,
    to_lifecycle: entry.to,
    action: entry.action,
    reason: entry.reason ?? null,
    at: entry.at,
  };
  await tx.insertInto('agent_history').values(row).execute();
}

/** How often an agent was started since then. */
export async function startsSince(db: Reader, agentId: string, since: string): Promise<number> {
  const row = await db
    .selectFrom('agent_history')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('agent_id', '=', agentId)
    .where('action', '=', 'retry')
    .where('at', '>=', since)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

/** Transitions of an agent, oldest first. */
export async function historyOf(db: Reader, agentId: string): Promise<HistoryEntry[]> {
  const rows = await db.selectFrom('agent_history').selectAll().where('agent_id', '=', agentId).orderBy('id').execute();
  return rows.map((row) => ({
    generation: row.generation,
    from: row.from_lifecycle as HistoryEntry['from'],
    to: row.to_lifecycle as HistoryEntry['to'],
    action: row.action,
    at: row.at,
    ...(row.reason === null ? {} : { reason: row.reason }),
  }));
}
