/**
 * Worktrees beside plain git in the same run: 50 asked for at once, one from the pool, one removed. Prints a table; the
 * machine is whatever it is, so read ratios. `--files 2000 --count 50` are the defaults.
 */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { git, tryGit } from '../../src/base/git.ts';
import { createLog } from '../../src/base/log.ts';
import { table } from '../../src/base/table.ts';
import { createPool } from '../../src/worktrees/pool.ts';
import { emptyTrash, removeTree } from '../../src/worktrees/removal.ts';
import { takeSnapshot } from '../../src/worktrees/snapshot.ts';
import { createTrees } from '../../src/worktrees/tree.ts';

const { values: options } = parseArgs({
  options: { files: { type: 'string', default: '2000' }, count: { type: 'string', default: '50' } },
});
const [files, count] = [Number(options.files), Number(options.count)];
const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-bench-trees-')));
const rows: string[][] = [];
const add = (what: string, ours: string, plain: string) => rows.push([what, ours, plain]);
const seconds = (value: number) => (value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`);

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const started = performance.now();
  const result = await work();
  return { ms: performance.now() - started, result };
}

async function repository(name: string): Promise<string> {
  const top = join(folder, name);
  for (let index = 0; index < files; index += 1) {
    const place = join(top, `dir-${index % 40}`);
    if (index < 40) await mkdir(place, { recursive: true });
    await writeFile(join(place, `file-${index}.txt`), `${index}\n`.repeat(200));
  }
  await git(top, ['init', '-q', '-b', 'main']);
  await git(top, ['add', '-A'], { timeoutMs: 600_000 });
  await git(top, ['-c', 'user.name=b', '-c', 'user.email=b@b', 'commit', '-q', '-m', 'x'], { timeoutMs: 600_000 });
  const bare = join(folder, `${name}.git`);
  await git(folder, ['clone', '-q', '--bare', top, bare], { timeoutMs: 600_000 });
  await git(top, ['remote', 'add', 'origin', bare]);
  await git(top, ['fetch', '-q', 'origin'], { timeoutMs: 600_000 });
  return top;
}

const branchCount = async (top: string) =>
  (await git(top, ['for-each-ref', '--format=%(refname)', 'refs/heads/bead'])).split('\n').filter(Boolean).length;

async function atOnce(ours: string, plain: string): Promise<void> {
  const trees = createTrees({ gitDir: join(ours, '.git'), top: ours });
  const ids = Array.from({ length: count }, (_, index) => `godel-${String(index).padStart(5, 'a')}`);
  const mine = await timed(() =>
    Promise.allSettled(ids.map((beadId) => trees.add({ beadId, base: 'main', sparse: [] }))),
  );
  // What most tools run: a branch from the remote's main, with tracking, as many at once as are asked for.
  const theirs = await timed(() =>
    Promise.all(
      ids.map((id) =>
        tryGit(plain, ['worktree', 'add', '-q', '-b', `bead/${id}`, join(plain, '.trees', id), 'origin/main'], {
          timeoutMs: 600_000,
        }),
      ),
    ),
  );
  const failed = (mine.result as { status: string }[]).filter((each) => each.status === 'rejected').length;
  const theirFailed = theirs.result.filter((each) => each.code !== 0).length;
  const text = (ms: number, failures: number, branches: number) =>
    `${seconds(ms)}, ${failures} failed, ${branches - (count - failures)} orphan branches`;
  add(
    `${count} worktrees at once`,
    text(mine.ms, failed, await branchCount(ours)),
    text(theirs.ms, theirFailed, await branchCount(plain)),
  );
}

async function fromPool(ours: string, plain: string): Promise<void> {
  const trees = createTrees({ gitDir: join(ours, '.git'), top: ours });
  const log = createLog({ level: 'error', destination: 2, name: 'bench' });
  const pool = createPool({ trees, log, prepare: async () => {}, secure: async () => {} });
  await pool.fill(1, { base: 'main', sparse: [], setup: '' }, new AbortController().signal);
  const warm = await timed(() => pool.take({ beadId: 'godel-zzzzz', base: 'main', sparse: [] }, ''));
  const cold = await timed(() =>
    git(plain, ['worktree', 'add', '-q', '--no-track', '-b', 'bead/cold', join(plain, '.trees', 'cold'), 'main'], {
      timeoutMs: 600_000,
    }),
  );
  add(
    'one worktree, from the pool',
    warm.result ? seconds(warm.ms) : 'none was ready',
    `${seconds(cold.ms)} (worktree add)`,
  );
}

async function removal(ours: string, plain: string): Promise<void> {
  const trees = createTrees({ gitDir: join(ours, '.git'), top: ours });
  const beadId = 'godel-zzzzz';
  const path = trees.pathOf(beadId);
  await writeFile(join(path, 'dirty.txt'), 'kept');
  const snapshot = async (worktree: string, tree?: string) =>
    (await takeSnapshot({ gitDir: trees.gitDir, worktree, beadId, reason: 'bench', now: Date.now(), tree }))?.commit;
  const mine = await timed(() => removeTree({ trees, beadId, path, snapshot }, async () => {}));
  const theirs = await timed(() =>
    git(plain, ['worktree', 'remove', '--force', join(plain, '.trees', 'cold')], { timeoutMs: 600_000 }),
  );
  if (mine.result.trash) await emptyTrash(mine.result.trash);
  add('removal, uncommitted work kept', seconds(mine.ms), `${seconds(theirs.ms)} (worktree remove --force, work lost)`);
}

try {
  const [ours, plain] = [await repository('ours'), await repository('plain')];
  await atOnce(ours, plain);
  await fromPool(ours, plain);
  await removal(ours, plain);
  process.stdout.write(`${files} files\n${table(['WHAT', 'GODEL', 'PLAIN GIT'], rows)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
