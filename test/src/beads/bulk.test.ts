/** Bulk changes: all or none, in one commit, with a word on each bead. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import type { Bead } from '../../../src/beads/schema.ts';
import { ANN, createGraphHome, type GraphHome } from '../../support/graph-home.ts';

let home: GraphHome;
beforeAll(async () => {
  home = await createGraphHome();
});
afterAll(() => home.stop());

const ann = () => home.as(ANN);
const create = (title: string) => {
  home.advance(1);
  const lists = { labels: [], blockedBy: [], related: [], discoveredFrom: [], vars: [] };
  return home.beads.beadCreate({ ...lists, type: 'task', priority: 'medium', metadata: {}, title }, ann());
};
type Input = Parameters<GraphHome['beads']['beadBulk']>[0];
const bulk = (beads: readonly Bead[], change: Partial<Input>) =>
  home.beads.beadBulk(
    { ids: beads.map((bead) => bead.id), force: false, addLabel: [], removeLabel: [], ...change },
    ann(),
  );
const show = (bead: Bead) => home.beads.beadShow({ id: bead.id }, ann());
const commits = async () => Number(await git(home.project.gitDir, ['rev-list', '--count', 'refs/godel/state']));

test('many fields of many beads change in one commit', async () => {
  const beads = [await create('a'), await create('b'), await create('c')];
  const epic = await create('epic');
  const before = await commits();
  const { items } = await bulk(beads, {
    priority: 'high',
    addLabel: ['x', 'y'],
    parentBead: epic.id,
    due: '2026-12-24',
    agent: 'worker-1',
    status: 'in-progress',
  });
  expect(items.map(({ id, changed }) => [id, changed])).toEqual(beads.map((bead) => [bead.id, true]));
  for (const bead of beads) {
    expect(await show(bead)).toMatchObject({
      priority: 'high',
      labels: ['x', 'y'],
      parentBead: epic.id,
      dueAt: '2026-12-24',
      agent: 'worker-1',
      status: 'in-progress',
      version: 2,
    });
  }
  expect(await commits()).toBe(before + 1);
  const again = await bulk([...beads, ...beads], { priority: 'high', removeLabel: ['y'], agent: 'none' });
  expect(again.items.map(({ changed }) => changed)).toEqual([true, true, true]);
  const same = await bulk(beads, { priority: 'high' });
  expect(same.items.map(({ changed }) => changed)).toEqual([false, false, false]);
  expect((await show(beads[0] as Bead)).agent).toBeUndefined();
});

test('one that cannot be changed so keeps all as they were, and each refusal is named', async () => {
  const [one, two, epic] = [await create('one'), await create('two'), await create('epic')];
  const child = await home.beads.beadUpdate({ id: epic.id, parentBead: two.id }, ann());
  const before = await commits();
  const refused = bulk([one, two, child], { priority: 'low', parentBead: epic.id });
  await expect(refused).rejects.toMatchObject({
    reason: 'bulk-refused',
    kind: 'conflict',
    message: expect.stringMatching(
      new RegExp(`^Nothing was changed: .*${two.id} is part of ${epic.id}.*${epic.id} is part of ${epic.id}`),
    ),
    params: {
      total: 3,
      refusals: [
        { id: two.id, reason: 'cycle-refused' },
        { id: epic.id, reason: 'cycle-refused' },
      ],
    },
  });
  await expect(bulk([one, { ...two, id: 'godel-zzzzz' }], { priority: 'low' })).rejects.toThrow(
    'There is no bead "godel-zzzzz"',
  );
  await expect(bulk([one, two], { status: 'done' })).rejects.toMatchObject({ reason: 'bulk-refused' });
  await expect(bulk([one, two], { status: 'review' })).rejects.toMatchObject({ reason: 'bulk-refused' });
  for (const bead of [one, two])
    expect(await show(bead)).toMatchObject({ priority: 'medium', status: 'open', version: 1 });
  expect(await commits(), 'nothing reached git').toBe(before);
  const done = await bulk([one, two], { status: 'done', force: true });
  expect(done.items.map(({ bead }) => bead.status)).toEqual(['done', 'done']);
});
