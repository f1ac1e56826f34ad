/** What waits for a person, end to end: questions, reviews, failures, agents that are stuck or loop; told to a webhook. */
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { InboxItem } from '../../src/inbox/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

const STUCK_SECONDS = 3;
let home: TestHome;
let hook: Server;
const posted: InboxItem[] = [];
let refusals = 1;

beforeAll(async () => {
  hook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      // The first delivery fails, as deliveries do.
      refusals -= 1;
      if (refusals < 0) posted.push((JSON.parse(Buffer.concat(chunks).toString()) as { item: InboxItem }).item);
      response.writeHead(refusals < 0 ? 200 : 503).end();
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const { port } = hook.address() as { port: number };
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
  await home.json('config', 'set', 'notify_webhook', `http://127.0.0.1:${port}/hook`);
  await home.json('config', 'set', 'stuck_seconds', String(STUCK_SECONDS));
  await home.json('config', 'set', 'loop_repeats', '4');
});
afterAll(async () => {
  await home.stop();
  await new Promise((resolve) => hook.close(resolve));
});

const items = async (...flags: string[]) => (await home.json<{ items: InboxItem[] }>('inbox', 'list', ...flags)).items;
const waiting = (what: string, fits: (item: InboxItem) => boolean) =>
  until(what, async () => (await items()).find(fits));
const show = (name: string) => home.json<Agent>('agent', 'show', name);

test('a question on a screen is answered from the list, and the program goes on', async () => {
  await home.json(
    'agent',
    'spawn',
    '--name',
    'asker',
    '--command',
    'printf "Go on? [y/N] "; read a; echo "got=$a"; sleep 1000',
  );
  const item = await waiting('the question', (each) => each.agentName === 'asker');
  expect(item).toMatchObject({ kind: 'question', title: expect.stringContaining('Go on? [y/N]') });
  expect((await home.godel(['inbox'])).stdout).toContain('Go on?');
  const answered = await home.json<InboxItem>('inbox', 'answer', item.id.slice(-6), 'y');
  expect(answered).toMatchObject({ status: 'answered', answer: { text: 'y', by: 'local' } });
  await until('the answer arrived', async () =>
    (await home.godel(['agent', 'logs', 'asker'])).stdout.includes('got=y'),
  );
  expect((await home.godel(['inbox', 'answer', item.id, 'n'])).code).toBe(4);
  await home.json('agent', 'stop', 'asker');
});

test('godel ask brings the words of a person to the agent that waits for them', async () => {
  const command = 'godel ask "Which key?" --choice staging --choice production --wait 60; echo code=$?; sleep 1000';
  await home.json('agent', 'spawn', '--name', 'curious', '--command', command);
  const item = await waiting('the question', (each) => each.agentName === 'curious');
  expect(item).toMatchObject({ kind: 'question', choices: ['staging', 'production'] });
  // To its program a command runs; it waits for a person all the same, and is not stuck for that.
  const asks = await until('it waits', async () => {
    const agent = await show('curious');
    return agent.observed.state === 'waiting' && agent;
  });
  expect(asks).toMatchObject({
    lifecycle: 'waiting',
    observed: { detail: 'Which key?', question: { item: item.id, choices: ['staging', 'production'] } },
  });
  const longMs = 2 * STUCK_SECONDS * 1000;
  await until('it waits for longer than work may be silent', async () => {
    const { observed, attention } = await show('curious');
    expect({ state: observed.state, attention }).toEqual({ state: 'waiting' });
    return Date.now() - Date.parse(observed.since) > longMs;
  });
  expect((await items()).filter((each) => each.agentName === 'curious')).toHaveLength(1);
  // An agent may ask, but not answer.
  await home.json('inbox', 'answer', item.id, '1', '--text', 'until Friday');
  const log = await until('the answer', async () => {
    const { stdout } = await home.godel(['agent', 'logs', 'curious']);
    return stdout.includes('code=') && stdout;
  });
  expect(log).toMatch(/staging\r?\nuntil Friday\r?\ncode=0/);
  await until('it goes on', async () => (await show('curious')).observed.state === 'busy');
  await home.json('agent', 'stop', 'curious');
});

test('work in review is sent back with words and accepted from the list', async () => {
  const work = script('bash: echo a > a.txt; git add -A; git commit -qm A', 'bash: godel done', 'say: done');
  const bead = await home.json<Bead>('bead', 'create', 'Reviewed', '--description', work);
  await home.json('agent', 'spawn', '--bead', bead.id, '--name', 'author');
  const first = await waiting('the review', (item) => item.kind === 'review' && item.beadId === bead.id);
  expect((await home.godel(['inbox', 'answer', first.id, 'send back'])).stderr).toContain('--text');
  const again = script('bash: echo b >> a.txt; git commit -qam B', 'bash: godel done', 'say: done');
  await home.json('inbox', 'answer', first.id, 'send back', '--text', again);
  const second = await waiting('the second review', (item) => item.kind === 'review' && item.id !== first.id);
  const answered = await home.json<InboxItem>('inbox', 'answer', second.id, 'accept');
  expect(answered.answer?.outcome).toContain('landed as');
  expect((await home.json<Bead>('bead', 'show', bead.id)).status).toBe('done');
  const audit = (await items('--all')).filter((item) => item.beadId === bead.id && item.kind === 'review');
  expect(audit.map((item) => item.answer?.choice)).toEqual(['accept', 'send back']);
});

test('an agent that fails, one that hangs and one that loops are in the list, found without asking a model', async () => {
  await home.json('agent', 'spawn', '--name', 'crashed', '--command', 'exit 9');
  await home.json('agent', 'spawn', '--name', 'hanging', '--command', 'echo working; sleep 1000');
  await home.json(
    'agent',
    'spawn',
    '--name',
    'looping',
    script(...Array(40).fill('bash: sleep 0.4; echo same'), 'say: x'),
  );
  const crashed = await waiting('the crash', (item) => item.agentName === 'crashed');
  expect(crashed).toMatchObject({ kind: 'failure', title: expect.stringContaining('exit code 9') });
  const loop = await waiting('the loop', (item) => item.agentName === 'looping');
  expect(loop.title).toContain('the same call 4 times in a row: bash: sleep 0.4; echo same');
  expect((await show('looping')).attention).toMatchObject({ kind: 'looping' });
  const hang = await waiting('the hang', (item) => item.agentName === 'hanging');
  expect(hang.title).toContain('stuck: no traffic, no output and no changed file');
  expect((await home.godel(['agent', 'list'])).stdout).toMatch(/hanging +worker +\w+, stuck/);
  await home.json('inbox', 'answer', hang.id, 'stop');
  expect((await show('hanging')).lifecycle).toBe('killed');
  await home.json('inbox', 'answer', loop.id, 'interrupt');
  const idle = await until('the loop was broken', async () => {
    const agent = await show('looping');
    return !agent.attention && agent;
  });
  expect(idle.observed.state).not.toBe('busy');
  await home.json('inbox', 'dismiss', crashed.id);
  await home.json('agent', 'stop', 'looping');
});

test('the webhook heard of everything that opened, also after a failed delivery; the life of an agent is on record', async () => {
  await until('all were posted', async () => new Set(posted.map((item) => item.agentName)).size >= 5 || undefined);
  const known = new Set((await items('--all', '--limit', '1000')).map((item) => item.id));
  expect(posted.filter((item) => !known.has(item.id))).toEqual([]);
  expect(posted.map((item) => item.kind)).toEqual(expect.arrayContaining(['question', 'review', 'failure']));
  const history = await home.json<{ items: { to: string; action: string }[] }>('agent', 'history', 'asker');
  const steps = history.items.map((entry) => entry.to);
  expect(steps.slice(0, 4)).toEqual(['spawning', 'executing', 'waiting', 'executing']);
  expect(steps.at(-1)).toBe('killed');
});
