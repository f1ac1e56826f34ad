/** The past of a bead is read from git, and the last change of a person can be taken back. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { actingAs } from '../../../src/base/acting.ts';
import { git } from '../../../src/base/git.ts';
import type { Bead } from '../../../src/beads/schema.ts';
import { createHistoryService } from '../../../src/history/service.ts';
import { type Clone, makeRemote, type Remote, settle, show } from '../../support/clone.ts';

let remote: Remote;
let ann: Clone;

beforeEach(async () => {
  remote = await makeRemote();
  ann = await remote.clone('ann');
});
afterEach(() => remote.stop());

const service = (clone: Clone) =>
  createHistoryService({
    database: clone.core.database,
    units: clone.core.units,
    project: async () => clone.project,
  });
const as = <T>(name: string, work: () => Promise<T>) => actingAs({ id: name, name }, work);
const undo = (name: string, input: { id?: string } = {}) =>
  service(ann).beadUndo(input, { ...ann.context, actor: { kind: 'user', id: name, name } });
const move = (name: string, id: string, status: Bead['status']) =>
  as(name, () =>
    ann.beads.beadStatus({ id, status, force: false }, { ...ann.context, actor: { kind: 'user', id: name, name } }),
  );

test('says who changed what, of every clone, and git log reads like it', async () => {
  const bob = await remote.clone('bob');
  const bead = await as('ann', () => ann.create('first'));
  await as('ann', () => ann.update(bead.id, { title: 'second', labels: ['x'] }));
  await move('agent-7', bead.id, 'in-progress');
  await settle(ann, bob);
  await as('bob', () => bob.update(bead.id, { priority: 'high' }));
  await settle(bob, ann);
  const { items } = await service(ann).beadHistory({ id: bead.id.slice(6), limit: 50 }, ann.context);
  expect(items.map((entry) => [entry.by, entry.changes.map((change) => change.field).sort()])).toEqual([
    ['bob', ['priority']],
    ['agent-7', ['status']],
    ['ann', ['labels', 'title']],
    ['ann', expect.arrayContaining(['id', 'title', 'uid'])],
  ]);
  expect(items[1]?.subject).toBe('status open -> in-progress (agent-7)');
  expect(items[0]?.changes).toEqual([{ field: 'priority', from: 'medium', to: 'high' }]);
  const log = await git(ann.gitDir, ['log', '-1', '--format=%s%n%(trailers:only,unfold)', `${items[1]?.commit}`]);
  expect(log).toMatch(
    /^godel-\w{5}: status open -> in-progress \(agent-7\)\nGodel-Seq: \d+\nGodel-Replica: [0-9a-z]{6}/,
  );
  await as('ann', () => ann.beads.beadDelete({ id: bead.id }, ann.context));
  const gone = await service(ann).beadHistory({ id: bead.id, limit: 1 }, ann.context);
  expect(gone.items[0]?.changes.map((change) => change.field)).toEqual(['deletedAt']);
});

test('undo takes back the person’s own changes, one by one, and refuses what was overtaken', async () => {
  await expect(undo('ann')).rejects.toMatchObject({ reason: 'nothing-to-undo' });
  const bead = await as('ann', () => ann.create('first', { labels: ['keep'] }));
  await as('ann', () => ann.update(bead.id, { title: 'second', labels: ['keep', 'more'] }));
  await as('bob', () => ann.update(bead.id, { description: 'of Bob' }));
  expect(await undo('ann')).toMatchObject({ id: bead.id, undone: 'title, labels' });
  expect(await show(ann, bead.id)).toMatchObject({ title: 'first', labels: ['keep'], description: 'of Bob' });
  // The bead was changed since it was made, so making it is not taken back.
  await expect(undo('ann')).rejects.toMatchObject({ reason: 'undo-overtaken' });
  await as('ann', () => ann.update(bead.id, { title: 'third' }));
  await as('bob', () => ann.update(bead.id, { title: 'of Bob' }));
  await expect(undo('ann')).rejects.toMatchObject({ reason: 'undo-overtaken' });
  expect((await show(ann, bead.id)).title).toBe('of Bob');
  expect(await undo('bob')).toMatchObject({ undone: 'title' });
  expect((await show(ann, bead.id)).title).toBe('third');
});

test('undo brings a deleted bead back, takes a new one away, and clears what was not set before', async () => {
  const bead = await as('ann', () => ann.create('precious'));
  await as('ann', () => ann.update(bead.id, { description: 'added' }));
  await undo('ann');
  expect((await show(ann, bead.id)).description).toBeUndefined();
  await as('ann', () => ann.beads.beadDelete({ id: bead.id }, ann.context));
  expect(await undo('ann')).toMatchObject({ undone: 'deletion' });
  expect(await show(ann, bead.id)).toMatchObject({ title: 'precious', uid: bead.uid });
  const fresh = await as('ann', () => ann.create('a mistake'));
  expect(await undo('ann')).toMatchObject({ id: fresh.id, undone: 'creation' });
  expect((await ann.all()).map((each) => each.id)).toEqual([bead.id]);
});
