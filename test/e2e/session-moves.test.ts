/** Sessions of real programs put elsewhere: back in the program's own form, into a shorter one, onto another program, away. */
import { readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { Moved, Session, SessionTurn } from '../../src/sessions/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { pathWith } from '../support/runtimes.ts';

let home: TestHome | undefined;
afterEach(() => home?.stop());

const LIMIT_MS = 120_000;

async function turnsOf({ json }: TestHome, id: string): Promise<SessionTurn[]> {
  return (await json<{ turns: SessionTurn[] }>('session', 'tree', id)).turns;
}

const saidBy = async (from: TestHome, id: string) =>
  (await turnsOf(from, id)).filter((turn) => turn.role === 'assistant' && turn.text).map((turn) => turn.text);

async function says(from: TestHome, name: string, text: string): Promise<void> {
  await until(`${name}: ${text}`, async () => (await saidBy(from, name)).includes(text), LIMIT_MS);
  const idle = async () => (await from.json<Agent>('agent', 'show', name)).observed.state === 'idle';
  await until(`${name} idle`, idle, LIMIT_MS);
}

async function start(from: TestHome, name: string, runtime: string, ...words: string[]): Promise<void> {
  const steps = script('bash: echo one > a.txt', `say: ${name} first`);
  const bead = await from.json<Bead>('bead', 'create', `Work of ${name}`, '--description', steps);
  await from.json('agent', 'spawn', '--bead', bead.id, '--name', name, '--runtime', runtime, ...words);
}

test('a long conversation becomes a short one, which can be taken back; ended ones are put away', {
  timeout: 180_000,
}, async () => {
  home = await createHome();
  const { json, godel } = home;
  await json('config', 'set', 'provider', 'demo');
  await start(home, 'pilot', 'pi');
  await says(home, 'pilot', 'pilot first');
  const primed = (await godel(['session', 'prime', 'pilot'])).stdout;
  expect(primed).toContain('Title: Work of pilot');
  expect(primed).toContain('- echo one > a.txt');
  expect(primed).toMatch(/What the agent said last:\npilot first/);

  const before = await json<Session>('session', 'show', 'pilot');
  const short = await json<Moved>('session', 'compact', 'pilot', '--prompt', script('say: short'));
  expect(short).toMatchObject({ carried: 'told', session: { origin: 'compact', parentId: before.id } });
  await says(home, 'pilot', 'short');
  const [opening] = await turnsOf(home, 'pilot');
  expect(opening?.text).toContain('pilot first');
  const file = /word for word, is in (.*)/.exec(opening?.text ?? '')?.[1] ?? '';
  expect(readFileSync(file, 'utf8')).toContain('## Assistant');

  // Put away: not listed, and everything is there.
  expect((await godel(['session', 'archive', short.session.id])).code).toBe(4);
  await json('session', 'archive', before.id);
  const listed = async (...words: string[]) =>
    (await json<{ items: Session[] }>('session', 'list', ...words)).items.length;
  expect([await listed(), await listed('--all')]).toEqual([1, 2]);
  const whole = JSON.parse((await godel(['session', 'export', before.id, '--format', 'json'])).stdout) as {
    turns: SessionTurn[];
    checkpoints: unknown[];
    children: Session[];
  };
  expect(whole.turns).toHaveLength(4);
  expect(whole.checkpoints.length).toBeGreaterThan(0);
  expect(whole.children.map((child) => child.id)).toEqual([short.session.id]);
  expect(await json<Session>('session', 'unarchive', before.id)).toMatchObject({ status: 'completed' });

  await json('checkpoint', 'restore', short.checkpoint, '--prompt', script('say: long again'));
  await says(home, 'pilot', 'long again');
  expect(await saidBy(home, 'pilot')).toEqual(['pilot first', 'long again']);
  expect((await godel(['session', 'migrate', 'pilot', '--runner', 'moon'])).stderr).toContain(
    'There is no runner "moon"',
  );
});

test('Claude Code and Codex go back in their own form, and an agent goes on with another program', {
  timeout: 400_000,
}, async (context) => {
  const found = await Promise.all((['claude', 'codex'] as const).map(pathWith));
  if (found.includes(undefined)) return context.skip();
  home = await createHome({ PATH: [...new Set(found.join(delimiter).split(delimiter))].join(delimiter) });
  const { json } = home;
  await json('config', 'set', 'provider', 'demo');
  for (const runtime of ['claude', 'codex']) await start(home, runtime, runtime, '--headless');
  for (const name of ['claude', 'codex']) {
    await says(home, name, `${name} first`);
    const first = (await turnsOf(home, name)).at(-1) as SessionTurn;
    await json('agent', 'send', name, script('bash: echo two > b.txt', 'say: second'), '--wait', '60');
    await says(home, name, 'second');
    const moved = await json<Moved>('session', 'rewind', name, first.id, '--prompt', script('say: third'));
    expect(moved).toMatchObject({ carried: 'native', session: { runtime: name, origin: 'rewind' } });
    await says(home, name, 'third');
    // The program itself says so: these are the turns of the file it goes on with.
    expect(await saidBy(home, name)).toEqual([`${name} first`, 'third']);
  }
  const moved = await json<Moved>('session', 'migrate', 'codex', '--runtime', 'pi', '--prompt', script('say: from Pi'));
  expect(moved).toMatchObject({ carried: 'told', session: { runtime: 'pi', origin: 'migrate' } });
  await says(home, 'codex', 'from Pi');
  const [opening] = await turnsOf(home, 'codex');
  expect(opening?.text).toContain('What the agent said last:\nthird');
  expect(await json<Agent>('agent', 'show', 'codex')).toMatchObject({ runtime: 'pi' });
});

test('a program that could not be launched for an agent is refused before the agent is stopped', {
  timeout: 90_000,
}, async () => {
  home = await createHome();
  const { json, godel } = home;
  await json('config', 'set', 'provider', 'demo');
  for (const [name, ...words] of [['paned'], ['faceless', '--headless']] as string[][]) {
    await start(home, name as string, 'pi', ...words);
    await says(home, name as string, `${name} first`);
  }
  const before = await Promise.all(['paned', 'faceless'].map((name) => json<Agent>('agent', 'show', name)));
  for (const verb of ['migrate', 'fork']) {
    const paned = await godel(['session', verb, 'paned', '--runtime', 'acp']);
    expect(paned.code, verb).toBe(2);
    expect(paned.stderr).toContain('Runtime "acp" speaks a protocol and has no screen of its own for a pane.');
    expect(paned.stderr).toContain('paned is in a pane, and stays as it is.');
    const faceless = await godel(['session', verb, 'faceless', '--runtime', 'acp']);
    expect(faceless.code, verb).toBe(2);
    expect(faceless.stderr).toContain('faceless stays as it is.');
  }
  for (const { name, pane, generation, lifecycle } of before) {
    expect(await json<Agent>('agent', 'show', name)).toMatchObject({ runtime: 'pi', pane, generation, lifecycle });
    const { items } = await json<{ items: { reason: string }[] }>('checkpoint', 'list', '--session', name);
    expect(items.filter(({ reason }) => ['before-migrate', 'before-fork'].includes(reason))).toEqual([]);
  }
  expect((await json<{ items: Agent[] }>('agent', 'list', '--all')).items).toHaveLength(2);
});
