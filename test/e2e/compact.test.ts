/** Real programs make their own conversations shorter, when they are asked by their protocol. */
import { delimiter } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import type { Moved, Session, SessionTurn } from '../../src/sessions/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { type ProgramId, pathWith } from '../support/runtimes.ts';

let home: TestHome | undefined;
afterEach(() => home?.stop());

const LIMIT_MS = 120_000;
/** More than a program keeps word for word. */
const LONG = 'The quick brown fox jumps over the lazy dog. '.repeat(2_600);

const turnsOf = async (from: TestHome, name: string) =>
  (await from.json<{ turns: SessionTurn[] }>('session', 'tree', name)).turns;

async function rests(from: TestHome, name: string, said: string): Promise<void> {
  const isSaid = async () =>
    (await turnsOf(from, name)).some((turn) => turn.role === 'assistant' && turn.text === said);
  await until(`${name} said ${said}`, isSaid, LIMIT_MS);
  const idle = async () => (await from.json<Agent>('agent', 'show', name)).observed.state === 'idle';
  await until(`${name} is idle`, idle, LIMIT_MS);
}

async function shortened(from: TestHome, name: string, ...flags: string[]): Promise<void> {
  const { json } = from;
  await json('agent', 'spawn', 'Begin.', '--name', name, ...flags);
  const tell = (text: string) => from.client().call('agentSend', { id: name, text, wait: 60 });
  await tell(`${LONG}\n${script(`say: ${name} one`)}`);
  await rests(from, name, `${name} one`);
  await tell(`${LONG}\n${script(`say: ${name} two`)}`);
  await rests(from, name, `${name} two`);
  const before = await json<Session>('session', 'show', name);
  const long = await turnsOf(from, name);
  expect(long.some((turn) => turn.role === 'summary')).toBe(false);

  const moved = await json<Moved>('session', 'compact', name, '--prompt', script(`say: ${name} three`));
  expect(moved, name).toMatchObject({ carried: 'native', session: { id: before.id, origin: before.origin } });
  expect(moved.problem).toBeUndefined();
  await rests(from, name, `${name} three`);
  const turns = await turnsOf(from, name);
  expect(
    turns.filter((turn) => turn.role === 'summary'),
    name,
  ).toHaveLength(1);
  expect(await json<Agent>('agent', 'show', name)).toMatchObject({ generation: 1, lifecycle: 'executing' });
  // What was there is a checkpoint, to which one can go back.
  const { items } = await json<{ items: { reason: string; kept: boolean; turns: number }[] }>(
    'checkpoint',
    'list',
    '--session',
    name,
  );
  expect(items.find(({ reason }) => reason === 'before-compact')).toMatchObject({ kept: true, turns: long.length });
  await json('agent', 'stop', name);
}

test('Pi, in its pane and over its protocol', { timeout: 300_000 }, async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
  await shortened(home, 'paned');
  await shortened(home, 'faceless', '--headless');
});

test('Claude Code, Codex and opencode over their protocols', { timeout: 400_000 }, async (context) => {
  const programs: ProgramId[] = ['claude', 'codex', 'opencode'];
  const paths = await Promise.all(programs.map((id) => pathWith(id)));
  if (paths.includes(undefined)) return context.skip();
  home = await createHome({ PATH: paths.join(delimiter) });
  await home.json('config', 'set', 'provider', 'demo');
  for (const id of programs) await shortened(home, id, '--runtime', id, '--headless');
});

test('Claude Code, Codex and opencode in their panes', { timeout: 600_000 }, async (context) => {
  const programs: ProgramId[] = ['claude', 'codex', 'opencode'];
  const paths = await Promise.all(programs.map((id) => pathWith(id)));
  if (paths.includes(undefined)) return context.skip();
  home = await createHome({ PATH: paths.join(delimiter) });
  await home.json('config', 'set', 'provider', 'demo');
  for (const id of programs) await shortened(home, id, '--runtime', id);
});

test('one that has too little to say, or is told so, gets the summary of Godel', { timeout: 200_000 }, async () => {
  home = await createHome();
  const { json, client } = home;
  await json('config', 'set', 'provider', 'demo');
  await json('agent', 'spawn', script('say: short'), '--name', 'brief');
  await rests(home, 'brief', 'short');
  const moved = await client().call('sessionCompact', { id: 'brief', prompt: script('say: on') });
  expect(moved).toMatchObject({ carried: 'told', session: { origin: 'compact' }, problem: expect.any(String) });
  await rests(home, 'brief', 'on');
  const own = await client().call('sessionCompact', { id: 'brief', own: true, prompt: script('say: again') });
  expect(own).toMatchObject({ carried: 'told', session: { origin: 'compact' } });
  expect(own.problem).toBeUndefined();
  await rests(home, 'brief', 'again');
});
