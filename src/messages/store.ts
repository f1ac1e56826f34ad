/** All SQL of messages. */
import { type Page, toPage } from '../base/page.ts';
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import type { MessageRow } from '../storage/tables.ts';
import type { Message } from './schema.ts';
import { type Chain, statusOf } from './state.ts';

type Joined = MessageRow & { prompt_status: string | null };

const toMessage = (row: Joined): Message => ({
  id: row.id,
  projectId: row.project_id,
  from: row.from_name,
  fromId: row.from_id,
  fromKind: row.from_kind as Message['fromKind'],
  to: row.to_name,
  toId: row.to_id,
  text: row.text,
  sentTo: row.sent_to,
  hops: row.hops,
  status: statusOf(row.prompt_status ?? undefined, row.read_at !== null),
  createdAt: row.created_at,
  ...(row.read_at === null ? {} : { readAt: row.read_at }),
});

const withPrompts = (db: Reader) => db.selectFrom('messages').leftJoin('prompts', 'prompts.id', 'messages.prompt_id');

/** Neither arrived nor read. */
const unread = (db: Reader) =>
  withPrompts(db)
    .where('messages.read_at', 'is', null)
    .where((is) => is.or([is('prompts.status', 'is', null), is('prompts.status', '!=', 'acknowledged')]));

const selected = (query: ReturnType<typeof withPrompts>) =>
  query.selectAll('messages').select('prompts.status as prompt_status');

const joined = (db: Reader) => selected(withPrompts(db));

export async function insertMessage(tx: Tx, message: Message, promptId: string | undefined): Promise<void> {
  const row: MessageRow = {
    id: message.id,
    project_id: message.projectId,
    from_id: message.fromId,
    from_name: message.from,
    from_kind: message.fromKind,
    to_id: message.toId,
    to_name: message.to,
    text: message.text,
    sent_to: message.sentTo,
    hops: message.hops,
    prompt_id: promptId ?? null,
    created_at: message.createdAt,
    read_at: null,
  };
  await tx.insertInto('messages').values(row).execute();
}

export interface MessageFilter {
  /** Id of an agent that sent or got it. */
  agentId?: string | undefined;
  unread: boolean;
  limit: number;
  cursor?: string | undefined;
}

/** Newest first. */
export async function listMessages(db: Reader, projectId: string, filter: MessageFilter): Promise<Page<Message>> {
  const { agentId, cursor } = filter;
  let query = selected((filter.unread ? unread : withPrompts)(db)).where('messages.project_id', '=', projectId);
  if (agentId !== undefined)
    query = query.where((is) => is.or([is('messages.to_id', '=', agentId), is('messages.from_id', '=', agentId)]));
  if (cursor !== undefined) query = query.where('messages.id', '<', cursor);
  const rows = await query
    .orderBy('messages.id', 'desc')
    .limit(filter.limit + 1)
    .execute();
  return toPage(rows.map(toMessage), filter.limit, (message) => message.id);
}

/** @throws GodelError message-not-found, ambiguous-id */
export async function resolveMessage(db: Reader, projectId: string, end: string): Promise<Message> {
  const rows = await joined(db)
    .where('messages.project_id', '=', projectId)
    .where('messages.id', 'like', `%${end.replaceAll(/[%_]/g, '')}`)
    .limit(3)
    .execute();
  const [first, ...others] = rows;
  if (!first || end === '') throw failure('message-not-found', { id: end });
  if (others.length > 0) throw failure('ambiguous-id', { id: end, matches: rows.map((row) => row.id) });
  return toMessage(first);
}

/** What is kept for an agent and was not read, oldest first. */
export async function keptMessages(db: Reader, agentId: string): Promise<Message[]> {
  const rows = await joined(db)
    .where('messages.to_id', '=', agentId)
    .where('messages.read_at', 'is', null)
    .where((is) => is.or([is('prompts.status', 'is', null), is('prompts.status', '=', 'dead')]))
    .orderBy('messages.id')
    .execute();
  return rows.map(toMessage);
}

export async function markRead(tx: Tx, ids: readonly string[], at: string): Promise<void> {
  if (ids.length > 0) await tx.updateTable('messages').set({ read_at: at }).where('id', 'in', ids).execute();
}

/** How many messages for an agent have neither arrived nor been read. */
export async function countUnread(db: Reader, agentId: string): Promise<number> {
  const { count } = await unread(db)
    .where('messages.to_id', '=', agentId)
    .select((is) => is.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Times at which an agent sent something since `since`; a broadcast is one. */
export async function sendsSince(db: Reader, agentId: string, since: string): Promise<number> {
  const rows = await db
    .selectFrom('messages')
    .select('created_at')
    .distinct()
    .where('from_id', '=', agentId)
    .where('created_at', '>', since)
    .execute();
  return rows.length;
}

/** Changes of a bead that are talk about it and not work on it. */
const TALK = new Set(['notes', 'claim', 'agent', 'labels', 'metadata', 'branch', 'updatedAt']);

/** When the bead last moved: its status, its commits, what it asks for. */
async function progressOf(db: Reader, beadId: string, since: string): Promise<string | undefined> {
  const rows = await db
    .selectFrom('events')
    .select(['timestamp', 'payload'])
    .where('bead_id', '=', beadId)
    .where('type', 'in', ['bead:updated', 'bead:proven', 'bead:landed'])
    .where('timestamp', '>', Date.parse(since))
    .orderBy('seq', 'desc')
    .limit(100)
    .execute();
  const moved = rows.find(({ payload }) => {
    const { changed } = JSON.parse(payload) as { changed?: string[] };
    return changed === undefined || changed.some((field) => !TALK.has(field));
  });
  return moved && new Date(moved.timestamp).toISOString();
}

/** What came before the next message of an agent. */
export async function chainOf(db: Reader, agent: { id: string; beadId?: string | undefined }): Promise<Chain> {
  const received = await db
    .selectFrom('messages')
    .select(['hops', 'created_at'])
    .where('to_id', '=', agent.id)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!received) return { received: undefined, toldAt: undefined, progressAt: undefined };
  const told = await db
    .selectFrom('prompts')
    .select('created_at')
    .where('agent_id', '=', agent.id)
    .where((is) => is.or([is('send_key', 'is', null), is('send_key', 'not like', 'message:%')]))
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return {
    received: { hops: received.hops, createdAt: received.created_at },
    toldAt: told?.created_at,
    progressAt: agent.beadId === undefined ? undefined : await progressOf(db, agent.beadId, received.created_at),
  };
}
