/** All SQL of agents and of the prompts sent to them. */
import { type Page, toPage } from '../base/page.ts';
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import type { AgentRow, PromptRow } from '../storage/tables.ts';
import type { Agent, Prompt } from './schema.ts';

export type DeliverWhen = 'now' | 'after-tool' | 'after-turn';
export interface QueuedPrompt extends Prompt {
  when: DeliverWhen;
}

export const LIVE_LIFECYCLES = ['initializing', 'spawning', 'executing', 'waiting', 'paused', 'completing'] as const;

function toRow(agent: Agent): AgentRow {
  return {
    id: agent.id,
    project_id: agent.projectId,
    body: JSON.stringify(agent),
    version: agent.version,
    created_at: agent.createdAt,
    name: agent.name,
    lifecycle: agent.lifecycle,
    state: agent.observed.state,
    bead_id: agent.beadId ?? null,
  };
}

const toAgent = (row: { body: string }): Agent => JSON.parse(row.body) as Agent;

export async function findAgent(db: Reader, id: string): Promise<Agent | undefined> {
  const row = await db.selectFrom('agents').select('body').where('id', '=', id).executeTakeFirst();
  return row && toAgent(row);
}

/**
 * Finds an agent by name, id, or a unique beginning of either.
 * @throws GodelError agent-not-found, ambiguous-id
 */
export async function resolveAgent(db: Reader, projectId: string, text: string): Promise<Agent> {
  const rows = await db.selectFrom('agents').select('body').where('project_id', '=', projectId).execute();
  const agents = rows.map(toAgent);
  const exact = agents.find((agent) => agent.name === text || agent.id === text);
  if (exact) return exact;
  const matches = agents.filter((agent) => agent.name.startsWith(text) || agent.id.startsWith(text));
  const [first, ...others] = matches;
  if (!first) throw failure('agent-not-found', { id: text });
  if (others.length > 0) throw failure('ambiguous-id', { id: text, matches: matches.map((agent) => agent.name) });
  return first;
}

export interface AgentFilter {
  state?: string | undefined;
  bead?: string | undefined;
  all?: boolean | undefined;
  limit: number;
  cursor?: string | undefined;
}

export async function listAgents(db: Reader, projectId: string, filter: AgentFilter): Promise<Page<Agent>> {
  let query = db.selectFrom('agents').select('body').where('project_id', '=', projectId);
  if (!filter.all) query = query.where('lifecycle', 'in', [...LIVE_LIFECYCLES, 'failed']);
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  if (filter.bead !== undefined) query = query.where('bead_id', '=', filter.bead);
  if (filter.cursor !== undefined) query = query.where('id', '>', filter.cursor);
  const rows = await query
    .orderBy('id')
    .limit(filter.limit + 1)
    .execute();
  return toPage(rows.map(toAgent), filter.limit, (agent) => agent.id);
}

/** Agents of one project, or of all, whose program is expected to be alive. */
export async function liveAgents(db: Reader, projectId?: string): Promise<Agent[]> {
  let query = db.selectFrom('agents').select('body').where('lifecycle', 'in', LIVE_LIFECYCLES);
  if (projectId !== undefined) query = query.where('project_id', '=', projectId);
  return (await query.orderBy('id').execute()).map(toAgent);
}

/** True for the name of an agent whose program is over. Names that are no agent's are not. */
export async function isEndedAgent(db: Reader, projectId: string, name: string): Promise<boolean> {
  const row = await db
    .selectFrom('agents')
    .select('lifecycle')
    .where('project_id', '=', projectId)
    .where('name', '=', name)
    .executeTakeFirst();
  return row !== undefined && !(LIVE_LIFECYCLES as readonly string[]).includes(row.lifecycle);
}

/** Live agents and failed ones, of one project or of all. */
export async function revivableAgents(db: Reader, projectId?: string): Promise<Agent[]> {
  let query = db
    .selectFrom('agents')
    .select('body')
    .where('lifecycle', 'in', [...LIVE_LIFECYCLES, 'failed']);
  if (projectId !== undefined) query = query.where('project_id', '=', projectId);
  return (await query.orderBy('id').execute()).map(toAgent);
}

/** Live agents and those whose failure is still on the screen. */
export async function boardAgents(db: Reader, projectId: string): Promise<Agent[]> {
  return (await listAgents(db, projectId, { limit: 1000 })).items;
}

export async function agentNames(db: Reader, projectId: string): Promise<Set<string>> {
  const rows = await db.selectFrom('agents').select('name').where('project_id', '=', projectId).execute();
  return new Set(rows.map((row) => row.name));
}

export async function insertAgent(tx: Tx, agent: Agent): Promise<void> {
  await tx.insertInto('agents').values(toRow(agent)).execute();
}

/** Compare-and-set of the next version. @throws GodelError version-conflict */
export async function saveAgent(tx: Tx, agent: Agent): Promise<Agent> {
  const next = { ...agent, version: agent.version + 1 };
  const result = await tx
    .updateTable('agents')
    .set(toRow(next))
    .where('project_id', '=', agent.projectId)
    .where('id', '=', agent.id)
    .where('version', '=', agent.version)
    .executeTakeFirst();
  if (result.numUpdatedRows !== 1n) throw failure('version-conflict', { id: agent.name });
  return next;
}

const toPrompt = (row: PromptRow): QueuedPrompt => ({
  id: row.id,
  agentId: row.agent_id,
  text: row.text,
  author: row.author,
  status: row.status as Prompt['status'],
  attempts: row.attempts,
  createdAt: row.created_at,
  when: row.deliver_when as DeliverWhen,
  ...(row.reason === null ? {} : { reason: row.reason }),
  ...(row.delivered_at === null ? {} : { deliveredAt: row.delivered_at }),
  ...(row.acknowledged_at === null ? {} : { acknowledgedAt: row.acknowledged_at }),
});

/** Queues a prompt; with a key that was used before, the earlier prompt is returned instead. */
export async function queuePrompt(
  tx: Tx,
  prompt: {
    id: string;
    agentId: string;
    key?: string | undefined;
    text: string;
    author: string;
    when: string;
    now: string;
  },
): Promise<QueuedPrompt> {
  if (prompt.key !== undefined) {
    const known = await tx
      .selectFrom('prompts')
      .selectAll()
      .where('agent_id', '=', prompt.agentId)
      .where('send_key', '=', prompt.key)
      .executeTakeFirst();
    if (known) return toPrompt(known);
  }
  const row: PromptRow = {
    id: prompt.id,
    agent_id: prompt.agentId,
    send_key: prompt.key ?? null,
    text: prompt.text,
    author: prompt.author,
    deliver_when: prompt.when,
    status: 'queued',
    attempts: 0,
    reason: null,
    created_at: prompt.now,
    delivered_at: null,
    acknowledged_at: null,
  };
  await tx.insertInto('prompts').values(row).execute();
  return toPrompt(row);
}

/** Prompts not yet acknowledged nor dead, in the order they were sent. */
export async function openPrompts(db: Reader, agentId: string): Promise<QueuedPrompt[]> {
  const rows = await db
    .selectFrom('prompts')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('status', 'in', ['queued', 'delivered'])
    .orderBy('id')
    .execute();
  return rows.map(toPrompt);
}

export async function findPrompt(db: Reader, id: string): Promise<QueuedPrompt | undefined> {
  const row = await db.selectFrom('prompts').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toPrompt(row);
}

export async function listPrompts(
  db: Reader,
  agentId: string,
  page: { limit: number; cursor?: string | undefined },
): Promise<Page<QueuedPrompt>> {
  let query = db.selectFrom('prompts').selectAll().where('agent_id', '=', agentId);
  if (page.cursor !== undefined) query = query.where('id', '>', page.cursor);
  const rows = await query
    .orderBy('id')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows.map(toPrompt), page.limit, (prompt) => prompt.id);
}

export type PromptChange = Partial<
  Pick<PromptRow, 'status' | 'attempts' | 'reason' | 'delivered_at' | 'acknowledged_at'>
>;

/** Changes a prompt that is in one of `from`; false when it was not. */
export async function changePrompt(
  tx: Tx,
  id: string,
  from: readonly string[],
  change: PromptChange,
): Promise<boolean> {
  const result = await tx
    .updateTable('prompts')
    .set(change)
    .where('id', '=', id)
    .where('status', 'in', from)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
