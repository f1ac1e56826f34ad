/**
 * The record in git at size: rebuild, field merge, lists, growth, beside one committed file per bead in the same run.
 * `--beads 100000 --changes 1000` are the defaults. Prints one table; the machine is whatever it is, so read ratios.
 */
import { mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { git, tryGit } from '../../src/base/git.ts';
import { newId, newUid } from '../../src/base/id.ts';
import { createLog } from '../../src/base/log.ts';
import { homePaths } from '../../src/base/paths.ts';
import { table } from '../../src/base/table.ts';
import { changeBead } from '../../src/beads/changes.ts';
import { listBeads } from '../../src/beads/listing.ts';
import { beadRules } from '../../src/beads/record.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { findBead } from '../../src/beads/store.ts';
import { type Core, createCore } from '../../src/daemon/core.ts';
import type { Project } from '../../src/repos/schema.ts';
import { insertProject } from '../../src/repos/store.ts';
import { createRecord } from '../../src/storage/record/change.ts';
import { recordText } from '../../src/storage/record/record.ts';
import { nextStamp } from '../../src/storage/record/stamp.ts';
import { writeGroup } from '../../src/storage/state-ref/group-writer.ts';
import { beadPath } from '../../src/storage/state-ref/layout.ts';
import { repackOwn } from '../../src/storage/state-ref/repack.ts';

const { values: options } = parseArgs({
  options: { beads: { type: 'string', default: '100000' }, changes: { type: 'string', default: '1000' } },
});
const BEADS = Number(options.beads);
const CHANGES = Number(options.changes);
const SHARED = CHANGES / 10;

const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-bench-')));
const rows: string[][] = [];
const add = (what: string, measured: string, bar: string, beside: string) => rows.push([what, measured, bar, beside]);
const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const idOf = (index: number) =>
  `godel-${Array.from({ length: 5 }, (_, place) => ALPHABET[Math.floor(index / 36 ** place) % 36]).join('')}`;

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const started = performance.now();
  const result = await work();
  return [performance.now() - started, result];
}

function textOf(index: number): string {
  const at = new Date(1_700_000_000_000 + index).toISOString();
  const bead = {
    id: idOf(index),
    uid: newUid(),
    type: 'task',
    title: `Bead number ${index} with a title of the usual length`,
    description: 'What is to be done, in a few sentences. '.repeat(8),
    status: index % 3 === 0 ? 'done' : 'open',
    priority: 'medium',
    labels: ['bench'],
    commits: [],
    blockedBy: index % 50 === 1 ? [idOf(index - 1)] : [],
    related: [],
    discoveredFrom: [],
    notes: [],
    metadata: {},
    createdAt: at,
    updatedAt: at,
  };
  return recordText(createRecord(bead, beadRules, (after) => nextStamp(after, 1_700_000_000_000 + index, 'bench0')));
}

async function fill(gitDir: string): Promise<void> {
  let expected: string | null = null;
  for (let start = 0; start < BEADS; start += 10_000) {
    const changes = Array.from({ length: Math.min(10_000, BEADS - start) }, (_, index) => ({
      path: beadPath(idOf(start + index)),
      content: textOf(start + index),
    }));
    expected = await writeGroup({ gitDir, expected, changes, subject: 'beads', nowMs: Date.now() });
  }
}

/** Longer than an idle writer is kept. */
const WRITER_RESTS_MS = 7_000;

interface Side {
  core: Core;
  project: Project;
}

async function open(name: string, path: string): Promise<Side> {
  const home = join(folder, `home-${name}`);
  await mkdir(home, { recursive: true });
  const project: Project = {
    id: newId(),
    tenantId: 'default',
    name,
    path,
    gitDir: join(path, '.git'),
    mainBranch: 'main',
    createdAt: '',
  };
  const core = await createCore({
    paths: homePaths({ GODEL_HOME: home }),
    environment: {},
    clock: { now: Date.now },
    log: createLog({ level: 'error', destination: join(home, 'log'), name: 'bench' }),
  });
  await core.database.transact((tx) => insertProject(tx, project));
  await core.sync.attach(project);
  return { core, project };
}

async function change(side: Side, index: number, title: string): Promise<void> {
  await side.core.units.run(async (unit) => {
    const bead = (await findBead(unit.tx, side.project.id, idOf(index))) as Bead;
    await changeBead(unit, bead, { title }, 'title changed');
  });
}

async function makeRepository(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await git(path, ['init', '-q', '-b', 'main']);
  await git(path, ['config', 'user.name', 'b']);
  await git(path, ['config', 'user.email', 'b@b']);
  await git(path, ['commit', '-q', '--allow-empty', '-m', 'First']);
}

async function packBytes(gitDir: string): Promise<number> {
  const packs = join(gitDir, 'objects', 'pack');
  let sum = 0;
  for (const name of await readdir(packs)) sum += (await stat(join(packs, name))).size;
  return sum;
}

async function lists(side: Side): Promise<void> {
  const { db } = side.core.database;
  for (const [what, filter] of [
    ['list, 50 of all', {}],
    ['ready, 50 of all', { ready: true }],
  ] as const) {
    const times: number[] = [];
    for (let count = 0; count < 20; count += 1)
      times.push(
        (await timed(() => listBeads(db, side.project.id, filter, { sort: 'created', limit: 50 }, Date.now())))[0],
      );
    times.sort((a, b) => a - b);
    add(`${what}, ${BEADS} beads, p95`, ms(times[18] ?? 0), '< 20 ms', '-');
  }
}

async function merge(ann: Side, bob: Side): Promise<void> {
  const { gitDir } = ann.project;
  const base = await git(gitDir, ['rev-parse', 'refs/godel/state']);
  await Promise.all(Array.from({ length: CHANGES }, (_, index) => change(ann, index, `Ann ${index}`)));
  await Promise.all(
    Array.from({ length: CHANGES }, (_, index) => change(bob, index + CHANGES - SHARED, `Bob ${index}`)),
  );
  await git(gitDir, ['fetch', '-q', bob.project.path, '+refs/godel/state:refs/godel/remotes/bob/state']);
  const theirs = await git(gitDir, ['rev-parse', 'refs/godel/remotes/bob/state']);
  const ours = await git(gitDir, ['rev-parse', 'refs/godel/state']);
  const [textTime, text] = await timed(() =>
    tryGit(gitDir, ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', ours, theirs], {
      timeoutMs: 300_000,
    }),
  );
  const clashes = text.stdout.split('\0').filter((name) => name.startsWith('beads/')).length;
  const [time, report] = await timed(() =>
    ann.core.sync.merge({ project: ann.project, theirs, join: false, acceptSkew: false }),
  );
  add(
    `field merge of 2 x ${CHANGES} changes over ${BEADS} beads`,
    `${ms(time)}, ${report.conflicts} conflicts told of`,
    '< 1 s',
    `git text merge: ${ms(textTime)}, ${clashes} files left in conflict`,
  );
  if ((await git(gitDir, ['merge-base', ours, theirs])) !== base)
    throw new Error('the two sides did not begin together');
}

async function growth(side: Side): Promise<void> {
  const { gitDir } = side.project;
  // What is there already is in its final form, so that only the changes are weighed. The process that wrote it ends by
  // itself; before that its packs must not be touched.
  await delay(WRITER_RESTS_MS);
  await repackOwn(gitDir, 2);
  const before = await packBytes(gitDir);
  // A thousand of them are rolled up by themselves.
  const [some, count] = [900, 2_000];
  const [time, written] = await timed(async () => {
    let bytes = 0;
    for (let index = 0; index < count; index += 1) {
      if (index === some) bytes = (await packBytes(gitDir)) - before;
      await change(side, (index * 7_919) % BEADS, `growth ${index}`);
    }
    return bytes;
  });
  const grown = (await packBytes(gitDir)) - before;
  const plain = join(folder, 'plain');
  await makeRepository(plain);
  for (let index = 0; index < 2_000; index += 1) {
    const file = join(plain, beadPath(idOf(index)));
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, textOf(index));
  }
  await git(plain, ['add', '-A']);
  await git(plain, ['commit', '-q', '-m', 'beads'], { timeoutMs: 300_000 });
  const objects = async () => Number(/size: (\d+)/.exec(await git(plain, ['count-objects', '-v']))?.[1]);
  const plainBefore = await objects();
  const [plainTime] = await timed(async () => {
    for (let index = 0; index < 50; index += 1) {
      await writeFile(join(plain, beadPath(idOf(index))), textOf(index + 1_000_000));
      await git(plain, ['add', '-A']);
      await git(plain, ['commit', '-q', '-m', 'x'], { config: ['core.fsync=all', 'gc.auto=0'] });
    }
  });
  const plainGrown = (await objects()) - plainBefore;
  const kb = (bytes: number, changes: number) => `${(bytes / 1024 / changes).toFixed(1)} KB`;
  add('one change, alone', ms(time / count), '-', `file + add + commit (2,000 files): ${ms(plainTime / 50)}`);
  add('growth a change, before repack', kb(written, some), '<= 5 KB', `${(plainGrown / 50).toFixed(1)} KB`);
  add(`growth a change, ${count} in a row`, kb(grown, count), '-', '-');
  // The process that wrote them holds its packs until it ends.
  await side.core.stop();
  const [repackTime, packs] = await timed(() => repackOwn(gitDir, 2));
  const after = (await packBytes(gitDir)) - before;
  add(
    'growth a change, after repack',
    kb(Math.max(0, after), count),
    '<= 2 KB',
    `${packs.before} -> ${packs.after} packs in ${ms(repackTime)}`,
  );
}

try {
  const first = join(folder, 'ann');
  await makeRepository(first);
  const [fillTime] = await timed(() => fill(join(first, '.git')));
  const [rebuild, ann] = await timed(() => open('ann', first));
  add(
    `rebuild of the database from git, ${BEADS} beads`,
    ms(rebuild),
    BEADS > 10_000 ? '< 8 s' : '< 1 s',
    `writing them to git: ${ms(fillTime)}`,
  );
  const [searchable] = await timed(() => ann.core.searchFill.done());
  add('until the search knows all of them, after that', ms(searchable), '-', '-');
  await lists(ann);
  await git(folder, ['clone', '-q', first, join(folder, 'bob')]);
  await git(join(folder, 'bob'), ['fetch', '-q', 'origin', '+refs/godel/state:refs/godel/state'], {
    timeoutMs: 300_000,
  });
  const bob = await open('bob', join(folder, 'bob'));
  await bob.core.searchFill.done();
  await merge(ann, bob);
  await bob.core.stop();
  await growth(ann);
  process.stdout.write(`${table(['MEASURED', 'GODEL', 'BAR', 'BESIDE IT'], rows)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
