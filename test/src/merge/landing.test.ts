/** How main moves: held for a person's files, by compare-and-swap, by each strategy, and back. */
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { git, tryGit } from '../../../src/base/git.ts';
import type { Entry } from '../../../src/merge/schema.ts';
import { until } from '../../support/home.ts';
import { commitFiles, context, createMergeHome, type MergeHome } from '../../support/merge-home.ts';

let home: MergeHome;
afterEach(() => home.stop());

/** Red while a file says so: each faulty entry brings one. */
const GATE = '! ls bad-* >/dev/null 2>&1';
const id = (index: number) => `godel-${index.toString(36).padStart(5, '0')}`;
const call = () => context(home.project.id);
const queueState = async () => (await home.service.handlers.mergeList({ all: false, limit: 1 }, call())).queue;
const refs = (prefix: string) => git(home.gitDir, ['for-each-ref', '--format=%(refname)', prefix]);

describe('main', () => {
  test('with changes in the way holds the queue, says so, and goes on by itself when they are gone', async () => {
    home = await createMergeHome({ gate_command: GATE });
    await writeFile(join(home.top, 'README.md'), 'precious\n');
    await writeFile(join(home.top, 'mine.txt'), 'mine\n');
    await home.work(id(1), { 'README.md': 'landed\n' });
    const before = await home.main();
    const held = await home.accept(id(1));
    expect(held).toMatchObject({ status: 'held' });
    expect(held.reason).toContain('README.md');
    expect(held.reason).not.toContain('mine.txt');
    expect(held.command).toContain('godel merge resume');
    expect(await queueState()).toMatchObject({ hold: { kind: 'main-dirty' } });
    expect(await home.main()).toBe(before);
    expect(await readFile(join(home.top, 'README.md'), 'utf8')).toBe('precious\n');
    await git(home.top, ['checkout', '-q', 'README.md']);
    await until('lands by itself', async () => (await home.entry(held.id)).status === 'landed');
    expect(await readFile(join(home.top, 'mine.txt'), 'utf8')).toBe('mine\n');
    expect(await git(home.top, ['status', '--porcelain'])).toBe('?? mine.txt');
    await until('holds no more', async () => (await queueState()).hold === undefined);
  });

  test('that is not checked out moves by compare-and-swap; a person’s commit meanwhile makes it start anew', async () => {
    const flag = join(tmpdir(), `moved-${process.pid}-${Date.now()}`);
    home = await createMergeHome({ gate_command: `while ! test -f ${flag}; do sleep 0.1; done` });
    await git(home.top, ['switch', '-q', '-c', 'elsewhere']);
    await home.work(id(1), { 'a.txt': 'a' });
    const entry = await home.accept(id(1), 0);
    await until('gating', async () => (await home.entry(entry.id)).status === 'gating');
    const foreign = await commitFiles(home.gitDir, await home.main(), { 'b.txt': 'b' }, 'by a person');
    await git(home.gitDir, ['update-ref', 'refs/heads/main', foreign]);
    await home.queue.mainMoved(home.project);
    await writeFile(flag, '');
    const landed = await home.queue.settled(entry.id, 30_000, new AbortController().signal);
    expect(landed).toMatchObject({ status: 'landed', landedBase: foreign });
    expect(await git(home.gitDir, ['ls-tree', '--name-only', 'main'])).toBe('README.md\na.txt\nb.txt');
    expect(await git(home.top, ['status', '--porcelain'])).toBe('');
  });

  test('that got the work from a person counts as landed', async () => {
    home = await createMergeHome({ gate_command: GATE });
    await home.service.handlers.mergePause({}, call());
    await home.work(id(1), { 'a.txt': 'a' });
    const entry = await home.accept(id(1), 0);
    await git(home.top, ['merge', '-q', '--no-ff', '-m', 'by hand', `bead/${id(1)}`]);
    await home.queue.mainMoved(home.project);
    const landed = await until('noticed', async () => {
      const known = await home.entry(entry.id);
      return known.status === 'landed' && known;
    });
    expect(landed.landedCommit).toBe(await home.main());
    expect((await home.bead(id(1))).status).toBe('done');
  });
});

describe('strategies', () => {
  test('squash makes one commit, rebase keeps each with its author; every one of them names its bead', async () => {
    home = await createMergeHome({ gate_command: GATE, merge_strategy: 'squash' });
    const two = async (index: number) => {
      await home.work(id(index), { [`${index}-a.txt`]: 'a' });
      const tip = await commitFiles(
        home.gitDir,
        `bead/${id(index)}`,
        { [`${index}-b.txt`]: 'b' },
        `Second of ${index}`,
      );
      await git(home.gitDir, ['update-ref', `refs/heads/bead/${id(index)}`, tip]);
    };
    await two(1);
    await home.commitOnMain({ 'main.txt': 'main' });
    const squashed = await home.accept(id(1));
    expect(squashed.landedBase).toBe(await git(home.gitDir, ['rev-parse', 'main^']));
    expect(await git(home.gitDir, ['log', '-1', '--format=%P', 'main'])).toBe(squashed.landedBase);
    expect(await git(home.gitDir, ['log', '-1', '--format=%B', 'main'])).toContain('- Second of 1');
    // Its commits are not on main, so the branch is kept.
    expect(await refs('refs/heads/bead')).toContain(id(1));

    home.config.merge_strategy = 'rebase';
    await two(2);
    await home.commitOnMain({ 'main.txt': 'more' });
    const before = await home.main();
    const rebased = await home.accept(id(2));
    const log = await git(home.gitDir, [
      'log',
      '--format=%an|%s|%(trailers:key=Bead,valueonly,separator=%x20)',
      `${before}..main`,
    ]);
    expect(log.split('\n')).toEqual([`Agent|Second of 2|${id(2)}`, `Agent|Work of ${id(2)}|${id(2)}`]);
    expect(await git(home.gitDir, ['log', '--merges', '--format=%H', 'main'])).toBe('');
    expect(rebased.landedBase).toBe(before);
  });
});

describe('rollback', () => {
  test.each(['merge', 'squash', 'rebase'] as const)(
    'takes a %s landing back through queue and gate',
    async (strategy) => {
      home = await createMergeHome({ gate_command: GATE, merge_strategy: strategy });
      await home.work(id(1), { 'a.txt': 'a\n', 'README.md': 'changed\n' });
      const landed = await home.accept(id(1));
      await home.work(id(2), { 'b.txt': 'b\n' });
      await home.accept(id(2));
      const back: Entry = await home.service.handlers.mergeRollback({ id: id(1), wait: 60 }, call());
      expect(back).toMatchObject({ kind: 'rollback', status: 'landed', gate: { exitCode: 0 } });
      expect(await git(home.gitDir, ['ls-tree', '--name-only', 'main'])).toBe('README.md\nb.txt');
      expect(await git(home.gitDir, ['show', 'main:README.md'])).toBe('# Test');
      const message = await git(home.gitDir, ['log', '-1', '--format=%B', 'main']);
      expect(message).toContain(`Revert "Title of ${id(1)}"`);
      expect(message).toContain(`Reverts: ${landed.landedCommit}`);
      const bead = await home.bead(id(1));
      expect(bead.status).toBe('open');
      expect(bead.reopenedFrom).toBe(landed.landedCommit);
      expect(bead.notes.at(-1)?.text).toContain('git revert');
      // The trailer of the first landing does not bring it back to done.
      await home.queue.mainMoved(home.project);
      await home.queue.exclusive(home.project, async () => undefined);
      expect((await home.bead(id(1))).status).toBe('open');
      expect(
        await tryGit(home.gitDir, ['rev-parse', '--verify', '--quiet', `refs/godel/queue/${back.id}`]),
      ).toMatchObject({
        code: 1,
      });
    },
  );
});
