/** The inbox: rules cover no more than was meant, every answer is kept with who gave it, and nothing is asked twice. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RequestContext } from '../../../src/access/context.ts';
import type { Agent } from '../../../src/agents/schema.ts';
import { createEventBus, type GodelEvent } from '../../../src/base/event.ts';
import { desktopCommand, isQuietNow } from '../../../src/daemon/notify.ts';
import { failure } from '../../../src/errors.ts';
import type { InboxItem, InboxRule } from '../../../src/inbox/schema.ts';
import { type Answerer, createInbox, type Inbox } from '../../../src/inbox/service.ts';
import { agentDrafts, agentKeys, beadDraft, entryDraft, holdDraft, promptDraft } from '../../../src/inbox/sources.ts';
import { choiceFor, covers, isHours, isQuiet, pickChoice, ruleFor } from '../../../src/inbox/state.ts';
import { type Database, openSqlite } from '../../../src/storage/database.ts';
import { createUnitOfWork } from '../../../src/storage/unit-of-work.ts';
import { makeAgent, makeBead, makeEntry, makeQueue } from '../../support/board-data.ts';

describe('rules', () => {
  test('without a star cover the very command, with one further plain arguments, never a second command', () => {
    expect(covers('npm test', 'npm test')).toBe(true);
    expect(covers('npm test', 'npm test -- --watch')).toBe(false);
    expect(covers('npm test *', 'npm test -- --watch')).toBe(true);
    expect(covers('npm test *', 'npm test')).toBe(true);
    expect(covers('npm test *', 'npm tests')).toBe(false);
    for (const evil of ['; rm -rf /', ' && curl x', ' | sh', ' $(id)', ' `id`', '\nrm x', ' > /etc/passwd', ' {a,b}'])
      expect(covers('npm test *', `npm test${evil}`), evil).toBe(false);
  });
  test('a refusal beats an approval; a rule of another tool does not count', () => {
    const rule = (change: Partial<InboxRule>): InboxRule => ({
      id: 'r',
      projectId: 'p',
      pattern: 'git push *',
      answer: 'allow',
      by: 'ann',
      createdAt: '',
      ...change,
    });
    const ask = { tool: 'Bash', command: 'git push origin' };
    expect(ruleFor([rule({}), rule({ id: 'no', answer: 'deny' })], ask)?.id).toBe('no');
    expect(ruleFor([rule({ tool: 'write' })], ask)).toBeUndefined();
    expect(ruleFor([rule({ tool: 'bash' })], ask)?.answer).toBe('allow');
    expect(ruleFor([rule({})], { tool: 'Bash' })).toBeUndefined();
  });
  test('answers are given in the words the agent offers, and taken by word, beginning or number', () => {
    expect(choiceFor(['Yes', 'No'], 'allow')).toBe('Yes');
    expect(choiceFor(['accept', 'decline'], 'deny')).toBe('decline');
    expect(choiceFor([], 'allow')).toBe('allow');
    expect(pickChoice(['allow', 'deny'], '2')).toBe('deny');
    expect(pickChoice(['allow', 'deny'], 'A')).toBe('allow');
    expect(pickChoice(['allow', 'deny'], '3')).toBeUndefined();
    expect(pickChoice(['stop', 'stay'], 'st')).toBeUndefined();
  });
  test('quiet hours may pass midnight', () => {
    const minute = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
    expect(isQuiet('22:00-07:00', minute('23:30'))).toBe(true);
    expect(isQuiet('22:00-07:00', minute('06:59'))).toBe(true);
    expect(isQuiet('22:00-07:00', minute('07:00'))).toBe(false);
    expect(isQuiet('09:00-12:00', minute('10:00'))).toBe(true);
    expect(isQuiet('', 0)).toBe(false);
    expect(isHours('7-9')).toBe(false);
    const noon = new Date(2026, 0, 1, 12, 0).getTime();
    expect(isQuietNow({ quiet_hours: '11:00-13:00' }, noon)).toBe(true);
  });
});

describe('what waits', () => {
  const waiting = (change: Partial<Agent['observed']> = {}) => {
    const agent = makeAgent(1, 'waiting');
    return { ...agent, observed: { ...agent.observed, ...change } };
  };
  test('a permission carries tool and command, and gets choices when the agent names none', () => {
    const question = {
      id: 'q',
      kind: 'permission' as const,
      text: 'Run it?',
      choices: [],
      tool: 'Bash',
      command: 'ls',
    };
    expect(agentDrafts(waiting({ question }))).toEqual([
      expect.objectContaining({ kind: 'permission', askId: 'q', command: 'ls', choices: ['allow', 'deny'] }),
    ]);
  });
  test('an error of the model and a failed agent are failures; working, resting and ended agents wait for nobody', () => {
    const question = { kind: 'error' as const, text: 'overloaded', choices: ['go on', 'stop'] };
    expect(agentDrafts(waiting({ question }))?.[0]).toMatchObject({ kind: 'failure', choices: ['go on', 'stop'] });
    expect(agentDrafts(makeAgent(1, 'failed', { lastError: 'exit code 7' }))?.[0]?.title).toContain('exit code 7');
    for (const state of ['busy', 'idle', 'paused', 'exited'] as const)
      expect(agentDrafts(makeAgent(1, state))).toEqual([]);
  });
  test('when nothing certain is known, what is open stays open', () => {
    expect(agentDrafts(makeAgent(1, 'unknown'))).toBeUndefined();
  });
  test('stuck agents, reviews and prompts that are dead are in it', () => {
    const attention = { kind: 'stuck' as const, since: 'then', detail: 'no traffic' };
    expect(agentDrafts(makeAgent(1, 'busy', { attention }))?.[0]?.title).toContain('stuck: no traffic');
    expect(beadDraft(makeBead(1, { status: 'review' }))?.choices).toEqual(['accept', 'send back']);
    expect(beadDraft(makeBead(1, { status: 'open' }))).toBeUndefined();
    const hold = { kind: 'main-dirty' as const, message: 'In the way.', command: 'godel merge resume', since: 'now' };
    expect(holdDraft(makeQueue({ hold }))).toMatchObject({ kind: 'conflict', choices: ['resume'] });
    expect(holdDraft(makeQueue())).toBeUndefined();
    const entry = makeEntry(makeBead(1), {
      status: 'conflicted',
      reason: 'conflicts; a person sees to it: no provider',
    });
    expect(entryDraft(entry)).toMatchObject({ beadId: entry.beadId, choices: ['retry', 'remove'] });
    expect(entryDraft({ ...entry, reason: 'conflicts; worker-1 was told' })).toBeUndefined();
    const prompt = { id: 'p', agentId: 'agent-1', text: 'hello', status: 'dead', reason: 'typed, no reaction' };
    expect(promptDraft(prompt, makeAgent(1, 'busy'))?.title).toContain('typed, no reaction');
    expect(promptDraft({ ...prompt, status: 'queued' }, makeAgent(1, 'busy'))).toBeUndefined();
  });
  test('a notification never runs what an agent wrote', () => {
    const item = { kind: 'question', title: '"; do shell script "id' } as InboxItem;
    const [, mac] = desktopCommand('darwin', item);
    expect(mac[1]).not.toContain('id');
    expect(mac.at(-1)).toBe(item.title);
    expect(desktopCommand('linux', { ...item, title: '--help' })[1].slice(-3)).toEqual([
      '--',
      'Godel: question',
      '--help',
    ]);
  });
});

describe('answers', () => {
  let folder: string;
  let database: Database;
  let inbox: Inbox;
  let events: GodelEvent[];
  const waits: string[] = [];
  let answered: string[];
  let answer: Answerer;

  const draft = (key: string, change: object = {}) => ({
    key,
    kind: 'permission' as const,
    title: 'Run npm test?',
    projectId: 'p',
    choices: ['allow', 'deny'],
    tool: 'Bash',
    command: 'npm test',
    ...change,
  });
  const person = (name = 'ann', signal = new AbortController().signal): RequestContext => ({
    actor: { kind: 'user', id: name, name },
    projectId: 'p',
    requestId: 'r',
    signal,
  });
  const call = <K extends keyof Inbox['handlers']>(key: K, input: object, context = person()) =>
    inbox.handlers[key](input as never, context) as Promise<InboxItem>;
  const all = async () => (await inbox.handlers.inboxList({ all: true, limit: 100 }, person())).items;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'godel-inbox-'));
    database = await openSqlite(join(folder, 'db'));
    const project = { id: 'p', tenant_id: 't', name: 'p', path: '/p', git_dir: '/p/.git', main_branch: 'main' };
    await database.transact(async (tx) => {
      await tx
        .insertInto('projects')
        .values({ ...project, state_oid: null, created_at: '' })
        .execute();
    });
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    await database.transact(async (tx) => {
      await tx.deleteFrom('inbox').execute();
      await tx.deleteFrom('inbox_rules').execute();
    });
    events = [];
    answered = [];
    answer = async (item, given) => {
      answered.push(`${item.key} ${given.choice ?? given.text}`);
      return 'told';
    };
    const bus = createEventBus((error) => {
      throw error;
    });
    bus.subscribe((event) => events.push(event));
    const units = createUnitOfWork({
      database,
      bus,
      clock: { now: Date.now },
      flushed: async () => {},
      // Nothing of the inbox is kept in git.
      replica: undefined as never,
      rulesOf: () => ({}) as never,
    });
    const log = { warn() {}, error() {}, info() {}, debug() {} } as never;
    const awaited = async (agentId: string, { title }: InboxItem) => {
      waits.push(`${agentId} waits: ${title}`);
      return async () => void waits.push(`${agentId} goes on`);
    };
    inbox = createInbox({
      database,
      units,
      answer: (...args) => answer(...args),
      isLoud: async () => true,
      awaited,
      log,
    });
  });

  test('are carried out once and kept with who gave them, when, and what came of it', async () => {
    const item = await inbox.raise(draft('a'));
    expect(await inbox.raise(draft('a'))).toMatchObject({ id: item.id });
    const done = await call('inboxAnswer', { id: item.id.slice(-8), choice: '1' });
    expect(done).toMatchObject({ status: 'answered', answer: { choice: 'allow', by: 'ann', outcome: 'told' } });
    await expect(call('inboxAnswer', { id: item.id, choice: 'deny' }, person('bob'))).rejects.toThrow('answered');
    expect(answered).toEqual(['a allow']);
    expect(events.map((event) => event.type)).toEqual(['inbox:opened', 'inbox:answered']);
    expect((await all())[0]?.answer?.by).toBe('ann');
  });
  test('that cannot be carried out leave the item open', async () => {
    const item = await inbox.raise(draft('a'));
    answer = () => Promise.reject(failure('agent-not-live', { name: 'w', state: 'gone' }));
    await expect(call('inboxAnswer', { id: item.id, choice: 'allow' })).rejects.toThrow('gone');
    expect((await call('inboxShow', { id: item.id })).status).toBe('open');
  });
  test('of two people at the same moment only one counts', async () => {
    const item = await inbox.raise(draft('a'));
    const both = await Promise.allSettled([
      call('inboxAnswer', { id: item.id, choice: 'allow' }),
      call('inboxAnswer', { id: item.id, choice: 'deny' }, person('bob')),
    ]);
    expect(both.map((each) => each.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(answered).toHaveLength(1);
  });
  test('for always make a rule that answers the next one by itself, silently, and can be forgotten', async () => {
    const item = await inbox.raise(draft('a'));
    await call('inboxAnswer', { id: item.id, choice: 'allow', always: true });
    events.length = 0;
    const next = await inbox.raise(draft('b'));
    expect(next).toMatchObject({
      status: 'answered',
      answer: { choice: 'allow', by: 'ann', ruleId: expect.any(String) },
    });
    expect(events.map((event) => event.type)).toEqual(['inbox:answered']);
    const [rule] = (await inbox.handlers.inboxRules({}, person())).items;
    expect(rule).toMatchObject({ pattern: 'npm test', tool: 'Bash', answer: 'allow' });
    await call('inboxForget', { id: rule?.id });
    expect((await inbox.raise(draft('c'))).status).toBe('open');
  });
  test('that are none of the choices are refused with the choices; a question takes any words', async () => {
    const item = await inbox.raise(draft('a'));
    await expect(call('inboxAnswer', { id: item.id, choice: 'perhaps' })).rejects.toThrow('none of the choices');
    await expect(call('inboxAnswer', { id: item.id })).rejects.toThrow('needed');
    const question = await inbox.raise(draft('q', { kind: 'question' }));
    expect((await call('inboxAnswer', { id: question.id, choice: 'perhaps' })).answer?.text).toBe('perhaps');
  });
  test('are not asked for again while the same thing goes on; what is over is closed', async () => {
    const prefix = agentKeys('x');
    await inbox.keep(prefix, 'p', [draft(`${prefix}1`)], 'busy');
    const [item] = await all();
    await call('inboxDismiss', { id: item?.id, reason: 'not now' });
    await inbox.keep(prefix, 'p', [draft(`${prefix}1`)], 'busy');
    expect(await all()).toHaveLength(1);
    await inbox.keep(prefix, 'p', [draft(`${prefix}2`)], 'busy');
    await inbox.keep(prefix, 'p', [], 'the agent went on');
    expect((await all()).map((each) => [each.status, each.closedReason])).toEqual([
      ['closed', 'the agent went on'],
      ['closed', 'dismissed by ann: not now'],
    ]);
  });
  test('reach the asker that waits; an asker that gave up takes its answer later, once', async () => {
    const agent = { ...person(), actor: { kind: 'agent' as const, id: 'x', name: 'worker-1' } };
    const input = { question: 'Which key?', choices: [], wait: 30 };
    answer = async (item) => (item.isAwaited ? 'kept' : 'sent as a prompt');
    waits.length = 0;
    const asking = call('inboxAsk', input, agent);
    const opened = () => events.find((event) => event.type === 'inbox:opened');
    while (!opened()) await new Promise((resolve) => setImmediate(resolve));
    const { id } = (opened() as GodelEvent).payload.item as InboxItem;
    await call('inboxAnswer', { id, text: 'the staging key' });
    expect(await asking).toMatchObject({ status: 'answered', answer: { text: 'the staging key' } });
    expect(waits).toEqual(['x waits: Which key?', 'x goes on']);
    // The same words after that are a new question.
    expect(await call('inboxAsk', { ...input, wait: 0 }, agent)).toMatchObject({ status: 'open' });
    answer = async () => 'kept';
    const [open] = (await inbox.handlers.inboxList({ all: false, limit: 10 }, person())).items;
    await call('inboxAnswer', { id: open?.id, text: 'none' });
    expect(await call('inboxAsk', { ...input, wait: 0 }, agent)).toMatchObject({ answer: { text: 'none' } });
  });
});
