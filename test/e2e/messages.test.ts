/** Messages between real agents: at the end of a turn, once, with a name; loops are cut off and a person is told. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent, Prompt } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { InboxItem } from '../../src/inbox/schema.ts';
import type { Message } from '../../src/messages/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

let home: TestHome;

beforeAll(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterAll(() => home.stop());

const spawn = async (...args: string[]) =>
  (await home.json<{ items: Agent[] }>('agent', 'spawn', ...args)).items[0] as Agent;
const show = (name: string) => home.json<Agent>('agent', 'show', name);
const messages = async (...args: string[]) => (await home.json<{ items: Message[] }>('message', 'list', ...args)).items;
const userTexts = async (name: string) => {
  const text = await readFile((await show(name)).sessionFile as string, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line.includes('"role":"user"'));
};
const state = (name: string, wanted: string) =>
  until(`${name} is ${wanted}`, async () => {
    const agent = await show(name);
    return agent.observed.state === wanted && agent;
  });

test('a message waits for the end of the turn, is shown as unread until then, and arrives once with its sender', async () => {
  await spawn('--name', 'busy');
  await spawn('--name', 'writer');
  await state('busy', 'idle');
  const gate = join(home.repository, 'gate');
  await home.json(
    'agent',
    'send',
    'busy',
    script(`bash: until test -e gate; do sleep 0.1; done`, 'say: done'),
    '--wait',
    '20',
  );
  await home.json('agent', 'send', 'writer', script('bash: godel message send busy "The API moved"', 'say: told'));
  const [waiting] = await until('sent', async () => {
    const items = await messages('--unread');
    return items.length > 0 && items;
  });
  expect(waiting).toMatchObject({ from: 'writer', to: 'busy', status: 'queued', hops: 0, fromKind: 'agent' });
  expect(await show('busy')).toMatchObject({ unread: 1 });
  expect((await userTexts('busy')).join('')).not.toContain('The API moved');
  await writeFile(gate, '');
  await until('arrived', async () => (await messages('--agent', 'busy'))[0]?.status === 'delivered');
  expect(await until('none unread', async () => (await show('busy')).unread === undefined)).toBe(true);
  await state('busy', 'idle');
  const heard = (await userTexts('busy')).filter((line) => line.includes('The API moved'));
  expect(heard).toHaveLength(1);
  expect(heard[0]).toContain('Message from writer:');
  expect(heard[0]).toContain('godel message send writer');
  // A daemon that is killed does not say it again.
  process.kill(home.daemonPid(), 'SIGKILL');
  await home.json('status');
  await home.json('agent', 'send', 'busy', script('say: after'), '--wait', '20');
  expect((await userTexts('busy')).filter((line) => line.includes('The API moved'))).toHaveLength(1);
});

test('a broadcast reaches all, or all of a role, but not its sender; a plain shell is not typed to, it reads', async () => {
  await spawn('--name', 'plain', '--command', 'env > "$GODEL_AGENT_HOME/env"; sleep 1000');
  const sent = await home.json<{ items: Message[] }>('message', 'send', '--all', 'Pull main first');
  expect(sent.items.map(({ to, status }) => `${to} ${status}`).sort()).toEqual([
    'busy queued',
    'plain kept',
    'writer queued',
  ]);
  await until('arrived', async () => (await messages()).filter(({ status }) => status === 'delivered').length === 3);
  const env = await environmentOf('plain');
  expect((await home.godel(['message', 'list', '--unread'], { env })).stdout).toContain('Pull main first');
  expect((await home.godel(['message', 'read'], { env })).stdout).toContain('Pull main first');
  expect((await home.godel(['message', 'read'], { env })).stdout).toBe('Nothing unread.\n');
  const none = await home.godel(['message', 'send', '--role', 'monitor', 'hello']);
  expect(none.code).toBe(3);
  expect(none.stderr).toContain('no other agent of the role monitor runs');
  expect((await home.godel(['message', 'send', 'plain'])).stderr).toContain('A message needs an agent and words');
  // Prompts of others are for people: agents write messages, which can be cut off.
  expect((await home.godel(['agent', 'send', 'busy', 'x'], { env })).stderr).toContain(
    'that role may not do "agent send"',
  );
});

const environmentOf = async (name: string) => {
  const { id } = await show(name);
  const text = await until('its environment', async () =>
    readFile(join(home.paths.agentsDir, id, 'env'), 'utf8').catch(() => undefined),
  );
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  return { GODEL_TOKEN: value('GODEL_TOKEN'), GODEL_PROJECT: value('GODEL_PROJECT') };
};

test('agents that only answer each other are cut off and a person is told; progress or a person lets them go on', async () => {
  await home.json('config', 'set', 'message_hops', '4');
  const bead = await home.json<Bead>('bead', 'create', 'Talked about');
  await spawn('--name', 'ping', '--bead', bead.id, '--command', 'env > "$GODEL_AGENT_HOME/env"; sleep 1000');
  await spawn('--name', 'pong', '--command', 'env > "$GODEL_AGENT_HOME/env"; sleep 1000');
  const [ping, pong] = [await environmentOf('ping'), await environmentOf('pong')];
  const say = (from: 'ping' | 'pong') =>
    home.godel(['message', 'send', from === 'ping' ? 'pong' : 'ping', 'And you?'], {
      env: from === 'ping' ? ping : pong,
    });
  for (const from of ['ping', 'pong', 'ping', 'pong'] as const) expect((await say(from)).code).toBe(0);
  const cut = await say('ping');
  expect(cut.code).toBe(4);
  expect(cut.stderr).toContain('4 messages between agents led to it without a person or progress between');
  await say('ping');
  const items = (await home.json<{ items: InboxItem[] }>('inbox', 'list')).items;
  expect(items).toHaveLength(1);
  expect(items[0]?.title).toContain('ping and pong only answer each other');
  expect((await messages('--agent', 'ping')).map(({ hops }) => hops)).toEqual([3, 2, 1, 0]);

  // Its work moves: what it says then is news.
  const { worktree } = await show('ping');
  await writeFile(join(worktree as string, 'a.txt'), 'a\n');
  await git(worktree as string, ['add', '-A']);
  await git(worktree as string, ['commit', '-qm', 'Work']);
  await until('the commit is seen', async () => (await home.json<Bead>('bead', 'show', bead.id)).commits.length === 1);
  expect((await say('ping')).code).toBe(0);
  for (const from of ['pong', 'ping', 'pong'] as const) expect((await say(from)).code).toBe(0);
  expect((await say('ping')).code).toBe(4);
  // A person does so too.
  await home.json('inbox', 'answer', items[0]?.id.slice(-6) as string, 'go on');
  expect((await home.json<{ items: Prompt[] }>('agent', 'prompts', 'ping')).items.at(-1)?.text).toBe('Go on.');
  expect((await say('ping')).code).toBe(0);
});
