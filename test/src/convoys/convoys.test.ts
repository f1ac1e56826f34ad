/** Convoys: status from their beads, progress, an honest estimate, and the archive. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bead } from '../../../src/beads/schema.ts';
import type { Progress } from '../../../src/convoys/schema.ts';
import { estimate, estimateText } from '../../../src/convoys/state.ts';
import { ANN, createGraphHome, type GraphHome, START } from '../../support/graph-home.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let home: GraphHome;
beforeAll(async () => {
  home = await createGraphHome();
});
afterAll(() => home.stop());

const ann = () => home.as(ANN);
const create = (title: string, blockedBy: string[] = []) => {
  home.advance(1);
  const lists = { labels: [], blockedBy, related: [], discoveredFrom: [], vars: [] };
  return home.beads.beadCreate({ ...lists, type: 'task', priority: 'medium', metadata: {}, title }, ann());
};
const bundle = (name: string, beads: readonly Bead[]) =>
  home.convoys.convoyCreate({ name, beads: beads.map((bead) => bead.id) }, ann());
const close = async (bead: Bead) => {
  await home.beads.beadClose({ id: bead.id, force: true }, ann());
  await home.convoys.beadChanged(home.project.id, bead.id);
};
const reopen = async (bead: Bead) => {
  await home.beads.beadStatus({ id: bead.id, status: 'open', force: false }, ann());
  await home.convoys.beadChanged(home.project.id, bead.id);
};
const report = (id: string) => home.convoys.convoyStatus({ id }, ann());
const listed = async (name: string) =>
  (await home.convoys.convoyList({ limit: 100 }, ann())).items.find((convoy) => convoy.name === name);

describe('status', () => {
  test('follows the beads both ways, and only a person archives', async () => {
    const [a, b] = [await create('a'), await create('b')];
    const { id } = await bundle('Sprint', [a, b]);
    await close(a);
    expect((await report(id)).convoy.status).toBe('active');
    await close(b);
    expect((await report(id)).convoy).toMatchObject({ status: 'completed', completedAt: expect.any(String) });
    await reopen(b);
    const again = (await report(id)).convoy;
    expect(again.status).toBe('active');
    expect(again.completedAt).toBeUndefined();
    expect((await home.convoys.convoyArchive({ id }, ann())).status).toBe('archived');
    await close(b);
    expect((await report(id)).convoy.status).toBe('archived');
    await expect(home.convoys.convoyArchive({ id }, ann())).rejects.toMatchObject({ reason: 'transition-refused' });
    await expect(home.convoys.convoyAdd({ id, beads: [a.id] }, ann())).rejects.toMatchObject({
      reason: 'transition-refused',
    });
    expect((await home.convoys.convoyRestore({ id }, ann())).status, 'all of it was done meanwhile').toBe('completed');
    await expect(home.convoys.convoyRestore({ id }, ann())).rejects.toMatchObject({ reason: 'transition-refused' });
    const archived = await home.convoys.convoyList({ status: 'archived', limit: 10 }, ann());
    expect(archived.items).toEqual([]);
  });

  test('is right from the start, and with beads added, taken out and deleted', async () => {
    const [done, open] = [await create('done'), await create('open')];
    await close(done);
    expect((await bundle('Finished', [done])).status).toBe('completed');
    const { id } = await bundle('Empty', []);
    expect((await report(id)).convoy.status).toBe('active');
    expect((await home.convoys.convoyAdd({ id, beads: [done.id] }, ann())).status).toBe('completed');
    expect((await home.convoys.convoyAdd({ id, beads: [open.id] }, ann())).status).toBe('active');
    await home.beads.beadDelete({ id: open.id }, ann());
    await home.convoys.beadChanged(home.project.id, open.id);
    expect((await report(id)).convoy.status, 'a bead that is gone holds nothing up').toBe('completed');
    expect((await home.convoys.convoyRemove({ id, beads: [done.id] }, ann())).status).toBe('active');
  });
});

test('progress counts where the beads are, and what is blocked', async () => {
  const base = await create('base');
  const [waiting, moving] = [await create('waiting', [base.id]), await create('moving')];
  const ready = await create('ready');
  await home.beads.beadStatus({ id: moving.id, status: 'in-progress', force: false }, ann());
  const { id } = await bundle('Progress', [base, waiting, moving, ready]);
  const progress = { done: 0, total: 4, percent: 0, open: 3, inProgress: 1, review: 0, blocked: 1 };
  expect((await report(id)).progress).toEqual(progress);
  expect((await listed('Progress'))?.progress).toEqual(progress);
  await close(base);
  expect((await listed('Progress'))?.progress).toEqual({ ...progress, done: 1, percent: 25, open: 2, blocked: 0 });
});

test('the estimate goes by what the convoy finished, and says so when it cannot tell', async () => {
  home.advance(60 * DAY);
  const beads = [await create('1'), await create('2'), await create('3'), await create('4')];
  const { id } = await bundle('Paced', beads);
  expect((await report(id)).estimate).toMatchObject({
    basis: 'none',
    reason: 'too little was finished lately to go by',
  });
  home.advance(DAY);
  await close(beads[0] as Bead);
  expect((await report(id)).estimate.basis).toBe('none');
  home.advance(DAY);
  await close(beads[1] as Bead);
  const { estimate: given } = await report(id);
  expect(given).toMatchObject({ basis: 'convoy', perDay: 1 });
  const left = Date.parse(given.at ?? '') - home.advance(0);
  expect(Math.abs(left - 2 * DAY)).toBeLessThan(HOUR);
});

describe('an estimate', () => {
  const nowMs = START;
  const progress = (done: number, total: number): Pick<Progress, 'done' | 'total'> => ({ done, total });
  const base = { sinceMs: nowMs - 10 * DAY, doneMs: [] as number[], projectDone: 0, nowMs };

  test('slows down while nothing is finished', () => {
    const given = { ...base, progress: progress(2, 4), doneMs: [nowMs - 9 * DAY, nowMs - 8 * DAY] };
    const soon = estimate(given);
    const later = estimate({ ...given, nowMs: nowMs + 10 * DAY });
    expect(soon.perDay).toBe(0.2);
    expect(later.perDay).toBe(0.1);
  });
  test('goes by the project when the convoy finished too little itself', () => {
    const given = estimate({ ...base, progress: progress(1, 8), doneMs: [nowMs - DAY], projectDone: 28 });
    expect(given).toMatchObject({ basis: 'project', perDay: 2 });
    expect(estimateText(given)).toContain('2 beads a day if the whole project works on it');
  });
  test('forgets what was long ago, and what was done before it began', () => {
    const old = {
      ...base,
      sinceMs: nowMs - 300 * DAY,
      progress: progress(5, 8),
      doneMs: [nowMs - 90 * DAY, nowMs - 80 * DAY],
    };
    expect(estimate(old)).toEqual({ basis: 'none', reason: 'too little was finished lately to go by' });
    const before = { ...base, progress: progress(5, 8), doneMs: [nowMs - 20 * DAY, nowMs - 15 * DAY] };
    expect(estimate(before).basis).toBe('none');
  });
  test('knows nothing of an empty convoy and of one that is done', () => {
    expect(estimateText(estimate({ ...base, progress: progress(0, 0) }))).toBe('unknown: it has no beads');
    expect(estimateText(estimate({ ...base, progress: progress(3, 3) }))).toBe('unknown: all of it is done');
  });
});
