/** What stops in the middle leave behind, and what is made of it: nothing is lost, nothing lands twice. */
import { spawn } from 'node:child_process';
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { isRunning } from '../../../src/base/process.ts';
import { moveEntry } from '../../../src/merge/changes.ts';
import { moveMain } from '../../../src/merge/landing.ts';
import type { Entry } from '../../../src/merge/schema.ts';
import { buildStack, type Stacked } from '../../../src/merge/stack.ts';
import { until } from '../../support/home.ts';
import { context, createMergeHome, type MergeHome } from '../../support/merge-home.ts';

let home: MergeHome;
afterEach(() => home.stop());

const ID = 'godel-00001';
const call = () => context(home.project.id);
const landings = async () =>
  (await git(home.gitDir, ['log', '--format=%(trailers:key=Merge-Pin,valueonly,separator=%x20)', 'main']))
    .split('\n')
    .filter((line) => line.trim() !== '');
const landed = (id: string) =>
  until('landed and let go', async () => {
    const entry = await home.entry(id);
    return entry.status === 'landed' && entry.released && entry;
  });

/** An entry in the middle of its landing, as a killed daemon leaves it: recorded, main not yet moved. */
async function inLanding(files: Record<string, string>): Promise<{ entry: Entry; item: Stacked }> {
  await home.service.handlers.mergePause({}, call());
  await home.work(ID, files);
  const entry = await home.accept(ID, 0);
  const base = await home.main();
  const { items } = await buildStack({ gitDir: home.gitDir, base, entries: [entry], strategy: 'merge' });
  const item = items[0] as Stacked;
  await home.units.run(async (unit) => {
    await moveEntry(unit, entry.id, 'gate', 'test');
    const intent = { from: base, to: item.commit, at: unit.now };
    await moveEntry(unit, entry.id, 'pass', 'test', { intent });
  });
  return { entry, item };
}

const goOn = async () => {
  await home.queue.attach(home.project);
  await home.service.handlers.mergeResume({}, call());
};

describe('a stop in the middle', () => {
  test.each(['merge', 'squash', 'rebase'] as const)(
    'after main moved but before it was recorded: noted once, not landed again (%s)',
    async (strategy) => {
      home = await createMergeHome({ merge_strategy: strategy });
      const { entry } = await inLanding({ 'a.txt': 'a\n' });
      const base = await home.main();
      const { items } = await buildStack({ gitDir: home.gitDir, base, entries: [entry], strategy });
      const to = (items[0] as Stacked).commit;
      await moveMain({ gitDir: home.gitDir, main: 'main', from: base, to });
      await home.restart();
      await goOn();
      expect(await landed(entry.id)).toMatchObject({ landedCommit: to });
      expect(await home.main()).toBe(to);
      expect(await landings()).toEqual([entry.pin]);
      expect((await home.bead(ID)).status).toBe('done');
    },
  );

  test('of the fast-forward: half of the files are there, the person’s others are kept, and it is completed', async () => {
    home = await createMergeHome();
    const { entry, item } = await inLanding({ 'a.txt': 'a\n', 'README.md': 'changed\n', 'b.txt': 'b\n' });
    await writeFile(join(home.top, 'a.txt'), 'a\n');
    await writeFile(join(home.top, 'README.md'), 'changed\n');
    await writeFile(join(home.top, 'mine.txt'), 'mine\n');
    await home.restart();
    await goOn();
    const done = await landed(entry.id);
    expect(done.landedCommit).toBe(await home.main());
    expect(await git(home.gitDir, ['rev-parse', 'main^{tree}'])).toBe(item.tree);
    expect(await git(home.top, ['status', '--porcelain'])).toBe('?? mine.txt');
    expect(await readFile(join(home.top, 'b.txt'), 'utf8')).toBe('b\n');
    expect(await landings()).toEqual([entry.pin]);
  });

  test('leaves locks of its own, which are cleared; an older lock of somebody else is not, and holds the queue', async () => {
    home = await createMergeHome();
    const { entry } = await inLanding({ 'a.txt': 'a\n' });
    await writeFile(join(home.gitDir, 'index.lock'), '');
    await home.restart();
    await goOn();
    await landed(entry.id);

    await home.work('godel-00002', { 'b.txt': 'b\n' });
    await writeFile(join(home.gitDir, 'index.lock'), '');
    const old = new Date(Date.now() - 3_600_000);
    await utimes(join(home.gitDir, 'index.lock'), old, old);
    const held = await home.accept('godel-00002');
    expect(held).toMatchObject({ status: 'held' });
    expect(held.reason).toContain('index.lock');
    await rm(join(home.gitDir, 'index.lock'));
    await home.service.handlers.mergeResume({}, call());
    await landed(held.id);
  });

  test('of a gate: what it left running is ended, before the next gate and at the next start', async () => {
    home = await createMergeHome({ gate_command: 'sleep 1000 & echo $! > $HOME/left.pid; test -f a.txt' });
    // As a killed daemon leaves a gate: only its environment tells whose it is.
    const env = { PATH: process.env.PATH, GODEL_GATES: home.project.id };
    const orphan = spawn('sleep', ['1000'], { env, detached: true, stdio: 'ignore' });
    orphan.unref();
    await home.work(ID, { 'a.txt': 'a\n' });
    expect((await home.accept(ID)).status).toBe('landed');
    expect(isRunning(orphan.pid as number)).toBe(false);
    const left = Number(await readFile(join(home.folder, 'left.pid'), 'utf8'));
    expect(isRunning(left)).toBe(false);
  });
});

describe('the database is lost', () => {
  test('entries come back from their pins, although their branches were deleted; a pause stays', async () => {
    home = await createMergeHome();
    await home.service.handlers.mergePause({}, call());
    await home.work(ID, { 'a.txt': 'a\n' }, { bead: { priority: 'high' } });
    const entry = await home.accept(ID, 0);
    await git(home.gitDir, ['update-ref', '-d', `refs/heads/bead/${ID}`]);
    await git(home.gitDir, ['reflog', 'expire', '--expire=now', '--all']);
    await git(home.gitDir, ['gc', '--quiet', '--prune=now']);
    await home.restart({ loseDatabase: true });
    await home.queue.attach(home.project);
    const { queue, items } = await home.service.handlers.mergeList({ all: false, limit: 10 }, call());
    expect(queue).toMatchObject({ paused: true, pausedBy: 'tester' });
    expect(items).toMatchObject([
      { id: entry.id, pin: entry.pin, beadId: ID, author: 'tester', priority: 'high', status: 'queued' },
    ]);
    await home.service.handlers.mergeResume({}, call());
    await landed(entry.id);
    expect(await readFile(join(home.top, 'a.txt'), 'utf8')).toBe('a\n');
  });

  test('an entry that had landed is not landed again', async () => {
    home = await createMergeHome({ merge_strategy: 'squash' });
    const { entry, item } = await inLanding({ 'a.txt': 'a\n' });
    await moveMain({ gitDir: home.gitDir, main: 'main', from: item.base, to: item.commit });
    await home.restart({ loseDatabase: true });
    await goOn();
    await landed(entry.id);
    expect(await home.main()).toBe(item.commit);
    expect(await landings()).toEqual([entry.pin]);
  });
});
