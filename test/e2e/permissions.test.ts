/** A real agent asks for permission; a person at a real terminal answers, in the inbox of the board or in the agent's pane, and it goes on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import type { InboxItem } from '../../src/inbox/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { createPerson, type Person } from '../support/person.ts';
import { pathWith } from '../support/runtimes.ts';

const LIMIT_MS = 90_000;
/** Both ways a program can be run: in its own pane, and over its protocol. */
const ways = [
  { name: 'face', words: [], source: 'hook' },
  { name: 'speaker', words: ['--headless'], source: 'protocol' },
];

let home: TestHome | undefined;
let person: Person;

beforeAll(async () => {
  const path = await pathWith('claude');
  if (path === undefined) return;
  home = await createHome({ PATH: path });
  await home.json('config', 'set', 'provider', 'demo');
  await home.json('config', 'set', 'agent_permission', 'ask');
  person = createPerson(home);
  await person.open(160, 45);
  await person.sees('No beads yet');
}, 400_000);
afterAll(async () => {
  if (!home) return;
  await person.leave();
  await home.stop();
});

async function shows(name: string, state: string): Promise<Agent> {
  return until(
    `${name} is ${state}`,
    async () => {
      const agent = await home?.json<Agent>('agent', 'show', name);
      return agent?.observed.state === state && agent;
    },
    LIMIT_MS,
  ).catch(async (error: Error) => {
    const agent = await home?.json<Agent>('agent', 'show', name);
    throw new Error(`${error.message}: ${JSON.stringify(agent?.observed)}\n${await person.screen()}`);
  });
}

const openItems = async () => (await home?.json<{ items: InboxItem[] }>('inbox', 'list'))?.items ?? [];

/** Lets the agent ask to make a file; nothing is made before the answer. */
async function asks(name: string, file: string): Promise<Agent> {
  await home?.json('agent', 'send', name, script(`bash: npm --version > ${file}`, `say: done with ${file}`));
  const agent = await shows(name, 'waiting');
  expect(agent.observed.question).toMatchObject({
    kind: 'permission',
    choices: expect.arrayContaining(['allow', 'deny']),
  });
  expect(existsSync(join(home?.repository ?? '', file))).toBe(false);
  return agent;
}

/** It went on to the end of its turn, and nobody is asked any more. */
async function goesOn(name: string): Promise<void> {
  await shows(name, 'idle');
  await until('nothing is asked', async () => (await openItems()).length === 0);
  await person.sees('Nothing waits for you');
}

describe.each(ways)('Claude Code as $name', ({ name, words, source }) => {
  test('is allowed, and refused, in the inbox of the board', { timeout: 300_000 }, async (context) => {
    if (!home) return context.skip();
    await home.json('agent', 'spawn', '--name', name, '--runtime', 'claude', ...words);
    await shows(name, 'idle');
    const agent = await asks(name, `${name}-allowed.txt`);
    expect(agent.observed.source).toBe(source);
    await person.focusIs('board');
    await person.press('i');
    // What the panes say is on the screen as well: the list itself has it.
    await person.sees(/Inbox +1\b/);
    await person.press('Enter');
    await goesOn(name);
    expect(existsSync(join(home.repository, `${name}-allowed.txt`))).toBe(true);

    await asks(name, `${name}-refused.txt`);
    await person.sees(/Inbox +1\b/);
    const { choices } = (await openItems())[0] as InboxItem;
    for (let at = 0; at < choices.indexOf('deny'); at += 1) await person.press('l');
    await person.press('Enter');
    await goesOn(name);
    expect(existsSync(join(home.repository, `${name}-refused.txt`))).toBe(false);
    const all = (await home.json<{ items: InboxItem[] }>('inbox', 'list', '--all')).items;
    const given = all.filter((item) => item.agentName === name).map((item) => item.answer?.choice);
    expect(given).toEqual(['deny', 'allow']);
    await person.press('q');
  });
});

/** A dialog that was drawn this very moment may miss a key: a person whose key does nothing presses it again. */
async function proceed(): Promise<void> {
  const isGone = async () => !(await person.screen()).includes('Do you want to proceed?');
  for (let presses = 0; presses < 5; presses += 1) {
    await person.press('Enter');
    if (await until('the dialog is gone', isGone, 5_000).catch(() => false)) return;
  }
}

test('one key leads from the board to the agent that asks, and what is answered in its pane is off the list', {
  timeout: 200_000,
}, async (context) => {
  if (!home) return context.skip();
  await asks('face', 'in-the-pane.txt');
  await person.focusIs('board');
  await person.sees(/face waiting/);
  await person.press('!');
  await person.focusIs('face');
  await person.sees('Do you want to proceed?');
  await proceed();
  await shows('face', 'idle');
  expect(existsSync(join(home.repository, 'in-the-pane.txt'))).toBe(true);
  await until('nothing is asked', async () => (await openItems()).length === 0);
});
