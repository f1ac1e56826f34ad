/** One handler an operation, and what other parts use: raising what waits for a person, and ending it. */
import { createHash } from 'node:crypto';
import type { Handlers, RequestContext } from '../access/context.ts';
import { messageOf } from '../base/error.ts';
import { newId } from '../base/id.ts';
import type { Log } from '../base/log.ts';
import { cleanText } from '../beads/text.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import type { inboxOperations } from './operations.ts';
import type { InboxDraft, InboxItem, InboxRule } from './schema.ts';
import { choiceFor, nextInboxStatus, pickChoice, ruleFor } from './state.ts';
import {
  deleteRule,
  endItem,
  findItem,
  insertItem,
  insertRule,
  lastItemOf,
  listItems,
  listRules,
  openItemOf,
  openItemsUnder,
  resolveItem,
  saveItem,
} from './store.ts';
import { createWatchers } from './watchers.ts';

export interface GivenAnswer {
  choice?: string | undefined;
  text?: string | undefined;
}

/** Carries an answer out; resolves with what came of it. A refusal leaves the item open. */
export type Answerer = (
  item: InboxItem & { isAwaited: boolean },
  answer: GivenAnswer,
  context: RequestContext,
) => Promise<string | undefined>;

export interface InboxServiceOptions {
  database: Database;
  units: UnitOfWork;
  answer: Answerer;
  /** An agent waits for the answer to an item, until the returned function is called. */
  awaited: (agentId: string, item: InboxItem) => Promise<() => Promise<void>>;
  /** Whether a new item may make itself heard now. */
  isLoud: () => Promise<boolean>;
  log: Log;
}

export interface Inbox {
  handlers: Handlers<typeof inboxOperations>;
  /** Opens an item; one that is open already stays as it is. A rule may answer it at once. */
  raise(draft: InboxDraft): Promise<InboxItem>;
  /** Ends the open item of a key because what it was about is over. */
  close(key: string, reason: string): Promise<void>;
  /** Makes the open items whose keys begin so the same as what is wanted now; true when none was open and none is wanted. */
  keep(prefix: string, projectId: string, wanted: readonly InboxDraft[], reason: string): Promise<boolean>;
}

const system = (projectId: string, name: string): RequestContext => ({
  actor: { kind: 'system', id: 'inbox', name },
  projectId,
  requestId: newId(),
  signal: new AbortController().signal,
});

export function createInbox(options: InboxServiceOptions): Inbox {
  const { database, units, log } = options;
  const watchers = createWatchers();
  const answering = new Set<string>();

  async function end(item: InboxItem, change: Partial<InboxItem>, event: 'inbox:answered' | 'inbox:closed') {
    const ended = { ...item, ...change };
    const done = await units.run(async (unit) => {
      if (!(await endItem(unit.tx, ended))) return false;
      await unit.emit({ type: event, component: 'inbox', payload: { item: ended }, metadata: metadataOf(ended) });
      return true;
    });
    watchers.wake(item.id);
    return done ? ended : undefined;
  }

  async function announce(item: InboxItem): Promise<void> {
    const bell = await options.isLoud();
    await units.run((unit) =>
      unit.emit({ type: 'inbox:opened', component: 'inbox', payload: { item, bell }, metadata: metadataOf(item) }),
    );
  }

  /** Carries an answer out and notes it; the audit holds who gave it and what came of it. */
  async function give(item: InboxItem, answer: GivenAnswer, context: RequestContext, rule?: InboxRule) {
    if (nextInboxStatus(item.status, 'answer') === undefined)
      throw failure('inbox-answered', { id: item.id, status: item.status });
    if (answering.has(item.id)) throw failure('inbox-answered', { id: item.id, status: 'being answered' });
    answering.add(item.id);
    try {
      const outcome = await options.answer({ ...item, isAwaited: watchers.has(item.id) }, answer, context);
      const given = {
        ...(answer.choice === undefined ? {} : { choice: answer.choice }),
        ...(answer.text === undefined ? {} : { text: answer.text }),
        by: rule ? rule.by : context.actor.name,
        at: new Date().toISOString(),
        ...(rule ? { ruleId: rule.id } : {}),
        ...(outcome === undefined ? {} : { outcome }),
      };
      const ended = await end(item, { status: 'answered', answer: given }, 'inbox:answered');
      // What it was about may end by the answer itself, before the answer was noted: the answer is what counts.
      if (ended) return ended;
      const known = { ...((await findItem(database.db, item.id)) ?? item), status: 'answered' as const, answer: given };
      await units.run((unit) => saveItem(unit.tx, known));
      return known;
    } finally {
      answering.delete(item.id);
    }
  }

  async function byRule(item: InboxItem): Promise<InboxItem | undefined> {
    if (item.kind !== 'permission') return undefined;
    const rule = ruleFor(await listRules(database.db, item.projectId), item);
    if (!rule) return undefined;
    try {
      return await give(item, { choice: choiceFor(item.choices, rule.answer) }, system(item.projectId, rule.by), rule);
    } catch (error) {
      log.warn({ itemId: item.id, problem: messageOf(error) }, 'a rule could not answer');
      return undefined;
    }
  }

  const raising = new Map<string, Promise<InboxItem>>();
  function raise(draft: InboxDraft): Promise<InboxItem> {
    const known = raising.get(draft.key);
    if (known) return known;
    const work = open(draft).finally(() => raising.delete(draft.key));
    raising.set(draft.key, work);
    return work;
  }

  async function open(draft: InboxDraft): Promise<InboxItem> {
    const item = await units.run(async (unit) => {
      const known = await openItemOf(unit.tx, draft.key);
      if (known) return undefined;
      const made: InboxItem = { choices: [], ...draft, id: newId(), status: 'open', createdAt: unit.now };
      await insertItem(unit.tx, made);
      return made;
    });
    if (!item) return (await openItemOf(database.db, draft.key)) ?? (await open(draft));
    const answered = await byRule(item);
    if (!answered) await announce(item);
    return answered ?? item;
  }

  async function closeItem(item: InboxItem, reason: string): Promise<void> {
    if (!answering.has(item.id)) await end(item, { status: 'closed', closedReason: reason }, 'inbox:closed');
  }

  return {
    raise,
    async close(key, reason) {
      const item = await openItemOf(database.db, key);
      if (item) await closeItem(item, reason);
    },
    async keep(prefix, projectId, wanted, reason) {
      const items = (await openItemsUnder(database.db, prefix)).filter((item) => item.projectId === projectId);
      for (const item of items) if (!wanted.some((draft) => draft.key === item.key)) await closeItem(item, reason);
      for (const draft of wanted) {
        // What was answered, or taken off the list, is not asked again while it goes on.
        if (!(await lastItemOf(database.db, draft.key))) await raise(draft);
      }
      return items.length + wanted.length === 0;
    },
    handlers: {
      inboxList: (input, { projectId }) => listItems(database.db, projectId, input),
      inboxShow: (input, { projectId }) => resolveItem(database.db, projectId, input.id),
      async inboxAnswer(input, context) {
        const item = await resolveItem(database.db, context.projectId, input.id);
        const answer = readAnswer(item, input);
        const answered = await give(item, answer, context);
        if (input.always) await addRule(item, answer, context);
        return answered;
      },
      async inboxDismiss(input, context) {
        const item = await resolveItem(database.db, context.projectId, input.id);
        const reason = `dismissed by ${context.actor.name}${input.reason ? `: ${cleanText(input.reason)}` : ''}`;
        const ended = await end(item, { status: 'closed', closedReason: reason }, 'inbox:closed');
        if (!ended) throw failure('inbox-answered', { id: item.id, status: item.status });
        return ended;
      },
      inboxAsk: (input, context) => ask(input, context),
      inboxAllow: (input, { projectId, actor }) =>
        makeRule({
          projectId,
          pattern: input.pattern,
          answer: input.deny ? 'deny' : 'allow',
          by: actor.name,
          ...(input.tool === undefined ? {} : { tool: input.tool }),
        }),
      inboxRules: async (_input, { projectId }) => ({ items: await listRules(database.db, projectId) }),
      inboxForget: (input, { projectId }) => units.run((unit) => deleteRule(unit.tx, projectId, input.id)),
    },
  };

  function makeRule(draft: Omit<InboxRule, 'id' | 'createdAt'>): Promise<InboxRule> {
    return units.run(async (unit) => {
      const rule = { ...draft, id: newId(), createdAt: unit.now };
      await insertRule(unit.tx, rule);
      await unit.emit({
        type: 'inbox:rule',
        component: 'inbox',
        payload: { rule },
        metadata: { projectId: rule.projectId },
      });
      return rule;
    });
  }

  async function addRule(item: InboxItem, answer: GivenAnswer, { actor, projectId }: RequestContext): Promise<void> {
    if (item.kind !== 'permission' || item.command === undefined) return;
    const allow = answer.choice === choiceFor(item.choices, 'allow');
    await makeRule({
      projectId,
      pattern: item.command,
      answer: allow ? 'allow' : 'deny',
      by: actor.name,
      ...(item.tool === undefined ? {} : { tool: item.tool }),
    });
  }

  async function ask(
    input: { question: string; choices: string[]; wait: number },
    context: RequestContext,
  ): Promise<InboxItem> {
    const { actor, projectId } = context;
    const title = cleanText(input.question);
    const key = `ask:${actor.id}:${createHash('sha256').update(title).digest('hex').slice(0, 24)}`;
    const last = await lastItemOf(database.db, key);
    // Answered while nobody listened: the same question takes that answer, once.
    if (last?.status === 'answered' && last.answer?.outcome === 'kept') return taken(last);
    const isAgent = actor.kind === 'agent';
    const who = isAgent ? { agentId: actor.id, agentName: actor.name } : {};
    const item = await raise({ key, kind: 'question', title, projectId, choices: input.choices, ...who });
    const answered = () =>
      watchers.wait(item.id, input.wait * 1000, context.signal, async () => {
        const now = await findItem(database.db, item.id);
        return now && now.status !== 'open' ? now : undefined;
      });
    const over = isAgent && input.wait > 0 ? await options.awaited(actor.id, item) : undefined;
    const ended = await answered().finally(over);
    return ended?.status === 'answered' ? taken(ended) : (ended ?? item);
  }

  async function taken(item: InboxItem): Promise<InboxItem> {
    if (!item.answer) return item;
    const known = { ...item, answer: { ...item.answer, outcome: 'taken' } };
    await units.run((unit) => saveItem(unit.tx, known));
    return known;
  }
}

const metadataOf = (item: InboxItem) => ({
  projectId: item.projectId,
  ...(item.agentId === undefined ? {} : { agentId: item.agentId }),
  ...(item.beadId === undefined ? {} : { beadId: item.beadId }),
});

/** Words that are no choice are the answer itself; where there are choices only, they are refused. */
function readAnswer(item: InboxItem, input: { choice?: string | undefined; text?: string | undefined }): GivenAnswer {
  const text = input.text === undefined ? undefined : cleanText(input.text);
  if (input.choice === undefined && text === undefined) {
    throw failure('bad-input', { problem: 'An answer is needed.', hint: hintOf(item) });
  }
  if (input.choice === undefined) return { text };
  const choice = pickChoice(item.choices, input.choice);
  if (choice !== undefined) return { choice, text };
  const free = item.choices.length === 0 || item.kind === 'question';
  if (!free) throw failure('bad-input', { problem: `"${input.choice}" is none of the choices.`, hint: hintOf(item) });
  return { text: [cleanText(input.choice), text].filter(Boolean).join('\n') };
}

function hintOf(item: InboxItem): string {
  const choices = item.choices.map((choice, index) => `${index + 1} ${choice}`).join(', ');
  return choices === '' ? `godel inbox answer ${item.id.slice(-6)} "…"` : `Choices: ${choices}.`;
}
