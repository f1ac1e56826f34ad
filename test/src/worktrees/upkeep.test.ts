/** The pool of warm worktrees, clean-up policies, disk use, quota and reclaim. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { listSnapshots } from '../../../src/worktrees/snapshot.ts';
import { type Candidate, cleanupReason, reclaimOrder, sizeText, untilFits } from '../../../src/worktrees/state.ts';
import { until } from '../../support/home.ts';
import { createLab, type WorktreeLab } from '../../support/worktrees.ts';

const ID = 'godel-aaaaa';
let lab: WorktreeLab;

beforeEach(async () => {
  lab = await createLab();
});
afterEach(() => lab.close());

const make = async (id = ID, status: 'open' | 'done' = 'open') =>
  lab.keeper.ensure(lab.project, await lab.bead(id, status), lab.config);
const remove = (id: string) => lab.keeper.remove(lab.project, id, lab.config, { reason: 'test' });
const there = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
const pool = () => lab.keeper.poolOf(lab.project).list();
const runs = async () => (await readFile(join(lab.folder, 'runs'), 'utf8').catch(() => '')).split('\n').length - 1;

describe('the pool', () => {
  beforeEach(async () => {
    await writeFile(join(lab.top, '.gitignore'), 'built/\n.env\n');
    await writeFile(join(lab.top, '.env'), 'A=1');
    await git(lab.top, ['add', '.gitignore']);
    await git(lab.top, ['commit', '-q', '-m', 'ignore']);
    Object.assign(lab.config, {
      pool_size: 2,
      setup_command: `mkdir -p built && echo x > built/out && echo run >> ${join(lab.folder, 'runs')}`,
    });
  });

  test('is filled, set up once, and hands out worktrees that need no set-up', async () => {
    await lab.upkeep.fillPool(lab.project);
    expect((await pool()).map((each) => each.ready)).toEqual([true, true]);
    expect(await runs()).toBe(2);
    const { path } = await make();
    expect(path).toBe(lab.trees.pathOf(ID));
    expect(await runs()).toBe(2);
    expect(await readFile(join(path, 'built', 'out'), 'utf8')).toBe('x\n');
    expect(await git(path, ['branch', '--show-current'])).toBe(`bead/${ID}`);
    expect(await git(path, ['status', '--porcelain'])).toBe('');
    expect(await pool()).toHaveLength(1);
    expect(await git(lab.top, ['config', '--list', '--local'])).not.toContain('bead/');
  });

  test('a used one comes back cleaned, with its work kept in git', async () => {
    const { path } = await make();
    await writeFile(join(path, 'left.txt'), 'uncommitted');
    await writeFile(join(path, '.env'), 'A=changed');
    const kept = (await remove(ID)) as string;
    expect((await pool()).map((each) => each.ready)).toEqual([false]);
    expect(await git(lab.gitDir, ['show', `${kept}:left.txt`])).toBe('uncommitted');
    await lab.upkeep.fillPool(lab.project);
    const warm = await pool();
    expect(warm.map((each) => each.ready)).toEqual([true, true]);
    for (const each of warm) {
      expect(await there(join(each.path, 'left.txt'))).toBe(false);
      expect(await readFile(join(each.path, '.env'), 'utf8')).toBe('A=1');
      expect(await git(each.path, ['branch', '--show-current'])).toBe('');
    }
    const next = await make('godel-bbbbb');
    expect(await git(next.path, ['status', '--porcelain'])).toBe('');
  });

  test('one that is behind the main branch is brought up and set up again before an agent gets it', async () => {
    await lab.upkeep.fillPool(lab.project);
    await writeFile(join(lab.top, 'new.txt'), 'new');
    await git(lab.top, ['add', 'new.txt']);
    await git(lab.top, ['commit', '-q', '-m', 'new']);
    const { path } = await make();
    expect(await there(join(path, 'new.txt'))).toBe(true);
    expect(await runs()).toBe(3);
    await lab.upkeep.fillPool(lab.project);
    expect(await Promise.all((await pool()).map((each) => there(join(each.path, 'new.txt'))))).toEqual([true, true]);
  });

  test('many asked for at once: each gets its own, warm or new', async () => {
    await lab.upkeep.fillPool(lab.project);
    const ids = ['a', 'b', 'c', 'd'].map((letter) => `godel-${letter.repeat(5)}`);
    const places = await Promise.all(ids.map((id) => make(id)));
    expect(new Set(places.map((place) => place.path)).size).toBe(4);
    for (const [index, place] of places.entries())
      expect(await git(place.path, ['branch', '--show-current'])).toBe(`bead/${ids[index]}`);
    expect(await pool()).toEqual([]);
  });

  test('a set-up that fails is told and not tried for ever; a smaller pool is emptied', async () => {
    await lab.upkeep.fillPool(lab.project);
    lab.config.setup_command = `echo run >> ${join(lab.folder, 'runs')}; exit 1`;
    await lab.upkeep.fillPool(lab.project);
    await lab.upkeep.fillPool(lab.project);
    expect(await runs()).toBe(3);
    lab.config.pool_size = 0;
    await lab.upkeep.fillPool(lab.project);
    expect(await pool()).toEqual([]);
  });
});

describe('policies', () => {
  const candidate: Candidate = {
    beadId: ID,
    status: 'review',
    hasAgent: false,
    isUsed: true,
    lastMs: 0,
    bytes: 10,
  };
  const policy = (worktree_cleanup: 'immediate' | 'on-success' | 'after-days' | 'never', days = 7) => ({
    worktree_cleanup,
    worktree_cleanup_days: days,
  });
  const day = 86_400_000;

  test('say when a worktree may go', () => {
    const done = { ...candidate, status: 'done' as const };
    expect(cleanupReason(candidate, policy('immediate'), 0)).toBe('its agent ended');
    expect(cleanupReason({ ...candidate, isUsed: false }, policy('immediate'), 0)).toBeUndefined();
    expect(cleanupReason(candidate, policy('on-success'), 0)).toBeUndefined();
    expect(cleanupReason(done, policy('on-success'), 0)).toBe('its work is done');
    expect(cleanupReason({ ...done, hasAgent: true }, policy('immediate'), 0)).toBeUndefined();
    expect(cleanupReason(done, policy('after-days', 2), 2 * day - 1)).toBeUndefined();
    expect(cleanupReason(done, policy('after-days', 2), 2 * day)).toBe('its work has been done for 2 days');
    expect(cleanupReason(done, policy('never'), 100 * day)).toBeUndefined();
  });

  test('space is taken back from finished work first, then from what rested longest, never from an agent', () => {
    const each = (beadId: string, status: Candidate['status'], lastMs: number, hasAgent = false) => ({
      ...candidate,
      beadId,
      status,
      lastMs,
      hasAgent,
    });
    const all = [each('p', 'in-progress', 1), each('d', 'done', 9), each('o', 'open', 5), each('a', 'done', 0, true)];
    expect(reclaimOrder(all, 'finished').map((one) => one.beadId)).toEqual(['d']);
    const ordered = reclaimOrder(all, 'all');
    expect(ordered.map((one) => one.beadId)).toEqual(['d', 'o', 'p']);
    expect(untilFits(ordered, 40, 25).map((one) => one.beadId)).toEqual(['d', 'o']);
    expect(untilFits(ordered, 40, 40)).toEqual([]);
    expect([sizeText(999), sizeText(1_500), sizeText(25_000_000_000)]).toEqual(['999 B', '1.5 KB', '25 GB']);
  });

  test('are applied to real worktrees, with a plan first', async () => {
    await make();
    await lab.setStatus(ID, 'done');
    expect(await lab.upkeep.prune(lab.project, true)).toMatchObject([{ beadId: ID, removed: false }]);
    expect(await there(lab.trees.pathOf(ID))).toBe(true);
    await writeFile(join(lab.trees.pathOf(ID), 'late.txt'), 'late');
    expect(await lab.upkeep.prune(lab.project, false)).toMatchObject([{ beadId: ID, removed: true }]);
    expect((await listSnapshots({ gitDir: lab.gitDir, beadId: ID }))[0]?.files).toEqual(['late.txt']);
  });

  test('after N days means after the work was done', async () => {
    Object.assign(lab.config, { worktree_cleanup: 'after-days', worktree_cleanup_days: 3 });
    await make();
    await lab.setStatus(ID, 'done');
    expect(await lab.upkeep.prune(lab.project, false)).toEqual([]);
    lab.clock.aheadMs = 4 * day;
    expect(await lab.upkeep.prune(lab.project, false)).toMatchObject([{ removed: true }]);
  });

  test('a round by itself removes what is due', async () => {
    await make();
    await lab.setStatus(ID, 'done');
    lab.upkeep.start();
    await until('removed', async () => !(await there(lab.trees.pathOf(ID))));
  });
});

describe('disk space', () => {
  const fill = async (id: string) => {
    await mkdir(join(lab.trees.pathOf(id), 'big'), { recursive: true });
    await writeFile(join(lab.trees.pathOf(id), 'big', 'file'), Buffer.alloc(2_000_000, 1));
  };

  test('is measured, held under the quota, and freed on request', async () => {
    for (const id of [ID, 'godel-bbbbb', 'godel-ccccc']) {
      await make(id);
      await fill(id);
    }
    const { trees } = await lab.upkeep.measure(lab.project);
    expect([...trees.values()].every((bytes) => bytes >= 2_000_000)).toBe(true);
    lab.config.worktree_quota_gb = 0.005;
    await expect(make('godel-ddddd')).rejects.toMatchObject({ reason: 'worktree-quota' });
    await lab.setStatus('godel-bbbbb', 'done');
    await make('godel-eeeee');
    expect(await there(lab.trees.pathOf('godel-bbbbb'))).toBe(false);
    lab.agents.add(ID);
    const reclaimed = await lab.upkeep.reclaim(lab.project, { limit: 0, all: true, dryRun: false });
    expect(reclaimed.map((each) => each.beadId).sort()).toEqual(['godel-ccccc', 'godel-eeeee']);
    expect(await there(lab.trees.pathOf(ID))).toBe(true);
    expect((await listSnapshots({ gitDir: lab.gitDir, beadId: 'godel-ccccc' }))[0]?.files).toEqual(['big/file']);
  });
});
