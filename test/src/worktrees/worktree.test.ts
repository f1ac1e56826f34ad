/** Worktrees and snapshots on real repositories. */
import { mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { shareFiles } from '../../../src/worktrees/files.ts';
import { listSnapshots, restoreSnapshot, takeSnapshot } from '../../../src/worktrees/snapshot.ts';
import { createTrees, type Trees } from '../../../src/worktrees/tree.ts';
import { makeRepository } from '../../support/home.ts';

let folder: string;
let top: string;
let gitDir: string;
let worktrees: Trees;
const plain = { base: 'main', sparse: [] };

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-wörk trees-')));
  top = await makeRepository(join(folder, 'repo'));
  gitDir = join(top, '.git');
  worktrees = createTrees({ gitDir, top });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const commitIn = async (path: string, file: string, text: string) => {
  await writeFile(join(path, file), text);
  await git(path, ['add', '-A']);
  await git(path, ['commit', '-q', '-m', `change ${file}`]);
};

describe('worktrees', () => {
  test('ignored files that match are copied, tracked ones and node_modules are not', async () => {
    await writeFile(join(top, '.gitignore'), '.env*\nnode_modules/\n');
    await commitIn(top, 'tracked.env', 'x');
    await writeFile(join(top, '.env'), 'SECRET=1');
    await mkdir(join(top, 'node_modules'));
    await writeFile(join(top, 'node_modules', '.env'), 'no');
    const { path } = await worktrees.add({ beadId: 'godel-aaaaa', ...plain });
    await shareFiles({ gitDir, top, path, copy: ['.env', '.env.*', '**/*'], link: [] });
    expect(await readFile(join(path, '.env'), 'utf8')).toBe('SECRET=1');
    await expect(stat(join(path, 'node_modules'))).rejects.toThrow();
  });
  test('a folder that was deleted is healed, with its branch and commits', async () => {
    const { path } = await worktrees.add({ beadId: 'godel-aaaaa', ...plain });
    await commitIn(path, 'a.txt', 'a');
    await rm(path, { recursive: true });
    await worktrees.add({ beadId: 'godel-aaaaa', ...plain });
    expect(await readFile(join(path, 'a.txt'), 'utf8')).toBe('a');
  });
  test('a branch that is checked out elsewhere is refused with the place', async () => {
    await git(top, ['worktree', 'add', '-q', '-b', 'bead/godel-aaaaa', join(folder, 'elsewhere')]);
    await expect(worktrees.add({ beadId: 'godel-aaaaa', ...plain })).rejects.toThrow(/checked out in .*elsewhere/);
  });
});

describe('snapshots', () => {
  const spec = (path: string) => ({ gitDir, worktree: path, beadId: 'godel-aaaaa', reason: 'test', now: Date.now() });

  test('keep index, HEAD and status byte-equal, hold untracked and deleted files, and are taken once', async () => {
    const { path } = await worktrees.add({ beadId: 'godel-aaaaa', ...plain });
    await commitIn(path, 'gone.txt', 'soon');
    await rm(join(path, 'gone.txt'));
    await writeFile(join(path, 'ünïcode new.txt'), 'new');
    await writeFile(join(path, 'README.md'), 'staged');
    await git(path, ['add', 'README.md']);
    await writeFile(join(path, 'README.md'), 'and changed');
    const index = join(gitDir, 'worktrees', 'godel-aaaaa', 'index');
    const look = async () => [
      await readFile(index),
      await git(path, ['status', '--porcelain']),
      await git(path, ['rev-parse', 'HEAD']),
    ];
    const before = await look();
    expect(await takeSnapshot(spec(path))).toBeDefined();
    expect(await takeSnapshot(spec(path))).toBeUndefined();
    expect(await look()).toEqual(before);
    const [snapshot] = await listSnapshots({ gitDir, beadId: 'godel-aaaaa' });
    expect(snapshot?.files.sort()).toEqual(['README.md', 'gone.txt', 'ünïcode new.txt']);
  });
  test('a restore brings everything back, and can itself be undone', async () => {
    const { path } = await worktrees.add({ beadId: 'godel-aaaaa', ...plain });
    await writeFile(join(path, 'first.txt'), 'one');
    const first = await takeSnapshot(spec(path));
    await writeFile(join(path, 'first.txt'), 'two');
    await restoreSnapshot({ ...spec(path), commit: first?.commit as string });
    expect(await readFile(join(path, 'first.txt'), 'utf8')).toBe('one');
    const [newest] = await listSnapshots({ gitDir, beadId: 'godel-aaaaa' });
    await restoreSnapshot({ ...spec(path), commit: newest?.commit as string });
    expect(await readFile(join(path, 'first.txt'), 'utf8')).toBe('two');
  });
  test('a merge that has conflicts can be snapshotted', async () => {
    const { path } = await worktrees.add({ beadId: 'godel-aaaaa', ...plain });
    await commitIn(path, 'README.md', 'theirs');
    await commitIn(top, 'README.md', 'ours');
    await git(path, ['merge', 'main']).catch(() => undefined);
    expect(await git(path, ['status', '--porcelain'])).toContain('UU README.md');
    expect(await takeSnapshot(spec(path))).toBeDefined();
    expect(await git(path, ['status', '--porcelain'])).toContain('UU README.md');
  });
});
