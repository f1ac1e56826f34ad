/**
 * Prompts of up to 4 KB reach programs byte by byte and once each, while they draw their screens again and again: typed
 * into a face, and over a protocol. A hundred by default, 10,000 with `./scripts/test --soak`.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import SQLite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../src/base/process.ts';
import { createHome, type TestHome, until } from '../support/home.ts';
import { deliver, fakeClaudeIn, takenIn } from '../support/prompt-load.ts';
import { seeded } from '../support/random.ts';

const AGENTS = process.env.GODEL_TEST_SOAK ? 20 : 2;
const PROMPTS = process.env.GODEL_TEST_SOAK ? 250 : 25;
const LIMIT_MS = PROMPTS * 8_000;

let home: TestHome;
beforeAll(async () => {
  const bin = await fakeClaudeIn(await mkdtemp(join(tmpdir(), 'stand-in-')));
  home = await createHome({ PATH: [bin, process.env.PATH].join(delimiter) });
  await home.json('config', 'set', 'provider', 'demo');
});
afterAll(() => home.stop());

test.each([
  ['face', false],
  ['protocol', true],
])(`${AGENTS * PROMPTS} by the %s`, { timeout: LIMIT_MS }, async (name, headless) => {
  const { client, paths } = home;
  const load = { client: client(), agentsDir: paths.agentsDir, name, headless, agents: AGENTS, prompts: PROMPTS };
  const sent = AGENTS * PROMPTS;
  expect(await deliver({ ...load, random: seeded(11) })).toEqual({
    sent,
    exact: sent,
    lost: 0,
    twice: 0,
    mangled: 0,
    disordered: 0,
    dead: 0,
  });
});

const tmux = (...words: string[]) => run('tmux', ['-L', home.paths.tmuxSocketName, ...words], { env: home.env });
const screenOf = async (pane: string) => (await tmux('capture-pane', '-p', '-t', pane)).stdout;

const idle = (name: string) =>
  until(`${name} is idle`, async () => {
    const { items } = await home.client().call('agentList', { limit: 500 });
    return items.find((each) => each.name === name && each.observed.state === 'idle');
  });

test('what a person has typed and not sent is neither sent along nor lost', async () => {
  await home.json('agent', 'spawn', '--name', 'drafted', '--runtime', 'claude');
  const { id, pane = '' } = await idle('drafted');
  const folder = join(home.paths.agentsDir, id, 'claude');
  await tmux('send-keys', '-t', pane, '-l', 'half a thought');
  await until('it is in the input', async () => (await screenOf(pane)).includes('> half a thought'));
  const sent = await home.client().call('agentSend', { id, text: 'the prompt', wait: 60 });
  expect(sent.status).toBe('acknowledged');
  await until('it is in the input again', async () => (await screenOf(pane)).includes('> half a thought'));
  expect(takenIn(folder)).toEqual(['the prompt']);
  await tmux('send-keys', '-t', pane, 'Enter');
  await until('the person sent it', async () => takenIn(folder).length === 2);
  expect(takenIn(folder)).toEqual(['the prompt', 'half a thought']);
});

/** What the database says of a prompt while no daemon runs. */
function storedStatus(id: string): string {
  const database = new SQLite(home.paths.databaseFile, { readonly: true });
  try {
    return (database.prepare('select status from prompts where id = ?').get(id) as { status: string }).status;
  } finally {
    database.close();
  }
}

test('a daemon that is killed before it wrote that a prompt was handed over does not hand it over twice', async () => {
  await home.json('agent', 'spawn', '--name', 'twice', '--runtime', 'claude', '--headless');
  const { id } = await idle('twice');
  const folder = join(home.paths.agentsDir, id, 'claude');
  let unwritten = 0;
  for (let round = 1; round <= 20 && unwritten < 2; round += 1) {
    const text = `round ${round}`;
    const sent = await home.client().call('agentSend', { id, text });
    while (!takenIn(folder).includes(text)) await nextTurn();
    process.kill(home.daemonPid(), 'SIGKILL');
    if (storedStatus(sent.id) === 'queued') unwritten += 1;
    await home.json('agent', 'list');
    await until(`${text} is acknowledged`, async () => {
      const { items } = await home.client().call('agentPrompts', { id, limit: 500 });
      return items.some((each) => each.id === sent.id && each.status === 'acknowledged');
    });
    expect(takenIn(folder).filter((each) => each === text)).toHaveLength(1);
  }
  expect(unwritten).toBe(2);
});
