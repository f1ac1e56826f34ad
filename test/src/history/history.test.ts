/** The past of a bead is read from git, and the last change of a person can be taken back. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { actingAs } from '../../../src/base/acting.ts';
import { git } from '../../../src/base/git.ts';
import { createBulkService } from '../../../src/beads/bulk.ts';
import type { Bead } from '../../../src/beads/schema.ts';
import { createHistoryService } from '../../../src/history/service.ts';
import { type Clone, makeRemote, type Remote, same, settle, show } from '../../support/clone.ts';

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

test('a note that is taken back says nothing any more in any clone, whoever syncs first', async () => {
  const bob = await remote.clone('bob');
  const bead = await as('ann', () => ann.create('talked about'));
  const note = (clone: Clone, who: string, text: string) =>
    as(who, () =>
      clone.beads.beadNote({ id: bead.id, text }, { ...clone.context, actor: { kind: 'user', id: who, name: who } }),
    );
  await note(ann, 'ann', 'the password is hunter2');
  await settle(ann, bob);
  await note(bob, 'bob', 'thanks, noted');
  await note(ann, 'carl', 'another word');
  // A clock that went back must not bring the words back.
  ann.clock.offsetMs = -300_000;
  expect(await undo('ann')).toMatchObject({ ids: [bead.id], undone: 'notes' });
  await settle(ann, bob);
  await same(ann, bob);
  const texts = (await show(bob, bead.id)).notes.map(({ author, text }) => `${author}: ${text}`);
  expect(texts.sort()).toEqual(['ann: (taken back)', 'bob: thanks, noted', 'carl: another word']);
  await expect(undo('ann', { id: bead.id })).rejects.toMatchObject({ reason: 'undo-overtaken' });
});

test('what one bulk command changed is taken back with one undo, all of it or nothing', async () => {
  const beads = await Promise.all(['a', 'b', 'c'].map((title) => as('ann', () => ann.create(title))));
  const ids = beads.map((bead) => bead.id);
  const bulk = createBulkService({
    units: ann.core.units,
    agentName: async (_projectId, text) => text,
    mainBranch: async () => 'main',
  });
  const context = { ...ann.context, actor: { kind: 'user', id: 'ann', name: 'ann' } } as const;
  const raise = () => bulk.beadBulk({ ids, force: false, addLabel: ['x'], removeLabel: [], priority: 'high' }, context);
  const priorities = async () => (await ann.all()).map((bead) => bead.priority);
  await raise();
  const done = await undo('ann');
  expect([...done.ids].sort()).toEqual([...ids].sort());
  expect(done.undone.split(', ').sort()).toEqual(['labels', 'priority']);
  expect(await priorities()).toEqual(['medium', 'medium', 'medium']);
  await raise();
  await as('bob', () => ann.update(ids[1] as string, { priority: 'low' }));
  await expect(undo('ann')).rejects.toMatchObject({ reason: 'undo-overtaken' });
  expect((await priorities()).sort()).toEqual(['high', 'high', 'low']);
  // One of them alone can still be taken back.
  expect(await undo('ann', { id: ids[0] as string })).toMatchObject({ ids: [ids[0]] });
  expect((await priorities()).sort()).toEqual(['high', 'low', 'medium']);
});
