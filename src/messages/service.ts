/** One handler per message operation. A message travels as a prompt where its agent takes prompts, else it is kept. */
import type { Handlers, RequestContext } from '../access/context.ts';
import { changeAgent, loadAgent } from '../agents/changes.ts';
import type { Agent } from '../agents/schema.ts';
import { isLive } from '../agents/state.ts';
import { findAgent, liveAgents, queuePrompt, resolveAgent } from '../agents/store.ts';
import type { GodelEvent } from '../base/event.ts';
import { newId } from '../base/id.ts';
import { cleanText } from '../beads/text.ts';
import { failure } from '../errors.ts';
import type { InboxDraft } from '../inbox/schema.ts';
import type { Database, Reader } from '../storage/database.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import type { messageOperations } from './operations.ts';
import type { Message } from './schema.ts';
import { hopsOf, isLoop, MOST_A_MINUTE } from './state.ts';
import {
  chainOf,
  countUnread,
  insertMessage,
  keptMessages,
  listMessages,
  markRead,
  resolveMessage,
  sendsSince,
} from './store.ts';
import { messagePrompt } from './text.ts';

export interface MessageServiceOptions {
  database: Database;
  units: UnitOfWork;
  /** An agent as it was told of last. */
  toldOf: (id: string) => Promise<Agent | undefined>;
  /** Hands over what is queued for an agent. */
  pump: (agentId: string) => Promise<void>;
  /** False for programs that would run what is typed to them. */
  takesPrompts: (agent: Agent) => boolean;
  /** Messages between agents before they are cut off; 0 = never. */
  mostHops: (projectId: string) => Promise<number>;
  raise: (draft: InboxDraft) => Promise<unknown>;
}

export interface MessageService {
  handlers: Handlers<typeof messageOperations>;
  /** Keeps the count of unread messages of agents true. */
  follow(event: GodelEvent): Promise<void>;
}

type Input = Parameters<Handlers<typeof messageOperations>['messageSend']>[0];

const MINUTE_MS = 60_000;

/** An agent that ended for good takes nothing any more; one that failed may come back. */
const takesMail = ({ lifecycle }: Agent) => isLive(lifecycle) || lifecycle === 'failed';

/** Who gets it. @throws GodelError agent-not-found, agent-not-live, message-nobody, bad-input */
async function receiversOf(db: Reader, input: Input, { actor, projectId }: RequestContext): Promise<Agent[]> {
  if (input.all || input.role !== undefined) {
    const others = (await liveAgents(db, projectId)).filter((agent) => agent.id !== actor.id);
    const found = others.filter((agent) => input.role === undefined || agent.role === input.role);
    const who = input.role === undefined ? 'no other agent runs' : `no other agent of the role ${input.role} runs`;
    if (found.length === 0) throw failure('message-nobody', { problem: who });
    return found;
  }
  const agent = await resolveAgent(db, projectId, input.to ?? '');
  if (agent.id === actor.id) throw failure('message-nobody', { problem: 'it is to yourself' });
  if (!takesMail(agent)) throw failure('agent-not-live', { name: agent.name, state: agent.lifecycle });
  return [agent];
}

/** With --all or --role the first words are the text. @throws GodelError bad-input */
function wordsOf({ to, text, all, role }: Input): string {
  const many = all || role !== undefined;
  const words = many ? (text ?? to) : text;
  if (words !== undefined && (many ? text === undefined || to === undefined : to !== undefined))
    return cleanText(words);
  const problem = many ? 'It is to many, so no agent is named.' : 'A message needs an agent and words.';
  throw failure('bad-input', { problem, hint: 'godel message send worker-1 "…", or godel message send --all "…"' });
}

export function createMessageService(options: MessageServiceOptions): MessageService {
  const { database, units } = options;

  async function noteUnread(unit: Unit, agentId: string): Promise<void> {
    const agent = await loadAgent(unit, agentId);
    const unread = (await countUnread(unit.tx, agentId)) || undefined;
    if (agent.unread !== unread) await changeAgent(unit, agent, { unread }, 'message:unread');
  }

  /** Hops of a message of this actor. @throws GodelError message-rate */
  async function hopsFrom(unit: Unit, { actor }: RequestContext): Promise<number> {
    const agent = actor.kind === 'agent' ? await findAgent(unit.tx, actor.id) : undefined;
    if (!agent) return 0;
    const sent = await sendsSince(unit.tx, agent.id, new Date(unit.nowMs - MINUTE_MS).toISOString());
    if (sent >= MOST_A_MINUTE) throw failure('message-rate', { name: agent.name, limit: MOST_A_MINUTE });
    return hopsOf(await chainOf(unit.tx, agent));
  }

  async function put(unit: Unit, message: Message, agent: Agent): Promise<Message> {
    const { id, projectId } = message;
    const prompts = options.takesPrompts(agent);
    const text = messagePrompt(message);
    const key = `message:${id}`;
    const draft = {
      id: newId(),
      agentId: agent.id,
      key,
      text,
      author: message.from,
      when: 'after-turn',
      now: unit.now,
    };
    const prompt = prompts ? await queuePrompt(unit.tx, draft) : undefined;
    const sent: Message = { ...message, status: prompts ? 'queued' : 'kept' };
    await insertMessage(unit.tx, sent, prompt?.id);
    const metadata = { projectId, agentId: agent.id };
    await unit.emit({ type: 'message:sent', component: 'messages', payload: { message: sent }, metadata });
    await noteUnread(unit, agent.id);
    return sent;
  }

  /** A person is told once, however often the agents try. */
  async function cutOff(context: RequestContext, receivers: readonly Agent[], hops: number): Promise<never> {
    const { actor, projectId } = context;
    const names = receivers.map(({ name }) => name).join(', ');
    const metadata = { projectId, agentId: actor.id };
    const payload = { from: actor.name, to: names, hops };
    await units.run((unit) => unit.emit({ type: 'message:cut', component: 'messages', payload, metadata }));
    const pair = [actor.name, names].sort().join(' ');
    await options.raise({
      key: `messages:${projectId}:${pair}`,
      kind: 'failure',
      projectId,
      agentId: actor.id,
      agentName: actor.name,
      title: `${actor.name} and ${names} only answer each other: ${hops} messages without a person or progress between. The next one was not sent.`,
      choices: ['go on', 'stop', 'leave it'],
    });
    throw failure('message-loop', { hops });
  }

  const send: MessageService['handlers']['messageSend'] = async (input, context) => {
    const { actor, projectId } = context;
    const text = wordsOf(input);
    const limit = await options.mostHops(projectId);
    const receivers = await receiversOf(database.db, input, context);
    const sent = await units.run(async (unit) => {
      const hops = await hopsFrom(unit, context);
      if (isLoop(hops, limit)) return hops;
      const from = { from: actor.name, fromId: actor.id, fromKind: actor.kind };
      const shared = { projectId, ...from, text, sentTo: receivers.length, hops, createdAt: unit.now };
      const items: Message[] = [];
      for (const agent of receivers)
        items.push(
          await put(unit, { ...shared, id: newId(), to: agent.name, toId: agent.id, status: 'queued' }, agent),
        );
      return items;
    });
    if (typeof sent === 'number') return cutOff(context, receivers, sent);
    for (const { toId } of sent) void options.pump(toId);
    return { items: sent };
  };

  return {
    handlers: {
      messageSend: send,
      async messageList({ agent, ...filter }, { actor, projectId }) {
        const named = agent === undefined ? undefined : (await resolveAgent(database.db, projectId, agent)).id;
        const agentId = actor.kind === 'agent' ? actor.id : named;
        return listMessages(database.db, projectId, { ...filter, agentId });
      },
      async messageShow({ id }, { actor, projectId }) {
        const message = await resolveMessage(database.db, projectId, id);
        const isMine = message.toId === actor.id || message.fromId === actor.id;
        if (actor.kind === 'agent' && !isMine) throw failure('message-not-found', { id });
        return message;
      },
      messageRead: (_input, { actor }) =>
        units.run(async (unit) => {
          const items = actor.kind === 'agent' ? await keptMessages(unit.tx, actor.id) : [];
          await markRead(
            unit.tx,
            items.map(({ id }) => id),
            unit.now,
          );
          if (items.length > 0) await noteUnread(unit, actor.id);
          return { items: items.map((item) => ({ ...item, status: 'read' as const, readAt: unit.now })) };
        }),
    },
    async follow(event) {
      if (event.type !== 'agent:prompt') return;
      const { status, agentId } = event.payload.prompt as { status: string; agentId: string };
      const agent = status === 'acknowledged' ? await options.toldOf(agentId) : undefined;
      if (agent?.unread) await units.run((unit) => noteUnread(unit, agentId));
    },
  };
}
