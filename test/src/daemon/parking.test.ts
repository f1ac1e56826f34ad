/** An agent that may not go on is shown as parked with the reason, and goes on by itself, once. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createObservation, type Observation } from '../../../src/agents/observation.ts';
import { findAgent, openPrompts } from '../../../src/agents/store.ts';
import type { Activity, BudgetState, Parking } from '../../../src/costs/schema.ts';
import { createBudgetAlerts } from '../../../src/daemon/budget-alerts.ts';
import { createParking, type ParkingWatch } from '../../../src/daemon/parking.ts';
import { eventsSince } from '../../../src/storage/journal.ts';
import { addAgentRow } from '../../support/agent-row.ts';
import { createGraphHome, type GraphHome } from '../../support/graph-home.ts';
import { until } from '../../support/home.ts';

let home: GraphHome;
let observation: Observation;
let parking: ParkingWatch;
let pumped: string[];

const activity = (more: Partial<Activity>): Activity => ({
  agentId: 'a1',
  at: home.core.clock.now(),
  inFlight: 0,
  totalCostNano: 0,
  requests: 1,
  ...more,
});
const budget = (more: Partial<BudgetState> = {}): BudgetState => ({
  scope: 'agent',
  subject: 'a1',
  label: 'worker-1',
  period: 'total',
  limitNano: 10,
  spentNano: 10,
  reservedNano: 0,
  percent: 100,
  resetsAt: null,
  createdAt: '2026-11-27T00:00:00Z',
  ...more,
});
const spent: Parking = {
  kind: 'budget',
  reason: 'budget for agent worker-1 is spent',
  budget: { scope: 'agent', subject: 'a1', period: 'total' },
};
const prompts = () => openPrompts(home.core.database.db, 'a1');
const shown = async () => (await findAgent(home.core.database.db, 'a1'))?.observed;
const report = (state: 'busy' | 'waiting' | 'idle') =>
  observation.report('a1', { state, source: 'hook', atMs: home.core.clock.now(), detail: `the bridge says ${state}` });

function watch(): ParkingWatch {
  const delivery = { pump: async (id: string) => void pumped.push(id) };
  return createParking({ core: home.core, parts: () => ({ observation, delivery: delivery as never }) });
}

beforeEach(async () => {
  home = await createGraphHome();
  pumped = [];
  const { core, project } = home;
  await addAgentRow(core, project.id, 'busy');
  observation = createObservation({
    units: core.units,
    findAgent: (id) => findAgent(core.database.db, id),
    toldOf: (id) => findAgent(core.database.db, id),
    clock: core.clock,
    log: core.log,
  });
  parking = watch();
});
afterEach(async () => {
  await parking.stop();
  await home.stop();
});

describe('parked', () => {
  test('is shown above what the agent says of itself, with the reason, until work is seen', async () => {
    parking.activity(activity({ outcome: 'refused', parked: spent }));
    await until('parked', async () => (await shown())?.state === 'parked');
    await report('waiting');
    expect(await shown()).toMatchObject({ state: 'parked', source: 'proxy', detail: spent.reason });
    parking.activity(activity({ outcome: 'ok' }));
    await until('not parked', async () => (await shown())?.state === 'waiting');
    expect(await prompts()).toEqual([]);
  });

  test('a budget that has room again lets those go on that wait for it, once, whatever restarts', async () => {
    parking.activity(activity({ outcome: 'refused', parked: spent }));
    await until('parked', async () => (await shown())?.state === 'parked');
    await report('waiting');
    parking.notice({ budget: budget({ subject: 'somebody else', percent: 10 }), reached: 0, period: 'total' });
    parking.notice({ budget: budget(), reached: 100, period: 'total' });
    await parking.stop();
    expect((await shown())?.state).toBe('parked');
    // The daemon starts again: it is still parked, and hears of the budget twice.
    parking = watch();
    await parking.start();
    for (const reached of [0, 50])
      parking.notice({ budget: budget({ limitNano: 100, percent: 10 }), reached, period: 'total' });
    await until('it goes on', async () => pumped.length > 0);
    expect(await prompts()).toHaveLength(1);
    expect((await prompts())[0]?.text).toContain('Go on');
    expect((await shown())?.state).toBe('waiting');
  });

  test('a time that has come lets it go on; an agent that tries again by itself is told nothing', async () => {
    const untilMs = home.core.clock.now() + 5_000;
    const busy: Parking = {
      kind: 'provider',
      reason: 'anthropic: rate-limited',
      until: new Date(untilMs).toISOString(),
    };
    parking.activity(activity({ outcome: 'refused', parked: busy }));
    await until('parked', async () => (await shown())?.state === 'parked');
    expect((await shown())?.detail).toContain(busy.until);
    await report('busy');
    await parking.stop();
    home.advance(10_000);
    await report('busy');
    parking = watch();
    await parking.start();
    await until('it goes on', async () => pumped.length > 0);
    expect(await prompts()).toEqual([]);
    expect((await shown())?.state).toBe('busy');
  });

  test('a short wait is no parking', async () => {
    const soon = new Date(home.core.clock.now() + 1_000).toISOString();
    parking.activity(activity({ outcome: 'refused', parked: { kind: 'limit', reason: 'x', until: soon } }));
    await parking.stop();
    expect((await shown())?.state).toBe('busy');
  });
});

test('an alert of a budget is told once for each share, limit and period', async () => {
  const alerts = createBudgetAlerts({ core: home.core });
  const notice = { budget: budget({ percent: 55 }), reached: 50, period: '2026-11' };
  for (const each of [notice, notice, { ...notice, reached: 80 }, { ...notice, period: '2026-12' }]) alerts(each);
  const told = async () =>
    (await eventsSince(home.core.database.db, 0, 1_000)).filter((event) => event.type === 'budget:alert');
  await until('three', async () => (await told()).length >= 3);
  alerts(notice);
  alerts({ budget: budget({ percent: 0 }), reached: 0, period: 'total' });
  await until('reopened', async () =>
    (await eventsSince(home.core.database.db, 0, 1_000)).some((event) => event.type === 'budget:reopened'),
  );
  expect(await told()).toHaveLength(3);
  expect((await told())[0]?.metadata).toMatchObject({ agentId: 'a1' });
});
