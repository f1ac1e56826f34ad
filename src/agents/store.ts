/** All SQL of agents and of the prompts sent to them. */
import { type Page, toPage } from '../base/page.ts';
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import { prepared } from '../storage/prepared.ts';
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

const bodyOf = prepared((db, id: string) => db.selectFrom('agents').select('body').where('id', '=', id));

export async function findAgent(db: Reader, id: string): Promise<Agent | undefined> {
  const [row] = (await bodyOf(db, id)).rows;
  return row && toAgent(row);
}

const namedSo = prepared((db, projectId: string, name: string, id: string) =>
  db
    .selectFrom('agents')
    .select('body')
    .where('project_id', '=', projectId)
    .where((e) => e.or([e('name', '=', name), e('id', '=', id)])),
);

/** Agents with a name or id that begins so. */
async function begunSo(db: Reader, projectId: string, text: string): Promise<{ id: string; name: string }[]> {
  const rows = await db.selectFrom('agents').select(['id', 'name']).where('project_id', '=', projectId).execute();
  return rows.filter(({ id, name }) => name.startsWith(text) || id.startsWith(text));
}

/**
 * Finds an agent by name, id, or a unique beginning of either.
 * @throws GodelError agent-not-found, ambiguous-id
 */
export async function resolveAgent(db: Reader, projectId: string, text: string): Promise<Agent> {
  const [exact] = (await namedSo(db, projectId, text, text)).rows;
  if (exact) return toAgent(exact);
  const matches = await begunSo(db, projectId, text);
  if (matches.length > 1) throw failure('ambiguous-id', { id: text, matches: matches.map(({ name }) => name) });
  const agent = await findAgent(db, matches[0]?.id ?? '');
  if (!agent) throw failure('agent-not-found', { id: text });
  return agent;
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

/** The name stays for ever: setting it would write its index anew each time. */
const rowUpdate = prepared(
  (
    db,
    id: string,
    before: number,
    version: number,
    body: string,
    lifecycle: string,
    state: string,
    bead_id: string | null,
  ) =>
    db
      .updateTable('agents')
      .set({ version, body, lifecycle, state, bead_id })
      .where('id', '=', id)
      .where('version', '=', before),
);

/** Compare-and-set of the next version; undefined when it is not the stored one's. */
export async function saveIfSame(tx: Tx, agent: Agent): Promise<Agent | undefined> {
  const next = { ...agent, version: agent.version + 1 };
  const { id, body, version, lifecycle, state, bead_id } = toRow(next);
  const { changed } = await rowUpdate(tx, id, agent.version, version, body, lifecycle, state, bead_id);
  return changed === 1 ? next : undefined;
}

/** Compare-and-set of the next version. @throws GodelError version-conflict */
export async function saveAgent(tx: Tx, agent: Agent): Promise<Agent> {
  const saved = await saveIfSame(tx, agent);
  if (!saved) throw failure('version-conflict', { id: agent.name });
  return saved;
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

const promptInsert = prepared(
  (
    db,
    id: string,
    agent_id: string,
    send_key: string | null,
    text: string,
    author: string,
    deliver_when: string,
    created_at: string,
  ) => {
    const begun = { status: 'queued', attempts: 0, reason: null, delivered_at: null, acknowledged_at: null };
    return db
      .insertInto('prompts')
      .values({ id, agent_id, send_key, text, author, deliver_when, created_at, ...begun } satisfies PromptRow);
  },
);

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
  await promptInsert(tx, row.id, row.agent_id, row.send_key, row.text, row.author, row.deliver_when, row.created_at);
  return toPrompt(row);
}

const openOf = prepared((db, agentId: string) =>
  db
    .selectFrom('prompts')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('status', 'in', ['queued', 'delivered'])
    .orderBy('id'),
);

/** Prompts not yet acknowledged nor dead, in the order they were sent. */
export async function openPrompts(db: Reader, agentId: string): Promise<QueuedPrompt[]> {
  return (await openOf(db, agentId)).rows.map(toPrompt);
}

const promptRow = prepared((db, id: string) => db.selectFrom('prompts').selectAll().where('id', '=', id));

export async function findPrompt(db: Reader, id: string): Promise<QueuedPrompt | undefined> {
  const [row] = (await promptRow(db, id)).rows;
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

const openPrompt = (db: Reader, id: string) =>
  db.updateTable('prompts').where('id', '=', id).where('status', 'in', ['queued', 'delivered']).returningAll();

const deliveredRow = prepared((db, id: string, attempts: number, delivered_at: string) =>
  openPrompt(db, id).set({ status: 'delivered', attempts, delivered_at }),
);

const acknowledgedRow = prepared((db, id: string, acknowledged_at: string) =>
  openPrompt(db, id).set({ status: 'acknowledged', acknowledged_at, reason: null }),
);

const deadRow = prepared((db, id: string, reason: string) => openPrompt(db, id).set({ status: 'dead', reason }));

/** What becomes of an open prompt. */
export type PromptStep =
  | { to: 'delivered'; attempts: number }
  | { to: 'acknowledged' }
  | { to: 'dead'; reason: string };

/** Takes an open prompt a step on; undefined when it is not open any more. */
export async function movePrompt(tx: Tx, id: string, step: PromptStep, now: string): Promise<QueuedPrompt | undefined> {
  const moved =
    step.to === 'delivered'
      ? deliveredRow(tx, id, step.attempts, now)
      : step.to === 'acknowledged'
        ? acknowledgedRow(tx, id, now)
        : deadRow(tx, id, step.reason);
  const [row] = (await moved).rows;
  return row && toPrompt(row);
}
