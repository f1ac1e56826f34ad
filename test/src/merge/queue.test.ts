/** The merge queue with real repositories and real gates: stacking, gating, landing, eviction, conflicts, holds. */
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { until } from '../../support/home.ts';
import { commitFiles, context, createMergeHome, type MergeHome } from '../../support/merge-home.ts';

let home: MergeHome;
afterEach(() => home.stop());

/** Red while a file says so: each faulty entry brings one. */
const GATE = '! ls bad-* >/dev/null 2>&1';
const id = (index: number) => `godel-${index.toString(36).padStart(5, '0')}`;
const call = () => context(home.project.id);
const list = async () => (await home.service.handlers.mergeList({ all: true, limit: 100 }, call())).items;
const queueState = async () => (await home.service.handlers.mergeList({ all: false, limit: 1 }, call())).queue;
const refs = (prefix: string) => git(home.gitDir, ['for-each-ref', '--format=%(refname)', prefix]);

describe('one entry', () => {
  test('lands as a batch of one at the commit the gate saw, with its trailers, and lets go of all it held', async () => {
    home = await createMergeHome({ gate_command: 'git rev-parse HEAD; git status --porcelain; test -f a.txt' });
    await home.work(id(1), { 'a.txt': 'a\n' });
    const before = await home.main();
    const entry = await home.accept(id(1));
    expect(entry).toMatchObject({ status: 'landed', gate: { exitCode: 0, cached: false }, landedBase: before });
    expect(await home.main()).toBe(entry.landedCommit);
    const log = await readFile(`${home.parts.logFileOf(entry.id)}.1`, 'utf8');
    expect(log.trim()).toBe(entry.landedCommit);
    const message = await git(home.gitDir, ['log', '-1', '--format=%B%n%P', 'main']);
    for (const line of [`Bead: ${id(1)}`, 'Accepted-by: tester', `Merge-Entry: ${entry.id}`, `Merge-Pin: ${entry.pin}`])
      expect(message).toContain(line);
    expect(message).toContain(`${before} ${entry.pin}`);
    expect(await home.bead(id(1))).toMatchObject({ status: 'done', landedCommit: entry.landedCommit });
    expect((await home.bead(id(1))).branch).toBeUndefined();
    expect(await refs('refs/heads/bead')).toBe('');
    expect(await refs('refs/godel/queue')).toBe('');
    expect(home.released).toEqual([id(1)]);
    // The person has main checked out: the files moved along and the status is clean.
    expect(await readFile(join(home.top, 'a.txt'), 'utf8')).toBe('a\n');
    expect(await git(home.top, ['status', '--porcelain'])).toBe('');
  });

  test('a red gate is run again, then the entry goes back with the log; main and the bead’s branch stay', async () => {
    home = await createMergeHome({ gate_command: `echo looking; ${GATE}` });
    await home.work(id(1), { 'bad-1': 'x' }, { bead: { agent: 'worker-1' } });
    const before = await home.main();
    const entry = await home.accept(id(1));
    expect(entry).toMatchObject({ status: 'evicted', gate: { exitCode: 1 }, gateRuns: 2 });
    expect(entry.log).toContain('looking');
    expect(entry.reason).toContain('worker-1 was told');
    expect(entry.command).toBe(`godel merge retry ${id(1)}`);
    expect(await home.main()).toBe(before);
    const bead = await home.bead(id(1));
    expect(bead.status).toBe('in-progress');
    expect(bead.notes.at(-1)?.text).toContain('looking');
    expect(home.told[0]?.text).toContain('godel done');
    expect(await refs('refs/heads/bead')).toBe(`refs/heads/bead/${id(1)}`);
    expect(await queueState()).toMatchObject({ gateRuns: 2, reruns: 1, evicted: 1, landed: 0 });
    // Mended and handed over again it goes through as the same entry.
    await home.work(id(1), { 'good-1': 'x' });
    expect(await home.accept(id(1))).toMatchObject({ id: entry.id, status: 'landed' });
  });

  test('a flake is counted and nobody is blamed', async () => {
    const marker = join(tmpdir(), `flake-${process.pid}-${Date.now()}`);
    home = await createMergeHome({ gate_command: `test -f ${marker} || { touch ${marker}; exit 1; }` });
    await home.work(id(1), { 'a.txt': 'a' });
    expect(await home.accept(id(1))).toMatchObject({ status: 'landed', flakes: 1, gateRuns: 2 });
    expect(await queueState()).toMatchObject({ flakes: 1, reruns: 1, evicted: 0 });
  });

  test('without a gate command it lands at once; what is on main already needs none', async () => {
    home = await createMergeHome();
    await home.work(id(1), { 'a.txt': 'a' });
    const entry = await home.accept(id(1));
    expect(entry.status).toBe('landed');
    expect(entry.gate).toBeUndefined();
    await git(home.gitDir, ['update-ref', `refs/heads/bead/${id(2)}`, await home.main()]);
    await home.work(id(3), { 'c.txt': 'c' });
    await expect(home.accept('godel-nope')).rejects.toMatchObject({ reason: 'bead-not-found' });
  });
});

describe('many entries', () => {
  test('a dozen with two faults: every innocent lands, main is never red, faults are evicted, in few gates', async () => {
    home = await createMergeHome({ gate_command: GATE, merge_gates: 2 });
    const faulty = new Set([4, 9]);
    await home.service.handlers.mergePause({}, call());
    for (let index = 0; index < 12; index += 1)
      await home.work(id(index), { [faulty.has(index) ? `bad-${index}` : `good-${index}`]: `${index}\n` });
    for (let index = 0; index < 12; index += 1) await home.accept(id(index), 0);
    expect((await list()).map((entry) => entry.status)).toEqual(Array(12).fill('queued'));
    const start = await home.main();
    await home.service.handlers.mergeResume({}, call());
    await until('all dealt with', async () =>
      (await list()).every(
        (entry) => ['landed', 'evicted'].includes(entry.status) && (entry.status === 'evicted' || entry.released),
      ),
    );
    for (let index = 0; index < 12; index += 1)
      expect((await home.bead(id(index))).status, id(index)).toBe(faulty.has(index) ? 'in-progress' : 'done');
    // Every tip main ever had is green.
    const tips = (await git(home.gitDir, ['log', '--first-parent', '--format=%H', `${start}..main`])).split('\n');
    expect(tips).toHaveLength(10);
    for (const tip of tips) expect(await git(home.gitDir, ['ls-tree', '--name-only', tip])).not.toContain('bad-');
    const queue = await queueState();
    expect(queue).toMatchObject({ landed: 10, evicted: 2, flakes: 0 });
    expect(queue.gateRuns).toBeLessThan(24);
    expect(await git(home.gitDir, ['fsck', '--strict', '--no-dangling'])).toBe('');
  });

  test('a tree that passed is not gated again; another gate command asks anew', async () => {
    home = await createMergeHome({ gate_command: GATE });
    await writeFile(join(home.top, 'a.txt'), 'in the way');
    await home.work(id(1), { 'a.txt': 'a' });
    expect((await home.accept(id(1))).status).toBe('held');
    expect(await queueState()).toMatchObject({ gateRuns: 1, hold: { kind: 'main-dirty' } });
    await git(home.top, ['clean', '-fdq']);
    await home.service.handlers.mergeResume({}, call());
    const entry = await home.queue.settled((await list())[0]?.id as string, 30_000, new AbortController().signal);
    expect(entry).toMatchObject({ status: 'landed' });
    expect(await queueState()).toMatchObject({ gateRuns: 1, cacheHits: 1 });
  });

  test('priority, age and dependencies decide the order; a blocker outside keeps an entry waiting', async () => {
    home = await createMergeHome({ gate_command: GATE });
    await home.service.handlers.mergePause({}, call());
    await home.work(id(1), { '1.txt': '1' }, { bead: { blockedBy: [id(2)] } });
    await home.work(id(2), { '2.txt': '2' }, { bead: { priority: 'low' } });
    await home.work(id(3), { '3.txt': '3' }, { bead: { priority: 'critical' } });
    await home.work(id(4), { '4.txt': '4' }, { bead: { blockedBy: [id(5)] } });
    await home.work(id(5), { '5.txt': '5' });
    for (const index of [1, 2, 3, 4]) await home.accept(id(index), 0);
    expect((await list()).map((entry) => entry.beadId).slice(0, 3)).toEqual([id(3), id(2), id(1)]);
    await home.service.handlers.mergeResume({}, call());
    await until('three land', async () => (await list()).filter((entry) => entry.status === 'landed').length === 3);
    const waiting = await until('the fourth says why it waits', async () =>
      (await list()).find((entry) => entry.beadId === id(4) && entry.waitsFor.length > 0),
    );
    expect(waiting).toMatchObject({ status: 'queued', waitsFor: [id(5)] });
    await home.accept(id(5));
    const landed = await until('the fourth lands', async () =>
      (await list()).find((entry) => entry.beadId === id(4) && entry.status === 'landed'),
    );
    expect(landed.history.at(-1)?.to).toBe('landed');
  });

  test('nothing lands while paused, and a gate that runs is given up', async () => {
    const flag = join(tmpdir(), `go-${process.pid}-${Date.now()}`);
    home = await createMergeHome({ gate_command: `echo $$ > pid.txt; while ! test -f ${flag}; do sleep 0.1; done` });
    await home.work(id(1), { 'a.txt': 'a' });
    const entry = await home.accept(id(1), 0);
    await until('gating', async () => (await home.entry(entry.id)).status === 'gating');
    expect(await home.service.handlers.mergePause({}, call())).toMatchObject({ paused: true, pausedBy: 'tester' });
    expect((await home.entry(entry.id)).status).toBe('queued');
    await writeFile(flag, '');
    await home.service.handlers.mergeResume({}, call());
    expect(await home.queue.settled(entry.id, 30_000, new AbortController().signal)).toMatchObject({
      status: 'landed',
    });
  });

  test('an entry can be taken out; its bead stays in review and its branch is kept', async () => {
    home = await createMergeHome({ gate_command: GATE });
    await home.service.handlers.mergePause({}, call());
    await home.work(id(1), { 'a.txt': 'a' });
    await home.accept(id(1), 0);
    const removed = await home.service.handlers.mergeRemove({ id: id(1) }, call());
    expect(removed).toMatchObject({ status: 'removed', reason: 'taken out by tester' });
    await until('pin gone', async () => (await refs('refs/godel/queue/0')) === '');
    expect((await home.bead(id(1))).status).toBe('review');
    expect(await refs('refs/heads/bead')).toContain(id(1));
    await expect(home.service.handlers.mergeRetry({ id: id(1), wait: 0 }, call())).rejects.toMatchObject({
      reason: 'transition-refused',
    });
  });
});

describe('conflicts', () => {
  test('with main: the bead goes back at once with the file list, and no gate is used', async () => {
    home = await createMergeHome({ gate_command: GATE });
    await home.work(id(1), { 'README.md': 'theirs\n' }, { bead: { agent: 'worker-1' } });
    await home.commitOnMain({ 'README.md': 'ours\n' });
    const entry = await home.accept(id(1));
    expect(entry).toMatchObject({ status: 'conflicted', conflicts: [{ with: 'main', files: ['README.md'] }] });
    expect(entry.reason).toContain('worker-1 was told');
    expect(home.told[0]?.text).toContain('README.md');
    expect((await home.bead(id(1))).status).toBe('in-progress');
    expect(await queueState()).toMatchObject({ gateRuns: 0 });
  });

  test('with work ahead: it waits without a gate, and goes back the moment that has landed', async () => {
    home = await createMergeHome({ gate_command: GATE });
    await home.service.handlers.mergePause({}, call());
    await home.work(id(1), { 'README.md': 'one\n' });
    await home.work(id(2), { 'README.md': 'two\n' });
    await home.accept(id(1), 0);
    const second = await home.accept(id(2), 0);
    expect(second.conflicts).toEqual([{ with: id(1), files: ['README.md'] }]);
    await home.service.handlers.mergeResume({}, call());
    const bounced = await until('second goes back', async () => {
      const entry = await home.entry(second.id);
      return entry.status === 'conflicted' && entry;
    });
    expect(bounced.conflicts).toEqual([{ with: 'main', files: ['README.md'] }]);
    expect((await home.bead(id(1))).status).toBe('done');
    expect(await queueState()).toMatchObject({ gateRuns: 1 });
  });

  test('an agent that fails twice is helped by a refinery agent; without one a person is named', async () => {
    home = await createMergeHome({ gate_command: GATE, merge_refinery: true });
    await home.work(id(1), { 'README.md': 'theirs\n' }, { bead: { agent: 'worker-1' } });
    await home.work(id(2), { 'README.md': 'mine\n' });
    await home.commitOnMain({ 'README.md': 'ours\n' });
    expect((await home.accept(id(1))).reason).toContain('worker-1 was told');
    expect(home.refined).toEqual([]);
    const base = await git(home.gitDir, ['rev-parse', 'main~1']);
    await home.work(id(1), { 'README.md': 'still theirs\n' }, { base });
    expect((await home.accept(id(1))).reason).toContain('refinery-1 resolves it');
    expect((await home.accept(id(2))).reason).toContain('refinery-1 resolves it');
    expect(home.refined).toEqual([id(1), id(2)]);
  });

  test('are seen while they form, between branches, with main, and in what is not committed', async () => {
    home = await createMergeHome();
    await home.work(id(1), { 'README.md': 'one\n' }, { bead: { status: 'in-progress' } });
    await home.work(id(2), { 'README.md': 'two\n' }, { bead: { status: 'in-progress' } });
    await home.work(id(3), { 'c.txt': 'three\n' }, { bead: { status: 'in-progress' } });
    const first = await home.overlaps.refresh(home.project);
    expect(first.branches).toBe(3);
    expect(first.overlaps).toEqual([{ a: id(1), b: id(2), files: ['README.md'] }]);
    // The third has changed the file too, and not committed it: its snapshot tells.
    const head = await git(home.gitDir, ['rev-parse', `bead/${id(3)}`]);
    const snapshot = await commitFiles(home.gitDir, head, { 'README.md': 'three\n' }, 'uncommitted work');
    await git(home.gitDir, ['update-ref', `refs/godel/wip/${id(3)}`, snapshot]);
    await home.commitOnMain({ 'c.txt': 'main\n' });
    const { items } = await home.service.handlers.mergeConflicts({ bead: id(3) }, call());
    expect(items.map((each) => [each.a, each.b, each.files.sort()])).toEqual([
      [id(1), id(3), ['README.md']],
      [id(2), id(3), ['README.md']],
      [id(3), 'main', ['c.txt']],
    ]);
  });
});
