/** Two clones that change one value: one is kept, the other is not lost, and a person decides. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Bead } from '../../../src/beads/schema.ts';
import { type Clone, makeRemote, type Remote, same, settle, show } from '../../support/clone.ts';

let remote: Remote;
let ann: Clone;
let bob: Clone;

beforeEach(async () => {
  remote = await makeRemote();
  [ann, bob] = [await remote.clone('ann'), await remote.clone('bob')];
});
afterEach(() => remote.stop());

async function clash(): Promise<Bead> {
  const bead = await ann.create('first title', { priority: 'low' });
  await settle(ann, bob);
  await ann.update(bead.id, { title: 'the title of Ann' });
  await bob.update(bead.id, { title: 'the title of Bob' });
  await settle(ann, bob);
  await same(ann, bob);
  return bead;
}

test('conflicts are counted on the bead of both, keep both values, and name who wrote them', async () => {
  const bead = await clash();
  for (const clone of [ann, bob]) {
    expect(await show(clone, bead.id)).toMatchObject({ title: 'the title of Bob', conflicts: 1 });
    const { items } = await clone.sync.handlers.beadConflicts({ all: false }, clone.context);
    expect(items).toMatchObject([
      { about: bead.id, field: 'title', kept: { value: 'the title of Bob' }, lost: { value: 'the title of Ann' } },
    ]);
    expect(items[0]?.kept.by).toContain('@');
  }
});

test('keeping a conflict ends it everywhere; taking puts the other value in place everywhere', async () => {
  const bead = await clash();
  const took = { id: bead.id, keep: false, take: true };
  const { items } = await ann.sync.handlers.beadResolve(took, ann.context);
  expect(items).toMatchObject([{ resolution: 'take', resolvedBy: 'ann' }]);
  await expect(ann.sync.handlers.beadResolve(took, ann.context)).rejects.toMatchObject({ reason: 'no-conflict' });
  await settle(ann, bob);
  await same(ann, bob);
  expect(await show(bob, bead.id)).toMatchObject({ title: 'the title of Ann', conflicts: 0 });
  expect((await bob.sync.handlers.beadConflicts({ all: false }, bob.context)).items).toEqual([]);
  // What was decided can still be read.
  const all = (await bob.sync.handlers.beadConflicts({ all: true }, bob.context)).items;
  expect(all).toMatchObject([{ resolution: 'take', kept: { value: 'the title of Bob' } }]);
});

test('a circle of blockers that two clones made together is told of, and one edge can be taken away', async () => {
  const [one, two] = [await ann.create('one'), await ann.create('two')];
  await settle(ann, bob);
  await ann.update(one.id, { blockedBy: [two.id] });
  await bob.update(two.id, { blockedBy: [one.id] });
  await settle(ann, bob);
  await same(ann, bob);
  const { items } = await ann.sync.handlers.beadConflicts({ all: false }, ann.context);
  expect(items).toMatchObject([{ about: two.id, kind: 'cycle', field: `blockedBy/${one.id}` }]);
  expect((await bob.sync.handlers.beadConflicts({ all: false }, bob.context)).items.map((each) => each.id)).toEqual(
    items.map((each) => each.id),
  );
  await bob.sync.handlers.beadResolve({ id: two.id, keep: false, take: true }, bob.context);
  await settle(ann, bob);
  expect((await show(ann, two.id)).blockedBy).toEqual([]);
  expect((await show(ann, one.id)).blockedBy).toEqual([two.id]);
});
