/** The record says which format it has: the same bytes in every clone, and a newer one is refused before anything is touched. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { formatRules, OWN_FORMAT } from '../../../src/storage/record/format.ts';
import { mergeRecords } from '../../../src/storage/record/merge.ts';
import { parseRecord, recordText } from '../../../src/storage/record/record.ts';
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

const formatIn = (clone: Clone) => git(clone.gitDir, ['show', 'refs/godel/state:format.json']);
const written = (version: string) =>
  recordText({ fields: { version }, clocks: { '*': '000000000-0000-0', version: '0000zzzzz-0000-future' } });

/** What another program writes to a ref. */
async function overwrite(clone: Clone, content: string): Promise<void> {
  await writeGroup({
    gitDir: clone.gitDir,
    expected: await readRef(clone.gitDir),
    changes: [{ path: 'format.json', content }],
    subject: 'written by another Godel',
    nowMs: Date.now(),
  });
}

test('two clones that begin apart write the same format file, and merge without a conflict', async () => {
  const [a, b] = [await ann.create('from Ann'), await bob.create('from Bob')];
  expect(await formatIn(ann)).toBe(OWN_FORMAT.trim());
  expect(await formatIn(bob)).toBe(OWN_FORMAT.trim());
  await ann.run();
  expect(await bob.run({ join: true })).toMatchObject({ conflicts: 0 });
  await settle(ann, bob);
  await same(ann, bob);
  expect(await formatIn(bob)).toBe(OWN_FORMAT.trim());
  expect([await show(bob, a.id), await show(ann, b.id)]).toMatchObject([{ title: 'from Ann' }, { title: 'from Bob' }]);
});

test('a record that was begun before there was a version says one after the next start', async () => {
  await ann.create('old');
  await ann.close();
  const [head, tree] = [await ann.state(), await git(ann.gitDir, ['ls-tree', 'refs/godel/state'])];
  const without = tree
    .split('\n')
    .filter((line) => !line.endsWith('format.json'))
    .join('\n');
  const bare = (await git(ann.gitDir, ['mktree'], { input: `${without}\n` })).trim();
  const env = ['-c', 'user.name=x', '-c', 'user.email=x@localhost'];
  const commit = await git(ann.gitDir, [...env, 'commit-tree', bare, '-p', head, '-m', 'as it was']);
  await git(ann.gitDir, ['update-ref', 'refs/godel/state', commit.trim()]);
  const again = await remote.clone('later', ann.project.path);
  expect(await again.all()).toHaveLength(1);
  await until('the format is written', async () => (await formatIn(again).catch(() => '')) === OWN_FORMAT.trim());
});

test('a newer minor version is kept as it is, and work goes on', async () => {
  await ann.create('shared');
  await settle(ann, bob);
  await overwrite(bob, written('1.7'));
  await bob.close();
  await bob.open();
  await bob.create('after it');
  await settle(bob, ann);
  await same(ann, bob);
  expect(await formatIn(ann)).toContain('"version": "1.7"');
  await ann.create('still works');
});

test('the sync with a newer major version is refused, says why, and changes nothing here', async () => {
  await ann.create('shared');
  await settle(ann, bob);
  await ann.close();
  await overwrite(ann, written('2.0'));
  await git(ann.gitDir, ['push', '-q', 'origin', 'refs/godel/state:refs/godel/state']);
  for (const own of [false, true]) {
    // Once it could be moved forward without a merge, once both sides have something of their own.
    if (own) await bob.create('own work of Bob');
    const [before, remoteTip] = [await bob.state(), await git(remote.bare, ['rev-parse', 'refs/godel/state'])];
    await expect(bob.run()).rejects.toMatchObject({
      reason: 'record-newer',
      message: expect.stringContaining('format 2.0 by a newer Godel'),
      hint: expect.stringContaining('Nothing here was changed'),
    });
    expect(await bob.state()).toBe(before);
    expect(await git(remote.bare, ['rev-parse', 'refs/godel/state'])).toBe(remoteTip);
    await bob.create(`works on alone ${own}`);
  }
});

test('when a newer Godel takes over the same repository, changes are refused before anything is half done', async () => {
  const bead = await ann.create('here');
  await overwrite(ann, written('2.0'));
  const tip = await ann.state();
  await until('the change of the ref was seen', async () =>
    ann.update(bead.id, { title: 'by the old one' }).then(
      () => false,
      (error: { reason?: string }) => error.reason === 'record-newer',
    ),
  );
  const titles = (await ann.all()).map(({ title }) => title);
  await expect(ann.create('by the old one too')).rejects.toMatchObject({ reason: 'record-newer' });
  expect((await ann.all()).map(({ title }) => title)).toEqual(titles);
  expect(await ann.state()).toBe(tip);
  await ann.close();
  await expect(ann.open()).rejects.toMatchObject({ reason: 'record-newer' });
  expect(await ann.state()).toBe(tip);
});

test('of two versions the higher one stays, whoever wrote it last', () => {
  const [low, high] = [parseRecord(OWN_FORMAT), parseRecord(written('1.10'))];
  const older = parseRecord(written('1.9').replaceAll('future', 'zlater'));
  for (const [a, b] of [
    [low, high],
    [high, low],
    [older, high],
    [high, older],
  ] as const) {
    expect(mergeRecords(a, b, formatRules).fields.version).toBe('1.10');
  }
});
