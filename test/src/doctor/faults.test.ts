/** What can go wrong around the record: nothing of it loses a bead, and the doctor says and mends it. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { newId } from '../../../src/base/id.ts';
import { createLog } from '../../../src/base/log.ts';
import { homePaths } from '../../../src/base/paths.ts';
import { allBeads } from '../../../src/beads/store.ts';
import { createCore } from '../../../src/daemon/core.ts';
import { insertProject } from '../../../src/repos/store.ts';
import { listQuarantine } from '../../../src/storage/quarantine.ts';
import { writeGroup } from '../../../src/storage/state-ref/group-writer.ts';
import { beadPath } from '../../../src/storage/state-ref/layout.ts';
import { readRef } from '../../../src/storage/state-ref/read.ts';
import { packListFile, packsToRoll, repackOwn } from '../../../src/storage/state-ref/repack.ts';
import { type Clone, makeRemote, type Remote, settle, show } from '../../support/clone.ts';
import { until } from '../../support/home.ts';

let remote: Remote;
let ann: Clone;

beforeEach(async () => {
  remote = await makeRemote();
  ann = await remote.clone('ann');
});
afterEach(() => remote.stop());

const examine = (repair: boolean) => ann.core.sync.examine(ann.project, repair);
const wrong = async (repair = false) =>
  (await examine(repair))
    .filter((finding) => finding.status !== 'ok' && finding.check !== 'small packs')
    .map(({ check, status }) => `${check}: ${status}`);
const blob = (id: string) => git(ann.gitDir, ['rev-parse', `refs/godel/state:${beadPath(id)}`]);
const content = (id: string) => git(ann.gitDir, ['cat-file', 'blob', `refs/godel/state:${beadPath(id)}`]);

/** Everything of the person that a bead operation must leave alone. */
async function usersOwn(folder: string): Promise<string> {
  const files = await Promise.all(
    ['HEAD', 'index', 'config', 'packed-refs', 'FETCH_HEAD', 'ORIG_HEAD'].map((name) =>
      readFile(join(folder, '.git', name), 'latin1').catch(() => 'none'),
    ),
  );
  const refs = await git(folder, [
    'for-each-ref',
    '--format=%(refname) %(objectname)',
    'refs/heads',
    'refs/remotes',
    'refs/tags',
    'refs/stash',
  ]);
  const status = await git(folder, ['status', '--porcelain=v2', '--branch', '--untracked-files=all']);
  return [...files, refs, status, await git(folder, ['log', '--branches', '--format=%H'])].join('\n--\n');
}

test('HEAD, index, config, status and branches are the same bytes after every operation on beads', async () => {
  const folder = ann.project.path;
  await writeFile(join(folder, 'staged.txt'), 'staged\n');
  await git(folder, ['add', 'staged.txt']);
  await writeFile(join(folder, 'README.md'), 'changed\n');
  await git(folder, ['branch', 'mine']);
  const bob = await remote.clone('bob');
  const before = await usersOwn(folder);
  const [one, two] = [await ann.create('one'), await ann.create('two')];
  const operations: (() => Promise<unknown>)[] = [
    () => ann.update(one.id, { title: 'renamed', labels: ['a'], blockedBy: [two.id] }),
    () => ann.beads.beadStatus({ id: two.id, status: 'in-progress', force: false }, ann.context),
    () => ann.beads.beadAssign({ id: one.id, agent: 'somebody' }, ann.context),
    () => ann.beads.beadNote({ id: one.id, text: 'noted' }, ann.context),
    () => ann.beads.beadClose({ id: two.id, force: true }, ann.context),
    () => settle(ann, bob),
    () => ann.beads.beadDelete({ id: one.id }, ann.context),
    () => examine(true),
    () => repackOwn(ann.gitDir, 2),
    async () => {
      await ann.close();
      await ann.open();
    },
  ];
  for (const operation of operations) {
    await operation();
    expect(await usersOwn(folder)).toBe(before);
  }
});

test('GIT_DIR and the like of the caller change nothing', async () => {
  const names = {
    GIT_DIR: '/nowhere',
    GIT_INDEX_FILE: '/nowhere/index',
    GIT_WORK_TREE: '/',
    GIT_OBJECT_DIRECTORY: '/x',
  };
  Object.assign(process.env, names);
  try {
    const bead = await ann.create('made all the same');
    expect(JSON.parse(await content(bead.id))).toMatchObject({ title: 'made all the same' });
  } finally {
    for (const name of Object.keys(names)) delete process.env[name];
  }
});

test('a file that is garbage in the ref is set aside, shown, and written again from what is known', async () => {
  const [bead, other] = [await ann.create('kept'), await ann.create('other')];
  const expected = await content(bead.id);
  const changes = [{ path: beadPath(bead.id), content: '{"id": "godel-' }];
  await writeGroup({ gitDir: ann.gitDir, expected: await readRef(ann.gitDir), changes, subject: 'garbage', nowMs: 0 });
  await until('written again', async () => (await content(bead.id).catch(() => '')) === expected);
  expect(await show(ann, bead.id)).toMatchObject({ title: 'kept' });
  expect(await listQuarantine(ann.core.database.db, ann.project.id)).toMatchObject([
    { path: beadPath(bead.id), replacedBy: 'database' },
  ]);
  // Without the database the last good version of history stands in.
  await ann.close();
  const now = await readRef(ann.gitDir);
  await writeGroup({ gitDir: ann.gitDir, expected: now, changes, subject: 'garbage', nowMs: 0 });
  const fresh = await remote.clone('fresh', ann.project.path);
  expect((await fresh.all()).map((each) => each.title).sort()).toEqual(['kept', 'other']);
  expect(JSON.parse(await content(bead.id))).toMatchObject({ title: 'kept' });
  expect(other.id).not.toBe(bead.id);
});

test('a truncated object hides nothing else, and the doctor writes the bead again', async () => {
  const bead = await ann.create('to be cut');
  await ann.create('sound');
  const oid = await blob(bead.id);
  // The pack that holds it is taken apart, so that one object can be damaged.
  const folder = join(ann.gitDir, 'objects', 'pack');
  for (const name of (await readdir(folder)).filter((each) => each.endsWith('.pack'))) {
    const pack = await readFile(join(folder, name));
    for (const part of ['.pack', '.idx', '.rev']) execFileSync('rm', ['-f', join(folder, name.replace('.pack', part))]);
    execFileSync('git', ['unpack-objects', '-q'], { cwd: ann.gitDir, input: pack });
  }
  const file = join(ann.gitDir, 'objects', oid.slice(0, 2), oid.slice(2));
  await chmod(file, 0o644);
  await writeFile(file, (await readFile(file)).subarray(0, 20));
  expect(await wrong()).toContain('unreadable files in git: problem');
  expect((await ann.all()).length).toBe(2);
  await wrong(true);
  await ann.update(bead.id, { title: 'to be cut, changed' });
  expect(await wrong()).toEqual([]);
  const fresh = await remote.clone('fresh', ann.project.path);
  expect((await fresh.all()).map((each) => each.title).sort()).toEqual(['sound', 'to be cut, changed']);
});

test('a deleted ref, a ref that was set back, and rows that were lost come back', async () => {
  const bead = await ann.create('one');
  const early = await ann.state();
  await ann.create('two');
  await git(ann.gitDir, ['update-ref', '-d', 'refs/godel/state']);
  await until('ref is back', async () =>
    (await git(ann.gitDir, ['ls-tree', '-r', '--name-only', 'refs/godel/state']).catch(() => '')).includes(bead.id),
  );
  await git(ann.gitDir, ['update-ref', 'refs/godel/state', early]);
  await until(
    'both are back',
    async () =>
      (await git(ann.gitDir, ['ls-tree', '-r', '--name-only', 'refs/godel/state']))
        .split('\n')
        .filter((name) => name.startsWith('beads/')).length === 2,
  );
  await ann.core.database.transact((tx) => tx.deleteFrom('beads').where('id', '=', bead.id).execute());
  expect(await wrong()).toEqual(['rows that differ from their record: problem']);
  expect(await wrong(true)).toEqual(['rows that differ from their record: repaired']);
  expect(await show(ann, bead.id)).toMatchObject({ title: 'one' });
  expect(await wrong()).toEqual([]);
});

test('a stale lock is cleared by a start and by the doctor', async () => {
  const lock = join(ann.gitDir, 'refs/godel/state.lock');
  const restart = async () => {
    await ann.close();
    await ann.open();
  };
  for (const mend of [restart, () => examine(true)]) {
    await ann.create('before');
    await writeFile(lock, '');
    await utimes(lock, new Date(0), new Date(0));
    await mend();
    expect(existsSync(lock)).toBe(false);
    await ann.create('after');
  }
});

test('our small packs are rolled up, packs of the person stay, and every object is still there', async () => {
  await git(ann.project.path, ['repack', '-adq']);
  const theirs = (await readdir(join(ann.gitDir, 'objects/pack'))).filter((name) => name.endsWith('.pack'));
  const bead = await ann.create('changed often');
  for (let index = 0; index < 12; index += 1) await ann.update(bead.id, { title: `change ${index}` });
  // The writer keeps its packs until it ends.
  expect(await repackOwn(ann.gitDir, 5)).toEqual({ before: 0, after: 0 });
  await ann.close();
  const { before, after } = await repackOwn(ann.gitDir, 5);
  await ann.open();
  expect(before).toBeGreaterThan(10);
  expect(after).toBeLessThan(4);
  const packs = (await readdir(join(ann.gitDir, 'objects/pack'))).filter((name) => name.endsWith('.pack'));
  expect(packs).toEqual(expect.arrayContaining(theirs));
  expect(packs.length).toBe(theirs.length + after);
  expect((await readFile(packListFile(ann.gitDir), 'utf8')).split('\n').filter(Boolean)).toHaveLength(after);
  expect(await git(ann.gitDir, ['fsck', '--strict'])).not.toContain('missing');
  await ann.update(bead.id, { title: 'after' });
  await ann.close();
  expect(await repackOwn(ann.gitDir, 100)).toEqual({ before: after + 1, after: after + 1 });
  const sizes = (list: number[]) => list.map((bytes, index) => ({ name: String(index), bytes }));
  expect(packsToRoll(sizes([1, 1, 1, 100])).length).toBe(3);
  expect(packsToRoll(sizes([1, 2, 4, 8])).length).toBeLessThanOrEqual(4);
  expect(packsToRoll(sizes([1, 10, 100]))).toEqual([]);
});

test('a change made while its project is being attached waits for that, and that does not wait for the change', async () => {
  const bead = await ann.create('known');
  await ann.close();
  const core = await createCore({
    paths: homePaths({ GODEL_HOME: join(ann.home, 'another') }),
    environment: {},
    clock: { now: Date.now },
    log: createLog({ level: 'error', destination: join(ann.home, 'log'), name: 'test' }),
  });
  const project = { ...ann.project, id: newId() };
  await core.database.transact((tx) => insertProject(tx, project));
  const attached = core.sync.attach(project);
  const file = { path: 'notes/one.json', fields: { id: 'one', uid: 'one' }, subject: 'one: noted' };
  await Promise.all([attached, core.units.run((unit) => unit.persist(project.id, file))]);
  expect((await allBeads(core.database.db, project.id)).map(({ id }) => id)).toEqual([bead.id]);
  expect(await git(ann.gitDir, ['show', 'refs/godel/state:notes/one.json'])).toContain('"one"');
  await core.stop();
  await ann.open();
});
