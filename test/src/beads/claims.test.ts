/** Claims: one of many gets a bead, a lease runs out by the clock, and who no longer holds a bead writes nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../../../src/agents/schema.ts';
import { insertAgent } from '../../../src/agents/store.ts';
import { newId } from '../../../src/base/id.ts';
import { extendLeases, LEASE_MS } from '../../../src/beads/claims.ts';
import { assertStartable, blockingOf } from '../../../src/beads/readiness.ts';
import type { Bead } from '../../../src/beads/schema.ts';
import { startLeaseKeeper } from '../../../src/daemon/leases.ts';
import { readPath } from '../../../src/storage/state-ref/read.ts';
import { makeAgent } from '../../support/board-data.ts';
import { ANN, agentActor, createGraphHome, type GraphHome } from '../../support/graph-home.ts';
import { until } from '../../support/home.ts';

let home: GraphHome;
beforeAll(async () => {
  home = await createGraphHome();
});
afterAll(() => home.stop());

const ann = () => home.as(ANN);
const create = (
  title: string,
  changes: { labels?: string[]; blockedBy?: string[]; priority?: Bead['priority'] } = {},
) => {
  home.advance(1);
  const lists = { labels: [], blockedBy: [], related: [], discoveredFrom: [] };
  return home.beads.beadCreate(
    { ...lists, type: 'task', priority: 'medium', vars: [], metadata: {}, title, ...changes },
    ann(),
  );
};
const CLAIM = { leaseSeconds: 60, force: false, label: [] as string[] };
const claim = (id: string, holder: string, more: Partial<Parameters<GraphHome['beads']['beadClaim']>[0]> = {}) =>
  home.beads.beadClaim({ ...CLAIM, id, holder, ...more }, ann());
const show = (bead: Bead) => home.beads.beadShow({ id: bead.id }, ann());
const LOST = { reason: 'lease-lost', kind: 'conflict' };

async function addAgent(name: string, lifecycle: Agent['lifecycle'], bead: Bead): Promise<Agent> {
  const agent = makeAgent(1, 'idle', { id: newId(), name, lifecycle, beadId: bead.id, projectId: home.project.id });
  await home.core.database.transact((tx) => insertAgent(tx, agent));
  return agent;
}

describe('many at once', () => {
  test('each ready bead goes to exactly one of them, most urgent first', async () => {
    const priorities = ['low', 'critical', 'medium', 'high', 'medium'] as const;
    for (const [index, priority] of priorities.entries()) await create(`race ${index}`, { labels: ['race'], priority });
    const tries = Array.from({ length: 20 }, (_, index) =>
      home.beads.beadClaim({ ...CLAIM, label: ['race'], holder: `w${index}` }, ann()).catch((error) => error.reason),
    );
    const results = await Promise.all(tries);
    const won = results.filter((each) => typeof each !== 'string');
    expect(results.filter((each) => each === 'nothing-ready')).toHaveLength(15);
    expect(new Set(won.map(({ bead }) => bead.id)).size).toBe(5);
    expect(won.map(({ bead }) => bead.priority)).toEqual(['critical', 'high', 'medium', 'medium', 'low']);
    for (const { bead, holder } of won) {
      expect(bead).toMatchObject({ status: 'in-progress', agent: holder, claim: { holder, generation: 1 } });
    }
  });

  test('one bead goes to one; the others are told who has it and until when', async () => {
    const bead = await create('wanted');
    const names = Array.from({ length: 12 }, (_, index) => `w${index}`);
    const results = await Promise.allSettled(names.map((name) => claim(bead.id, name)));
    const winner = results.findIndex((each) => each.status === 'fulfilled');
    expect(results.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
    for (const [index, each] of results.entries()) {
      if (index === winner) continue;
      expect((each as PromiseRejectedResult).reason).toMatchObject({
        reason: 'bead-claimed',
        message: expect.stringContaining(`is held by w${winner} until 2026-`),
      });
    }
    const again = await claim(bead.id, `w${winner}`);
    expect(again.generation, 'the holder keeps its generation').toBe(1);
  });
});

describe('a lease that ran out', () => {
  test('lets the next one in, and refuses every late write of the last holder', async () => {
    const bead = await create('leased');
    const first = await claim(bead.id, 'slow');
    const write = { id: bead.id, generation: first.generation };
    await home.beads.beadUpdate({ ...write, priority: 'high' }, ann());
    home.advance(61_000);
    const nobody = { ...LOST, message: expect.stringContaining('Your lease ran out at 2026-') };
    await expect(home.beads.beadUpdate({ ...write, title: 'late' }, ann())).rejects.toMatchObject(nobody);
    const second = await claim(bead.id, 'quick');
    expect(second.generation).toBe(first.generation + 1);
    const late = { ...LOST, message: expect.stringContaining('quick holds it now.') };
    const other = await create('other');
    const writes = [
      () => home.beads.beadUpdate({ ...write, title: 'late' }, ann()),
      () => home.beads.beadStatus({ ...write, status: 'open', force: false }, ann()),
      () => home.beads.beadClose({ ...write, force: true }, ann()),
      () => home.beads.beadDone(write, ann()),
      () => home.beads.beadLabel({ ...write, labels: ['late'] }, ann()),
      () => home.beads.beadLink({ ...write, to: [other.id], kind: 'related' }, ann()),
      () => home.beads.beadComment({ ...write, text: 'late' }, ann()),
      () => home.beads.beadRenew({ ...write, leaseSeconds: 60 }, ann()),
      () => home.beads.beadRelease(write, ann()),
    ];
    for (const attempt of writes) await expect(attempt()).rejects.toMatchObject(late);
    expect(await show(bead)).toMatchObject({
      title: 'leased',
      priority: 'high',
      agent: 'quick',
      labels: [],
      notes: [],
    });
  });

  test('is kept off by renewing, and ended by giving back', async () => {
    const bead = await create('renewed');
    const { generation } = await claim(bead.id, 'steady');
    for (let round = 0; round < 3; round += 1) {
      home.advance(50_000);
      await home.beads.beadRenew({ id: bead.id, generation, leaseSeconds: 60 }, ann());
    }
    await expect(claim(bead.id, 'other')).rejects.toMatchObject({ reason: 'bead-claimed' });
    const released = await home.beads.beadRelease({ id: bead.id, generation }, ann());
    expect(released).toMatchObject({ status: 'open', claim: { holder: '', generation } });
    expect(released.agent).toBeUndefined();
    expect((await claim(bead.id, 'other')).generation).toBe(generation + 1);
  });

  test('a person may take a bead by force, and is not fenced off himself', async () => {
    const bead = await create('forced');
    const { generation } = await claim(bead.id, 'holder');
    expect((await claim(bead.id, 'ann', { force: true })).generation).toBe(generation + 1);
    await expect(home.beads.beadUpdate({ id: bead.id, generation, title: 'x' }, ann())).rejects.toMatchObject(LOST);
    expect((await home.beads.beadUpdate({ id: bead.id, title: 'mine' }, ann())).title).toBe('mine');
  });
});

describe('agents', () => {
  test('write without naming a generation, as long as nobody else holds the bead', async () => {
    const bead = await create('agent work');
    const one = home.as(agentActor('one'));
    const two = home.as(agentActor('two'));
    await home.beads.beadClaim({ ...CLAIM, id: bead.id, holder: 'somebody else' }, one);
    expect((await show(bead)).claim?.holder, 'an agent claims for itself only').toBe('one');
    await home.beads.beadUpdate({ id: bead.id, title: 'by one' }, one);
    await expect(home.beads.beadUpdate({ id: bead.id, title: 'by two' }, two)).rejects.toMatchObject({
      ...LOST,
      message: expect.stringContaining('one holds it now.'),
    });
    await expect(home.beads.beadClaim({ ...CLAIM, id: bead.id, force: true }, two)).rejects.toMatchObject({
      reason: 'bead-claimed',
    });
    home.advance(61_000);
    await home.beads.beadUpdate({ id: bead.id, title: 'one slept' }, one);
    await expect(home.beads.beadClaim({ ...CLAIM, id: bead.id }, two), 'writing renewed it').rejects.toThrow(
      'held by one',
    );
    home.advance(LEASE_MS + 1);
    await home.beads.beadClaim({ ...CLAIM, id: bead.id }, two);
    await expect(home.beads.beadDone({ id: bead.id }, one)).rejects.toMatchObject(LOST);
  });

  test('keep their leases while they live; the bead of an ended one is free at once', async () => {
    const [live, ended] = [await create('of a live agent'), await create('of an ended agent')];
    await addAgent('live-1', 'executing', live);
    await addAgent('ended-1', 'executing', ended);
    await claim(live.id, 'live-1');
    await claim(ended.id, 'ended-1');
    const keeper = startLeaseKeeper(home.core);
    try {
      home.advance(59_000);
      await keeper.renew();
      home.advance(LEASE_MS - 1_000);
      await expect(claim(live.id, 'thief')).rejects.toMatchObject({ reason: 'bead-claimed' });
      await home.core.units.run(async (unit) => {
        const agent = makeAgent(1, 'exited', { name: 'ended-1', lifecycle: 'killed' });
        const metadata = { projectId: home.project.id, beadId: ended.id };
        await unit.emit({ type: 'agent:kill', component: 'agents', payload: { agent }, metadata });
      });
      await until('the claim of the ended agent is given back', async () => (await show(ended)).claim?.holder === '');
      expect((await show(live)).claim?.holder).toBe('live-1');
      expect((await claim(ended.id, 'next')).generation).toBe(2);
    } finally {
      await keeper.stop();
    }
  });

  test('a lease of an agent whose end nobody heard of keeps nobody off', async () => {
    const bead = await create('orphan');
    await addAgent('gone-1', 'failed', bead);
    await claim(bead.id, 'gone-1');
    expect((await claim(bead.id, 'next')).generation).toBe(2);
    await home.core.database.transact((tx) => extendLeases(tx, home.project.id, [], 0));
  });
});

test('the generation is in git, the lease is not; done ends the claim', async () => {
  const bead = await create('in git');
  await claim(bead.id, 'keeper');
  const file = () =>
    readPath(home.project.gitDir, 'refs/godel/state', `beads/${bead.id[6]}/${bead.id[7]}/${bead.id}.json`);
  expect(JSON.parse(await file())).toMatchObject({ claim: { holder: 'keeper', generation: 1 } });
  expect(await file()).not.toContain('expires');
  expect((await show(bead)).leaseUntil).toBeDefined();
  await home.beads.beadClose({ id: bead.id, force: true }, ann());
  expect(JSON.parse(await file())).toMatchObject({ status: 'done', claim: { holder: '', generation: 1 } });
  expect((await show(bead)).leaseUntil).toBeUndefined();
  await expect(claim(bead.id, 'late')).rejects.toMatchObject({ reason: 'transition-refused' });
});

describe('a blocked bead', () => {
  test('is begun by nothing that acts by itself, and by a person only with force', async () => {
    const base = await create('base');
    const next = await create('next', { blockedBy: [base.id], labels: ['chain'] });
    const agent = home.as(agentActor('eager'));
    const blocked = { reason: 'bead-blocked', message: `${next.id} waits for ${base.id}.` };
    await expect(home.beads.beadClaim({ ...CLAIM, label: ['chain'] }, ann())).rejects.toMatchObject({
      reason: 'nothing-ready',
    });
    await expect(home.beads.beadClaim({ ...CLAIM, id: next.id, force: true }, agent)).rejects.toMatchObject(blocked);
    await expect(
      home.beads.beadStatus({ id: next.id, status: 'in-progress', force: true }, agent),
    ).rejects.toMatchObject(blocked);
    await expect(claim(next.id, 'ann')).rejects.toMatchObject(blocked);
    expect((await claim(next.id, 'ann', { force: true })).bead.status).toBe('in-progress');
  });

  test('is what a bead is whose blockers cannot be read', async () => {
    const base = await create('base');
    await home.beads.beadClose({ id: base.id, force: true }, ann());
    const next = await create('next', { blockedBy: [base.id] });
    const { db } = home.core.database;
    expect(await blockingOf(db, next)).toEqual({ open: [] });
    // A real fault: the table is away while it is read, as after a damaged file.
    await home.core.database.transact((tx) => tx.schema.alterTable('beads').renameTo('beads_away').execute());
    try {
      expect(await blockingOf(db, next)).toMatchObject({ open: [base.id], problem: expect.stringContaining('beads') });
      await expect(assertStartable(db, next)).rejects.toMatchObject({
        reason: 'bead-blocked',
        message: expect.stringContaining('what it waits for could not be read'),
      });
    } finally {
      await home.core.database.transact((tx) => tx.schema.alterTable('beads_away').renameTo('beads').execute());
    }
    await assertStartable(db, next);
  });
});
