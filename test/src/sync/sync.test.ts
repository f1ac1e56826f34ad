/** Clones of one remote exchange beads: nothing of anybody is lost, and all end with the same bytes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { beadRules } from '../../../src/beads/record.ts';
import type { Bead } from '../../../src/beads/schema.ts';
import { beadFile } from '../../../src/beads/store.ts';
import { createRecord } from '../../../src/storage/record/change.ts';
import { recordText } from '../../../src/storage/record/record.ts';
import { nextStamp } from '../../../src/storage/record/stamp.ts';
import { writeGroup } from '../../../src/storage/state-ref/group-writer.ts';
import { readRef } from '../../../src/storage/state-ref/read.ts';
import { type Clone, makeRemote, type Remote, same, settle, show } from '../../support/clone.ts';
import { until } from '../../support/home.ts';

let remote: Remote;
let ann: Clone;
let bob: Clone;

beforeEach(async () => {
  remote = await makeRemote();
  [ann, bob] = [await remote.clone('ann'), await remote.clone('bob')];
});
afterEach(() => remote.stop());

test('what both made, and both changed in different fields, is in both', async () => {
  const one = await ann.create('from Ann', { labels: ['x'], metadata: { a: 1 } });
  expect(await ann.run()).toMatchObject({ remote: 'origin', sent: true, received: 0, attempts: 1 });
  expect((await bob.run()).received).toBeGreaterThan(0);
  await ann.update(one.id, { title: 'Ann renamed it', labels: ['x', 'ann'] });
  await bob.update(one.id, { description: 'Bob described it', labels: ['x', 'bob'], metadata: { b: 2 } });
  await bob.beads.beadNote({ id: one.id, text: 'a note of Bob' }, bob.context);
  await bob.create('from Bob');
  await settle(ann, bob);
  await same(ann, bob);
  expect(await show(ann, one.id)).toMatchObject({
    title: 'Ann renamed it',
    description: 'Bob described it',
    labels: ['ann', 'bob', 'x'],
    metadata: { a: 1, b: 2 },
    notes: [{ text: 'a note of Bob' }],
  });
  expect((await ann.all()).length).toBe(2);
  // The merge has both as parents, and the user's own refs and config know nothing of it.
  expect(Number(await git(ann.gitDir, ['rev-list', '--merges', '--count', 'refs/godel/state']))).toBeGreaterThan(0);
  expect(await git(ann.gitDir, ['config', '--get-regexp', 'remote.*fetch'])).toBe(
    'remote.origin.fetch +refs/heads/*:refs/remotes/origin/*',
  );
  expect(await git(ann.gitDir, ['for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/tags'])).toBe(
    'refs/heads/main',
  );
});

test('a deleted bead stays deleted in every clone, and its record stays in git', async () => {
  const gone = await ann.create('short life');
  await settle(ann, bob);
  await ann.beads.beadDelete({ id: gone.id }, ann.context);
  await bob.update(gone.id, { title: 'changed meanwhile' });
  await settle(ann, bob);
  await same(ann, bob);
  expect(await bob.all()).toEqual([]);
  const path = `beads/${gone.id[6]}/${gone.id[7]}/${gone.id}.json`;
  expect(await git(bob.gitDir, ['show', `refs/godel/state:${path}`])).toContain('changed meanwhile');
});

test('two beads with one id: the older keeps it, the other and what refers to it get a new one everywhere', async () => {
  await settle(ann, bob);
  const first = await ann.create('the older');
  const [other, waiting] = [await bob.create('the younger'), await bob.create('waits for the younger')];
  // A clash by chance is rare, so Bob's bead is made again under Ann's id before anybody heard of it.
  const { id, path } = { id: first.id, path: `beads/${first.id[6]}/${first.id[7]}/${first.id}.json` };
  let last = '';
  const stamp = () => (last = nextStamp(last, Date.now() + 1_000, 'bobbob'));
  const fields = { ...beadFile(other, '').fields, id };
  const blocked = { ...beadFile(waiting, '').fields, blockedBy: [id] };
  const changes = [
    { path, content: recordText(createRecord(fields, beadRules, stamp)) },
    {
      path: `beads/${waiting.id[6]}/${waiting.id[7]}/${waiting.id}.json`,
      content: recordText(createRecord(blocked, beadRules, stamp)),
    },
  ];
  await writeGroup({
    gitDir: bob.gitDir,
    expected: await readRef(bob.gitDir),
    changes,
    subject: 'x',
    nowMs: Date.now(),
  });
  await until('Bob took it in', async () => (await bob.all()).some((bead) => bead.id === id));
  await ann.run({ join: true });
  const report = await bob.run({ join: true });
  await settle(ann, bob);
  await same(ann, bob);
  const beads = await bob.all();
  expect(beads.find((bead) => bead.id === id)?.title).toBe('the older');
  const moved = beads.find((bead) => bead.uid === other.uid && bead.id !== other.id) as Bead & { formerIds: string[] };
  expect(moved).toMatchObject({ title: 'the younger', formerIds: [id] });
  expect(beads.find((bead) => bead.id === waiting.id)?.blockedBy).toEqual([moved.id]);
  expect(report.moved).toEqual([{ from: id, to: moved.id }]);
});

test('records that were begun apart are refused until the person says so, then joined', async () => {
  await ann.create('of Ann');
  await bob.create('of Bob');
  await ann.run();
  await expect(bob.run()).rejects.toMatchObject({ reason: 'sync-unrelated' });
  expect(await bob.all()).toHaveLength(1);
  await bob.run({ join: true });
  await settle(ann, bob);
  await same(ann, bob);
  expect((await ann.all()).map((bead) => bead.title).sort()).toEqual(['of Ann', 'of Bob']);
});

test('a clone whose clock is far ahead is refused and named; a clock that jumped back an hour loses nothing', async () => {
  const bead = await ann.create('before');
  await settle(ann, bob);
  bob.clock.offsetMs = -3_600_000;
  await bob.update(bead.id, { title: 'after the jump' });
  await bob.close();
  await bob.open();
  await bob.update(bead.id, { title: 'after a restart' });
  await settle(ann, bob);
  expect((await show(ann, bead.id)).title).toBe('after a restart');
  await same(ann, bob);
  bob.clock.offsetMs = 3_600_000;
  await bob.update(bead.id, { title: 'from the future' });
  await bob.run();
  await expect(ann.run()).rejects.toMatchObject({ reason: 'clock-skew', params: { minutes: 60 } });
  expect((await show(ann, bead.id)).title).toBe('after a restart');
  await ann.run({ acceptSkew: true });
  // Whoever saw the value from the future can still change it.
  await ann.update(bead.id, { title: 'the present' });
  await settle(ann, bob);
  expect((await show(bob, bead.id)).title).toBe('the present');
});

describe('the remote', () => {
  async function hook(text: string): Promise<void> {
    await writeFile(join(remote.bare, 'hooks', 'update'), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  test('that takes no refs/godel gets a branch when one is set, and says so when none is', async () => {
    await hook('case "$1" in refs/godel/*) echo "only branches here" >&2; exit 1;; esac');
    await ann.create('of Ann');
    await expect(ann.run()).rejects.toMatchObject({ reason: 'sync-refused' });
    for (const clone of [ann, bob]) clone.settings.sync_fallback_branch = 'godel-state';
    expect(await ann.run()).toMatchObject({ sent: true, ref: 'refs/heads/godel-state' });
    await bob.run();
    await bob.update((await bob.all())[0]?.id as string, { title: 'changed by Bob' });
    await settle(bob, ann);
    await same(ann, bob);
    expect((await ann.all())[0]?.title).toBe('changed by Bob');
    expect(await git(ann.gitDir, ['branch', '--list', '*godel-state*'])).toBe('');
  });

  test('that is unreachable or unknown is named, and nothing waits for it', async () => {
    await git(ann.gitDir, ['remote', 'set-url', 'origin', join(remote.folder, 'nowhere.git')]);
    await ann.create('kept here');
    await expect(ann.run()).rejects.toMatchObject({ reason: 'sync-failed' });
    await expect(ann.run({ remote: 'typo' })).rejects.toMatchObject({ reason: 'sync-no-remote' });
    expect(await ann.sync.handlers.syncStatus({}, ann.context)).toMatchObject({ openConflicts: 0 });
  });

  test('whose ref was deleted by a mirror push gets it back from any clone', async () => {
    await ann.create('survives');
    await settle(ann, bob);
    const plain = join(remote.folder, 'plain');
    await git(remote.folder, ['clone', '-q', remote.bare, plain]);
    await git(plain, ['push', '-q', '--mirror', 'origin']);
    expect(await git(remote.bare, ['for-each-ref', 'refs/godel'])).toBe('');
    await bob.create('made meanwhile');
    await settle(bob, ann);
    await same(ann, bob);
    expect(await git(remote.bare, ['rev-parse', 'refs/godel/state'])).toBe(await ann.state());
  });

  test('three clones that push at the same moment all get through', async () => {
    const cleo = await remote.clone('cleo');
    await ann.create('the beginning');
    await settle(ann, bob, cleo);
    const clones = [ann, bob, cleo];
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(clones.map((clone) => clone.create(`${clone.name} ${round}`)));
      await Promise.all(clones.map((clone) => clone.run()));
    }
    await settle(...clones);
    await same(...clones);
    expect(await cleo.all()).toHaveLength(10);
  });
});

test('an exchange cut short between merging and writing is finished by the next start', async () => {
  const bead = await ann.create('one');
  await settle(ann, bob);
  await ann.update(bead.id, { title: 'of Ann' });
  await bob.update(bead.id, { description: 'of Bob' });
  await ann.run();
  // The lock of somebody else keeps git from taking the merge, as a crash would.
  const lock = join(bob.gitDir, 'refs/godel/state.lock');
  await writeFile(lock, '');
  await expect(bob.run()).rejects.toThrow();
  await bob.close();
  await bob.open();
  await settle(bob, ann);
  await same(ann, bob);
  expect(await show(ann, bead.id)).toMatchObject({ title: 'of Ann', description: 'of Bob' });
});

test('two homes on one repository keep each other’s changes and hear of them', async () => {
  const second = await remote.clone('second', ann.project.path);
  const bead = await ann.create('shared');
  await until('heard', async () => (await second.all()).some((each) => each.id === bead.id));
  await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      await Promise.all([ann.create(`ann ${index}`), second.create(`second ${index}`)]);
    }),
  );
  await Promise.all([ann.update(bead.id, { title: 'by Ann' }), second.update(bead.id, { description: 'by Second' })]);
  await until('both know all', async () =>
    (await Promise.all([ann, second].map((clone) => clone.all()))).every((beads) => beads.length === 21),
  );
  await until('both know both fields', async () => {
    const seen = await Promise.all([ann, second].map((clone) => show(clone, bead.id)));
    return seen.every((each) => each.title === 'by Ann' && each.description === 'by Second');
  });
  expect(await git(ann.gitDir, ['fsck', '--strict', '--connectivity-only'])).not.toContain('error');
});
