/**
 * The record in git at 10,000 and 100,000 beads: building the database from it, changes acknowledged one by one and many at once;
 * beside what git alone takes to read the same blobs, and a file with a commit each.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git, tryGit } from '../../src/base/git.ts';
import { run } from '../../src/base/process.ts';
import { at, type BenchHome, beadId, createBenchHome, ms, times } from './bench-home.ts';

const REF = 'refs/godel/state';
const WRITERS = 64;
/** Changes of each writer: enough for many seconds, as a rate that holds is asked for, not that of a daemon that has just begun. */
const ROUNDS = 300;

/** Multiplies the one bead of the ref to `count`, in one commit on top. */
async function multiply(home: BenchHome, count: number): Promise<void> {
  const made = await home.godel('bead', 'create', 'the first', '--json');
  const { id, uid } = JSON.parse(made.stdout) as { id: string; uid: string };
  await home.stopDaemon();
  const path = (await git(home.repository, ['ls-tree', '-r', '--name-only', REF]))
    .split('\n')
    .find((each) => each.includes(id)) as string;
  const text = await git(home.repository, ['show', `${REF}:${path}`]);
  const tip = await git(home.repository, ['rev-parse', REF]);
  const parts = [`commit ${REF}\ncommitter b <b@b> 1 +0000\ndata 4\nmore\nfrom ${tip}\n`];
  for (let index = 0; index < count - 1; index += 1) {
    const next = beadId(index);
    const body = `${text.replaceAll(id, next).replaceAll(uid, `${uid.slice(0, -6)}${index.toString(16).padStart(6, '0')}`)}\n`;
    const [a, b] = next.slice('godel-'.length);
    parts.push(`M 100644 inline beads/${a}/${b}/${next}.json\ndata ${Buffer.byteLength(body)}\n${body}`);
  }
  parts.push('\ndone\n');
  const result = await tryGit(home.repository, ['fast-import', '--quiet', '--done'], {
    input: parts.join(''),
    timeoutMs: 600_000,
  });
  if (result.code !== 0) throw new Error(result.stderr);
  for (const suffix of ['', '-wal', '-shm']) await rm(home.paths.databaseFile + suffix, { force: true });
}

async function rebuild(home: BenchHome, count: number, bar: string): Promise<string[]> {
  const empty = await createBenchHome();
  await empty.godel('bead', 'list');
  await empty.stopDaemon();
  const start = at(await times(1, () => empty.godel('bead', 'list')), 0.5);
  await empty.remove();
  const whole = at(await times(1, () => home.godel('bead', 'list', '--limit', '1')), 0.5);
  const read = `git ls-tree -r ${REF} | cut -d' ' -f3 | cut -f1 | git cat-file --batch --buffer >/dev/null`;
  const plain = at(await times(1, () => run('sh', ['-c', read], { cwd: home.repository, env: home.env })), 0.5);
  const name = `rebuild from git, ${count.toLocaleString('en')} beads`;
  return [
    name,
    `${ms(whole - start)} (with the start of a daemon ${ms(whole)})`,
    bar,
    `git reads the blobs: ${ms(plain)}`,
  ];
}

async function plainCommits(home: BenchHome): Promise<number[]> {
  const plain = join(home.folder, 'plain');
  await mkdir(plain, { recursive: true });
  await git(plain, ['init', '-q']);
  return times(40, async (index) => {
    await writeFile(join(plain, `bead-${index}.json`), '{"title":"x"}\n');
    await git(plain, ['add', '-A']);
    await git(plain, ['-c', 'user.name=b', '-c', 'user.email=b@b', 'commit', '-q', '-m', 'x'], {
      config: ['core.fsync=all'],
    });
  });
}

async function changes(home: BenchHome, count: number): Promise<string[][]> {
  const client = home.client();
  const one = await times(200, (index) => client.call('beadUpdate', { id: beadId(7), description: `change ${index}` }));
  const started = performance.now();
  await Promise.all(
    Array.from({ length: WRITERS }, (_, writer) =>
      times(ROUNDS, (round) => client.call('beadUpdate', { id: beadId(100 + writer), description: `round ${round}` })),
    ),
  );
  const rate = Math.round((WRITERS * ROUNDS * 1000) / (performance.now() - started));
  const plain = await plainCommits(home);
  const size = `${count.toLocaleString('en')} beads`;
  const alternative = `file + git commit: ${ms(at(plain, 0.5))} / ${ms(at(plain, 0.95))}`;
  return [
    [`change in git, ${size}, p50 / p95`, `${ms(at(one, 0.5))} / ${ms(at(one, 0.95))}`, 'p95 < 50 ms', alternative],
    [
      `changes, ${WRITERS} at once, ${size}`,
      `${rate} /s`,
      '1,000 /s',
      `file + git commit: ${Math.round(1000 / at(plain, 0.5))} /s`,
    ],
  ];
}

export async function records(count: number, bar: string): Promise<string[][]> {
  const home = await createBenchHome();
  try {
    await multiply(home, count);
    return [await rebuild(home, count, bar), ...(await changes(home, count))];
  } finally {
    await home.remove();
  }
}
