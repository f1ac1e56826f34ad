/** What an agent's bridge says of prompts is written in order, with what comes along, and nothing is handed over twice meanwhile. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDelivery, type Delivery } from '../../../src/agents/delivery.ts';
import { findAgent, findPrompt, type QueuedPrompt, queuePrompt } from '../../../src/agents/store.ts';
import { addAgentRow } from '../../support/agent-row.ts';
import { createGraphHome, type GraphHome } from '../../support/graph-home.ts';
import { until } from '../../support/home.ts';

let home: GraphHome;
let delivery: Delivery;
let handed: string[];
let told: string[];
let connected: boolean;

const statusOf = async (id: string) => (await findPrompt(home.core.database.db, id))?.status;

async function queue(id: string): Promise<QueuedPrompt> {
  const now = new Date(home.core.clock.now()).toISOString();
  const prompt = { id, agentId: 'a1', text: id, author: 'admin', when: 'after-turn', now };
  return home.core.database.transact((tx) => queuePrompt(tx, prompt));
}

beforeEach(async () => {
  home = await createGraphHome();
  const { core, project } = home;
  handed = [];
  told = [];
  connected = true;
  await addAgentRow(core, project.id, 'idle');
  const find = (id: string) => findAgent(core.database.db, id);
  delivery = createDelivery({
    database: core.database,
    units: core.units,
    toldOf: find,
    log: core.log,
    channels: {
      bridge: (_agentId, { id }) => connected && handed.push(id) > 0,
      paste: () => Promise.reject(new Error('it has a bridge')),
      usesBridge: () => true,
    },
  });
  core.bus.subscribe(({ payload }) => {
    const { prompt } = payload as { prompt?: { id: string; status: string } };
    if (prompt) told.push(`${prompt.id} ${prompt.status}`);
  });
});
afterEach(() => home.stop());

test('what was handed over is not handed over again before that is written', async () => {
  await queue('p1');
  await delivery.pump('a1');
  await queue('p2');
  await delivery.pump('a1');
  expect(handed).toEqual(['p1', 'p2']);
  await until('both are noted', async () => told.length === 2 || undefined);
  expect(told).toEqual(['p1 delivered', 'p2 delivered']);
});

test('that it was taken is written after that it was handed over, and it is not handed over to the next connection', async () => {
  await queue('p1');
  await delivery.pump('a1');
  await delivery.status('a1', 'p1', 'accepted');
  await delivery.status('a1', 'p1', 'started');
  await delivery.pump('a1', true);
  expect(handed).toEqual(['p1']);
  expect(told).toEqual(['p1 delivered', 'p1 acknowledged']);
  expect(await findPrompt(home.core.database.db, 'p1')).toMatchObject({ status: 'acknowledged', attempts: 1 });
});

test('a cut before it was taken: it is handed over again, and counted', async () => {
  await queue('p1');
  await delivery.pump('a1');
  await delivery.pump('a1', true);
  expect(handed).toEqual(['p1', 'p1']);
  await until('both are noted', async () => told.length === 2 || undefined);
  expect(await findPrompt(home.core.database.db, 'p1')).toMatchObject({ status: 'delivered', attempts: 2 });
});

test('whoever waits for a prompt is told at once, and what it refuses is dead', async () => {
  await queue('p1');
  await delivery.pump('a1');
  const settled = delivery.settled('p1', 5_000);
  await delivery.status('a1', 'p1', 'refused', 'the program has ended');
  expect(await settled).toMatchObject({ status: 'dead', reason: 'the program has ended' });
  expect(await statusOf('p1')).toBe('dead');
});

test('what was just queued goes out at once, and what was kept back goes before it', async () => {
  await queue('p1');
  await delivery.pump('a1');
  connected = false;
  await delivery.push(await queue('p2'));
  connected = true;
  await delivery.push(await queue('p3'));
  await delivery.push(await queue('p4'));
  expect(handed).toEqual(['p1', 'p2', 'p3', 'p4']);
});
