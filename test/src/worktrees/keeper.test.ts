/** Making and removing worktrees: hooks, ports, shared files, sparse checkouts, and what a crash leaves. */
import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, readlink, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { git, tryGit } from '../../../src/base/git.ts';
import { isRunning } from '../../../src/base/process.ts';
import type { Bead } from '../../../src/beads/schema.ts';
import { deleteBead, findBead, insertBead } from '../../../src/beads/store.ts';
import { planFiles } from '../../../src/worktrees/files.ts';
import { nextBlock } from '../../../src/worktrees/ports.ts';
import { listSnapshots } from '../../../src/worktrees/snapshot.ts';
import { allRecords, portBlocks } from '../../../src/worktrees/store.ts';
import { viewWorktrees } from '../../../src/worktrees/view.ts';
import { until } from '../../support/home.ts';
import { createLab, type WorktreeLab } from '../../support/worktrees.ts';

const ID = 'godel-aaaaa';
let lab: WorktreeLab;

beforeEach(async () => {
  lab = await createLab();
});
afterEach(() => lab.close());

const make = async (id = ID, options = {}) => lab.keeper.ensure(lab.project, await lab.bead(id), lab.config, options);
const remove = (id = ID, options = {}) =>
  lab.keeper.remove(lab.project, id, lab.config, { reason: 'test', ...options });
const there = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
const branches = () => git(lab.top, ['for-each-ref', '--format=%(refname:short)', 'refs/heads/bead']);
const commitIn = async (path: string, file: string, text: string) => {
  await writeFile(join(path, file), text);
  await git(path, ['add', '-A']);
  await git(path, ['commit', '-q', '-m', `change ${file}`]);
};
/** Everything of the user that must stay byte-equal. */
const users = async () => [
  await readFile(join(lab.gitDir, 'config'), 'utf8'),
  await readFile(join(lab.gitDir, 'HEAD'), 'utf8'),
  await readFile(join(lab.gitDir, 'index')),
  await git(lab.top, ['status', '--porcelain']),
  await git(lab.top, ['for-each-ref', 'refs/heads/main']),
];

describe('making', () => {
  test('fifty at once: each with ports of its own, no failure, no orphan branch, the user untouched', async () => {
    await writeFile(join(lab.top, 'mine.txt'), 'uncommitted');
    const before = await users();
    const ids = Array.from({ length: 50 }, (_, index) => `godel-${String(index).padStart(5, 'a')}`);
    const places = await Promise.all(ids.map((id) => make(id)));
    expect(places.every((place) => place.created)).toBe(true);
    expect((await branches()).split('\n')).toEqual(ids.map((id) => `bead/${id}`).sort());
    const bases = places.map((place) => Number(place.env.GODEL_PORT_BASE));
    expect(new Set(bases).size).toBe(50);
    expect(places.every((place) => place.env.GODEL_PORT_COUNT === '10')).toBe(true);
    expect(await users()).toEqual(before);
    await Promise.all(ids.slice(0, 4).map((id) => remove(id)));
    expect(await portBlocks(lab.database.db)).toHaveLength(46);
    expect((await git(lab.top, ['worktree', 'list'])).split('\n')).toHaveLength(47);
  });

  test('the same one asked for twice at once is made once', async () => {
    lab.config.setup_command = 'echo run >> ../count';
    const bead = await lab.bead(ID);
    await Promise.all([1, 2, 3].map(() => lab.keeper.ensure(lab.project, bead, lab.config)));
    expect(await readFile(join(lab.trees.root, 'count'), 'utf8')).toBe('run\n');
  });

  test('the set-up command sees bead, ports and folders, its output can be followed, and it has no time limit', async () => {
    lab.config.setup_command =
      'echo $GODEL_HOOK $GODEL_BEAD_ID $GODEL_PORT_BASE; test "$PWD" = "$GODEL_WORKTREE"; test -d "$GODEL_ROOT/.git"; echo err >&2; touch go; while [ ! -f on ]; do sleep 0.05; done';
    expect(lab.config.setup_timeout_seconds).toBe(0);
    const path = lab.trees.pathOf(ID);
    const made = make();
    const log = lab.hooks.logFile('setup', ID);
    await until('output before the end', async () => (await readFile(log, 'utf8').catch(() => '')).includes('err'));
    expect(lab.keeper.activity(lab.project.id, ID)).toBe('setup');
    await writeFile(join(path, 'on'), '');
    const { env } = await made;
    expect(await readFile(log, 'utf8')).toContain(`setup ${ID} ${env.GODEL_PORT_BASE}\nerr\n`);
    const states = lab.events.filter((event) => event.type === 'worktree:hook').map((event) => event.payload.state);
    expect(states).toEqual(['started', 'done']);
  });

  test('a set-up command that fails takes everything back and says its last words', async () => {
    lab.config.setup_command = 'echo first; echo no such package; exit 3';
    await expect(make()).rejects.toMatchObject({
      reason: 'setup-failed',
      message: expect.stringContaining('exit code 3: no such package'),
    });
    expect(await there(lab.trees.pathOf(ID))).toBe(false);
    expect(await branches()).toBe('');
    expect(await portBlocks(lab.database.db)).toEqual([]);
    expect(await allRecords(lab.database.db)).toEqual([]);
  });

  test('a set-up command that is cancelled ends with everything it started', async () => {
    lab.config.setup_command = 'sleep 1000 & echo $! > ../child; wait';
    const made = make();
    const child = await until('child', async () => {
      const text = await readFile(join(lab.trees.root, 'child'), 'utf8').catch(() => '');
      return text.endsWith('\n') && Number(text);
    });
    expect(lab.hooks.cancel(lab.project.id, ID)).toBe(true);
    await expect(made).rejects.toMatchObject({ reason: 'hook-cancelled' });
    await until('child ends', async () => !isRunning(child));
    expect(await there(lab.trees.pathOf(ID))).toBe(false);
  });
});

describe('a bead that had to give its id to an older one', () => {
  const NEW = 'godel-bbbbb';

  /** What a merge with another clone leaves: the work under a new id, and another bead under the old one. */
  async function clash(path: string) {
    const mine = await findBead(lab.database.db, lab.project.id, ID);
    await lab.database.transact(async (tx) => {
      await deleteBead(tx, lab.project.id, ID);
      await insertBead(tx, { ...(mine as Bead), id: NEW });
      for (const table of ['worktrees', 'port_blocks'] as const)
        await tx.updateTable(table).set({ bead_id: NEW }).where('bead_id', '=', ID).execute();
    });
    expect(mine).toMatchObject({ branch: `bead/${ID}`, worktree: path });
    return lab.bead(ID);
  }

  async function started() {
    const { path, env } = await make();
    await commitIn(path, 'kept.txt', 'committed');
    await writeFile(join(path, 'draft.txt'), 'not committed');
    const snapshot = await lab.keeper.snapshot(lab.project, ID, 'test');
    const tip = await git(path, ['rev-parse', 'HEAD']);
    return { path, env, snapshot, tip, other: await clash(path) };
  }
  const ensure = (bead: Bead) => lab.keeper.ensure(lab.project, bead, lab.config);
  const moved = async () => (await findBead(lab.database.db, lab.project.id, NEW)) as Bead;

  test('goes on with its branch, files, ports and snapshots under the new one', async () => {
    const { env, snapshot, tip } = await started();
    const place = await ensure(await moved());
    expect(place).toMatchObject({ path: lab.trees.pathOf(NEW), created: false });
    expect(place.env.GODEL_PORT_BASE).toBe(env.GODEL_PORT_BASE);
    expect(await readFile(join(place.path, 'draft.txt'), 'utf8')).toBe('not committed');
    expect(await git(place.path, ['symbolic-ref', '--short', 'HEAD'])).toBe(`bead/${NEW}`);
    expect(await git(place.path, ['rev-parse', 'HEAD'])).toBe(tip);
    expect((await listSnapshots({ gitDir: lab.gitDir, beadId: NEW })).map((each) => each.commit)).toEqual([snapshot]);
    expect(await moved()).toMatchObject({ branch: `bead/${NEW}`, worktree: place.path });
    expect(await branches()).toBe(`bead/${NEW}`);
  });

  test('never hands its work to the bead that has the old id now', async () => {
    const { tip, other } = await started();
    const place = await ensure(other);
    expect(place).toMatchObject({ path: lab.trees.pathOf(ID), created: true });
    expect(await there(join(place.path, 'draft.txt'))).toBe(false);
    expect(await git(place.path, ['rev-parse', 'HEAD'])).toBe(await git(lab.top, ['rev-parse', 'main']));
    expect(await git(lab.top, ['rev-parse', `bead/${NEW}`])).toBe(tip);
    const mine = await ensure(await moved());
    expect(mine).toMatchObject({ path: lab.trees.pathOf(NEW), created: false });
    expect(await there(join(mine.path, 'draft.txt'))).toBe(true);
  });

  test('is left alone, with the reason, while a program is at work in its files', async () => {
    const { path, other } = await started();
    const program = spawn('sleep', ['60'], { cwd: path });
    try {
      await expect(ensure(other)).rejects.toMatchObject({
        reason: 'worktree-failed',
        message: expect.stringContaining(`is the work of ${NEW}, which had this id before, and a program is at work`),
      });
      expect(await there(join(path, 'draft.txt'))).toBe(true);
      expect(await branches()).toBe(`bead/${ID}`);
    } finally {
      program.kill('SIGKILL');
    }
  });
});

describe('ports', () => {
  test('are free again after removal, do not clash with another project, and skip what is in use', async () => {
    const first = await make();
    const other = await lab.sibling('other');
    const second = await other.keeper.ensure(other.project, await other.bead('godel-bbbbb'), other.config);
    expect(second.env.GODEL_PORT_BASE).not.toBe(first.env.GODEL_PORT_BASE);
    await remove();
    const { createServer } = await import('node:net');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(Number(first.env.GODEL_PORT_BASE) + 4, '127.0.0.1', resolve));
    const third = await make('godel-ccccc');
    server.close();
    expect(Number(third.env.GODEL_PORT_BASE)).not.toBe(Number(first.env.GODEL_PORT_BASE));
    const fourth = await make('godel-ddddd');
    expect(Number(fourth.env.GODEL_PORT_END)).toBeLessThan(32_768);
  });
  test('the next block never overlaps, whatever is taken', () => {
    expect(nextBlock([], 20_000, 10)).toEqual({ base: 20_000, end: 20_009 });
    expect(nextBlock([{ base: 20_003, end: 20_005 }], 20_000, 10)).toEqual({ base: 20_006, end: 20_015 });
    expect(nextBlock([{ base: 20_000, end: 32_760 }], 20_000, 10)).toBeUndefined();
    expect(nextBlock([], 60_000, 10)).toEqual({ base: 60_000, end: 60_009 });
  });
});

describe('shared files', () => {
  beforeEach(async () => {
    await commitIn(lab.top, '.gitignore', '.env*\nnode_modules/\nsecrets/\n');
    await writeFile(join(lab.top, '.env'), 'A=1');
    for (const name of ['node_modules/dep', 'secrets', 'app/node_modules/x'])
      await mkdir(join(lab.top, name), { recursive: true });
    await writeFile(join(lab.top, 'node_modules', 'dep', 'index.js'), 'x');
    await writeFile(join(lab.top, 'app', 'node_modules', 'x', 'index.js'), 'x');
    await writeFile(join(lab.top, 'secrets', 'key.json'), '{}');
    await writeFile(join(lab.top, 'secrets', 'other.txt'), '');
  });
  const spec = (copy: string[], link: string[]) => ({
    gitDir: lab.gitDir,
    top: lab.top,
    path: lab.trees.pathOf(ID),
    copy,
    link,
  });

  test('a plan tells what would be copied and linked, and changes nothing', async () => {
    const plan = await planFiles(spec(['.env', 'secrets/*.json'], ['**/node_modules/']));
    expect(plan.map((file) => [file.action, file.kind, file.path])).toEqual([
      ['copy', 'file', '.env'],
      ['link', 'folder', 'app/node_modules'],
      ['link', 'folder', 'node_modules'],
      ['copy', 'file', 'secrets/key.json'],
    ]);
    expect(plan[1]?.note).toContain('main checkout');
    expect(await there(lab.trees.root)).toBe(false);
  });

  test('links and copies are there, stay out of the status of both, and a snapshot leaves them out', async () => {
    Object.assign(lab.config, { copy_patterns: ['.env', 'secrets/'], link_patterns: ['node_modules/'] });
    const before = await git(lab.top, ['status', '--porcelain']);
    const { path } = await make();
    expect(await readlink(join(path, 'node_modules'))).toBe(join(lab.top, 'node_modules'));
    expect(await readFile(join(path, 'secrets', 'key.json'), 'utf8')).toBe('{}');
    expect(await git(path, ['status', '--porcelain'])).toBe('');
    expect(await git(lab.top, ['status', '--porcelain'])).toBe(before);
    expect(await lab.keeper.snapshot(lab.project, ID, 'test')).toBeUndefined();
    await remove();
    expect(await there(join(lab.top, 'node_modules', 'dep', 'index.js'))).toBe(true);
  });
});

describe('sparse checkouts', () => {
  beforeEach(async () => {
    for (const name of ['a', 'b', 'c/deep']) {
      await mkdir(join(lab.top, name), { recursive: true });
      await writeFile(join(lab.top, name, 'f.txt'), name);
    }
    await commitIn(lab.top, 'top.txt', 'top');
  });

  test('only the folders that were asked for; the configuration of the repository stays byte-equal', async () => {
    const before = await users();
    const { path, env } = await make(ID, { sparse: ['a', 'c/deep'] });
    expect([
      await there(join(path, 'a/f.txt')),
      await there(join(path, 'b')),
      await there(join(path, 'c/deep/f.txt')),
    ]).toEqual([true, false, true]);
    expect(await there(join(path, 'top.txt'))).toBe(true);
    expect(await git(path, ['status', '--porcelain'])).toBe('');
    await writeFile(join(path, 'a', 'f.txt'), 'changed');
    const commit = (await lab.keeper.snapshot(lab.project, ID, 'test')) as string;
    expect(await git(path, ['diff', '--name-only', 'HEAD', commit])).toBe('a/f.txt');
    await commitIn(path, 'a/new.txt', 'new');
    expect(await git(path, ['show', '--name-only', '--format=', 'HEAD'])).toBe('a/f.txt\na/new.txt');
    // Git of an agent, which has the variables, keeps it sparse over a merge.
    await commitIn(lab.top, 'b/f.txt', 'b changed');
    before[2] = await readFile(join(lab.gitDir, 'index'));
    before[4] = await git(lab.top, ['for-each-ref', 'refs/heads/main']);
    await git(path, ['merge', '-q', '-m', 'merged', 'main'], { env });
    expect(await there(join(path, 'b'))).toBe(false);
    expect(await git(path, ['show', 'HEAD:b/f.txt'])).toBe('b changed');
    expect((await viewWorktrees(lab.project, lab.keeper, lab.database))[0]?.sparse).toEqual(['a', 'c/deep']);
    expect(await users()).toEqual(before);
  });
});

describe('removing', () => {
  test('keeps uncommitted work, detached commits and an autostash, each under a ref', async () => {
    const { path } = await make();
    await commitIn(path, 'a.txt', 'on the branch');
    await git(path, ['checkout', '-q', '--detach']);
    await commitIn(path, 'b.txt', 'on no branch');
    const lost = await git(path, ['rev-parse', 'HEAD']);
    await writeFile(join(path, 'c.txt'), 'uncommitted');
    const kept = await remove();
    expect(await there(path)).toBe(false);
    expect(await git(lab.gitDir, ['for-each-ref', '--contains', lost, '--format=%(refname)'])).toContain('refs/godel/');
    expect(await git(lab.gitDir, ['show', `${kept}:c.txt`])).toBe('uncommitted');
    await git(lab.gitDir, ['gc', '--quiet', '--prune=now']);
    expect(await git(lab.gitDir, ['show', `${lost}:b.txt`])).toBe('on no branch');
  });

  test('a clean worktree on a detached commit leaves that commit its own ref', async () => {
    const { path } = await make();
    await git(path, ['checkout', '-q', '--detach']);
    await commitIn(path, 'b.txt', 'on no branch');
    const lost = await git(path, ['rev-parse', 'HEAD']);
    await remove();
    await git(lab.gitDir, ['reflog', 'expire', '--expire=now', '--all']);
    await git(lab.gitDir, ['gc', '--quiet', '--prune=now']);
    expect(await git(lab.gitDir, ['rev-parse', `refs/godel/kept/${ID}/${lost.slice(0, 12)}`])).toBe(lost);
  });

  test('is refused, with everything as before, when the work cannot be kept', async () => {
    const { path } = await make();
    await writeFile(join(path, 'precious.txt'), 'x');
    // Git cannot write the snapshot's ref.
    await mkdir(join(lab.gitDir, 'refs', 'godel', 'wip'), { recursive: true });
    await writeFile(join(lab.gitDir, 'refs', 'godel', 'wip', `${ID}.lock`), '');
    await expect(remove()).rejects.toThrow();
    lab.agents.add(`was ${ID}`);
    lab.config.worktree_cleanup = 'immediate';
    expect(await lab.upkeep.prune(lab.project, false)).toMatchObject([{ beadId: ID, removed: false }]);
    expect(await readFile(join(path, 'precious.txt'), 'utf8')).toBe('x');
    expect(await git(path, ['status', '--porcelain'])).toBe('?? precious.txt');
    expect((await allRecords(lab.database.db))[0]?.state).toBe('ready');
    await rm(join(lab.gitDir, 'refs', 'godel', 'wip', `${ID}.lock`));
    expect(await remove()).toBeDefined();
  });

  test('a repository inside with commits that are nowhere else is not removed', async () => {
    const { path } = await make();
    const inner = join(path, 'inner');
    await mkdir(inner);
    await git(inner, ['init', '-q']);
    await git(inner, ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'only here']);
    await expect(remove()).rejects.toMatchObject({ reason: 'worktree-unsafe' });
    expect(await there(inner)).toBe(true);
  });

  test('a lock of a person is respected', async () => {
    const { path } = await make();
    await git(lab.gitDir, ['worktree', 'unlock', path]);
    await git(lab.gitDir, ['worktree', 'lock', '--reason', 'on my stick', path]);
    await expect(remove()).rejects.toMatchObject({ reason: 'worktree-locked' });
    expect((await viewWorktrees(lab.project, lab.keeper, lab.database))[0]?.lock).toBe('on my stick');
    await git(lab.gitDir, ['worktree', 'unlock', path]);
    await remove();
  });

  test('a teardown command that fails stops the removal; --force leaves it out', async () => {
    lab.config.teardown_command = 'echo database busy; exit 5';
    const { path } = await make();
    await expect(remove()).rejects.toMatchObject({
      reason: 'teardown-failed',
      message: expect.stringContaining('database busy'),
    });
    expect(await there(path)).toBe(true);
    await remove(ID, { force: true });
    expect(await there(path)).toBe(false);
  });
});

describe('after a crash', () => {
  test('in the middle of a set-up command: its processes end, nothing half-made is left', async () => {
    lab.config.setup_command = 'echo $$ > ../shell; touch half; sleep 1000';
    const made = make();
    made.catch(() => undefined);
    const shell = await until('shell', async () => {
      const text = await readFile(join(lab.trees.root, 'shell'), 'utf8').catch(() => '');
      return text.endsWith('\n') && Number(text);
    });
    const next = await lab.reborn();
    const found = await next.repair();
    expect(found).toMatchObject([{ subject: ID, found: expect.stringContaining('being made') }, { subject: 'shell' }]);
    expect(isRunning(shell)).toBe(false);
    expect(await there(lab.trees.pathOf(ID))).toBe(false);
    expect(await branches()).toBe('');
    expect(await portBlocks(lab.database.db)).toEqual([]);
    await made.catch(() => undefined);
    next.config.setup_command = '';
    const again = await next.keeper.ensure(next.project, await next.bead('godel-bbbbb'), next.config);
    expect(await there(again.path)).toBe(true);
  });

  test('between the rename and the end of a removal: the work is kept, the removal is finished', async () => {
    const { path } = await make();
    await writeFile(join(path, 'last.txt'), 'written in the last moment');
    const trash = join(lab.trees.trashRoot, `${ID}~1`);
    await mkdir(lab.trees.trashRoot, { recursive: true });
    const [record] = await allRecords(lab.database.db);
    const { putRecord } = await import('../../../src/worktrees/store.ts');
    await lab.database.transact((tx) =>
      putRecord(tx, { ...(record as NonNullable<typeof record>), state: 'removing', trash }),
    );
    await rename(path, trash);
    // Git rewrites its note of the place when the worktree is older than a day.
    const old = new Date(Date.now() - 48 * 3_600_000);
    await utimes(join(lab.gitDir, 'worktrees', ID, 'gitdir'), old, old);
    const next = await lab.reborn();
    await next.repair();
    const [snapshot] = await listSnapshots({ gitDir: lab.gitDir, beadId: ID });
    expect(snapshot?.files).toEqual(['last.txt']);
    expect(await git(lab.top, ['worktree', 'list'])).not.toContain('bead/');
    expect(await allRecords(lab.database.db)).toEqual([]);
    await until('trash is empty', async () => !(await there(trash)));
  });

  test('a lost database learns of worktrees and their ports again', async () => {
    const { env } = await make();
    await lab.database.transact(async (tx) => {
      await tx.deleteFrom('worktrees').execute();
      await tx.deleteFrom('port_blocks').execute();
    });
    const next = await lab.reborn();
    expect(await next.repair()).toMatchObject([{ subject: ID, done: 'taken up again' }]);
    expect((await next.keeper.environmentOf(next.project, ID)).GODEL_PORT_BASE).toBe(env.GODEL_PORT_BASE);
  });
});

describe('repair', () => {
  test('missing, removed, moved, foreign and locked ones are each told and mended', async () => {
    const gone = await make('godel-ggggg');
    await rm(gone.path, { recursive: true });
    const removed = await make('godel-rrrrr');
    await git(lab.gitDir, ['worktree', 'remove', '-f', '-f', removed.path]);
    const locked = await make('godel-lllll');
    const lock = join(lab.gitDir, 'worktrees', 'godel-lllll', 'index.lock');
    await writeFile(lock, '');
    await utimes(lock, 0, 0);
    await mkdir(join(lab.trees.root, 'stranger'));
    const found = await lab.repair();
    expect(Object.fromEntries(found.map((each) => [each.subject, each.done]))).toEqual({
      'godel-ggggg': 'godel worktree restore godel-ggggg brings it back',
      'godel-rrrrr': 'forgotten; its ports are free',
      'godel-lllll': 'unlocked',
      stranger: expect.stringContaining('left alone'),
    });
    expect(await there(join(lab.trees.root, 'stranger'))).toBe(true);
    expect((await tryGit(locked.path, ['add', '-A'])).code).toBe(0);
    const states = (await viewWorktrees(lab.project, lab.keeper, lab.database)).map((each) => [
      each.beadId,
      each.state,
    ]);
    expect(Object.fromEntries(states)).toEqual({
      'godel-ggggg': 'missing',
      'godel-lllll': 'ready',
      stranger: 'foreign',
    });
  });

  test('a repository that was moved with its worktrees is linked again', async () => {
    const { path } = await make();
    await writeFile(join(path, 'work.txt'), 'x');
    const moved = join(lab.folder, 'moved');
    await cp(lab.top, moved, { recursive: true, verbatimSymlinks: true });
    await rename(lab.top, join(lab.folder, 'old'));
    Object.assign(lab.project, { path: moved, gitDir: join(moved, '.git') });
    const next = await lab.reborn();
    await next.repair();
    expect(await git(join(moved, '.godel', 'worktrees', ID), ['status', '--porcelain'])).toBe('?? work.txt');
    expect((await viewWorktrees(next.project, next.keeper, next.database))[0]).toMatchObject({
      beadId: ID,
      state: 'ready',
    });
  });
});
