/**
 * Start-up, bead changes, spawning and idle cost of the compiled programs, each beside an alternative measured in the same
 * run. Prints one table; the machine is whatever it is, so read ratios. `--panes 50 --seconds 20` are the defaults.
 */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { git } from '../../src/base/git.ts';
import { homePaths } from '../../src/base/paths.ts';
import { isRunning, run } from '../../src/base/process.ts';
import { table } from '../../src/base/table.ts';
import { createClient } from '../../src/client/client.ts';

const { values: options } = parseArgs({
  options: {
    panes: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '20' },
    changes: { type: 'string', default: '300' },
  },
});
const GODEL = fileURLToPath(new URL('../../dist/godel.js', import.meta.url));
const TICKS = 100;

const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-bench-')));
const repository = join(folder, 'repo');
const env = {
  PATH: process.env.PATH ?? '',
  HOME: folder,
  LANG: 'C.UTF-8',
  TERM: 'xterm-256color',
  GODEL_HOME: join(folder, 'home'),
  GODEL_PORT: '0',
  GODEL_PROXY_PORT: '0',
};
const paths = homePaths(env);
const rows: string[][] = [];

const godel = (...args: string[]) => run(process.execPath, [GODEL, ...args], { cwd: repository, env });
const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const at = (sorted: number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

async function times(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const started = performance.now();
    await work(index);
    found.push(performance.now() - started);
  }
  return found.sort((a, b) => a - b);
}

const add = (what: string, measured: string, bar: string, alternative: string) =>
  rows.push([what, measured, bar, alternative]);

async function startUp(): Promise<void> {
  const bare = at(await times(10, () => run(process.execPath, ['-e', '0'], { env })), 0.5);
  const cold = at(
    await times(5, async () => {
      await godel('bead', 'list');
      const { pid } = JSON.parse(await readFile(paths.daemonFile, 'utf8')) as { pid: number };
      process.kill(pid, 'SIGTERM');
      while (isRunning(pid)) await delay(5);
    }),
    0.5,
  );
  await godel('bead', 'list');
  const warm = at(await times(10, () => godel('bead', 'list')), 0.5);
  add('godel bead list, daemon running', ms(warm), '< 300 ms', `bare node: ${ms(bare)}`);
  add('start, list and stop of a daemon', ms(cold), '< 1.5 s', `bare node: ${ms(bare)}`);
}

async function beadChanges(): Promise<void> {
  const client = createClient({ socketPath: paths.socketFile, projectPath: repository });
  const { id } = await client.call('beadCreate', { title: 'changed often' });
  const count = Number(options.changes);
  const one = await times(count, (index) => client.call('beadUpdate', { id, description: `change ${index}` }));
  const ids = await Promise.all(
    Array.from({ length: 64 }, async (_, index) => (await client.call('beadCreate', { title: `bead ${index}` })).id),
  );
  const started = performance.now();
  await Promise.all(
    ids.map((each) => times(20, (index) => client.call('beadUpdate', { id: each, description: `round ${index}` }))),
  );
  const rate = (64 * 20 * 1000) / (performance.now() - started);
  const plain = join(folder, 'plain');
  await mkdir(plain);
  await git(plain, ['init', '-q']);
  const file = await times(40, async (index) => {
    await writeFile(join(plain, `bead-${index}.json`), '{"title":"x"}\n');
    await git(plain, ['add', '-A']);
    await git(plain, ['-c', 'user.name=b', '-c', 'user.email=b@b', 'commit', '-q', '-m', 'x'], {
      config: ['core.fsync=all'],
    });
  });
  add(
    'bead change in git, p50 / p95',
    `${ms(at(one, 0.5))} / ${ms(at(one, 0.95))}`,
    'p95 < 50 ms',
    `file + git commit: ${ms(at(file, 0.5))} / ${ms(at(file, 0.95))}`,
  );
  add(
    'bead changes, 64 at once',
    `${Math.round(rate)} /s`,
    '1,000 /s',
    `file + git commit: ${Math.round(1000 / at(file, 0.5))} /s`,
  );
}

async function spawning(): Promise<void> {
  const client = createClient({ socketPath: paths.socketFile, projectPath: repository });
  const ours = await times(Number(options.panes), () => client.call('agentSpawn', { command: 'sleep 100000' }));
  const socket = `godel-bench-${process.pid}`;
  await run('tmux', ['-L', socket, '-f', '/dev/null', 'new-session', '-d', 'sleep 100000'], { env });
  const bare = await times(20, () => run('tmux', ['-L', socket, 'new-window', '-d', 'sleep 100000'], { env }));
  await run('tmux', ['-L', socket, 'kill-server'], { env });
  add(
    'spawn to process in its pane, p50 / p95',
    `${ms(at(ours, 0.5))} / ${ms(at(ours, 0.95))}`,
    'p95 < 500 ms',
    `tmux new-window: ${ms(at(bare, 0.5))} / ${ms(at(bare, 0.95))}`,
  );
}

/** CPU ticks of every process of this home, by program; and the pids seen. */
async function cpuOf(): Promise<{ ticks: Map<string, number>; pids: Set<string> }> {
  const ticks = new Map<string, number>();
  const pids = new Set<string>();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (!environ.includes(folder) && !command.includes(paths.tmuxSocketName)) continue;
    pids.add(pid);
    const program = /(daemon|proxy|board)\.js/.exec(command)?.[1] ?? (command.startsWith('tmux') ? 'tmux' : undefined);
    if (!program) continue;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks.set(program, (ticks.get(program) ?? 0) + Number(fields[11] ?? 0) + Number(fields[12] ?? 0));
  }
  return { ticks, pids };
}

async function idle(): Promise<void> {
  const client = createClient({ socketPath: paths.socketFile, projectPath: repository });
  await client.call('boardOpen', { columns: 200, rows: 50 });
  // States settle and screens are drawn before the rest is measured.
  await delay(15_000);
  const seconds = Number(options.seconds);
  const before = await cpuOf();
  const forked = new Set<string>();
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await delay(1_000)) {
    for (const pid of (await cpuOf()).pids) if (!before.pids.has(pid)) forked.add(pid);
  }
  const after = await cpuOf();
  const share = (name: string) =>
    (100 * ((after.ticks.get(name) ?? 0) - (before.ticks.get(name) ?? 0))) / TICKS / seconds;
  const sum = ['daemon', 'proxy', 'board'].reduce((total, name) => total + share(name), 0);
  const each = ['daemon', 'proxy', 'board', 'tmux'].map((name) => `${name} ${share(name).toFixed(2)} %`).join(', ');
  add(
    `idle, ${options.panes} panes, ${seconds} s: daemon + proxy + board`,
    `${sum.toFixed(2)} % of a core`,
    '< 1 %',
    each,
  );
  add('processes forked while idle', `${forked.size}`, '0', '-');
}

async function cleanUp(): Promise<void> {
  for (const file of [paths.daemonFile, paths.proxyFile]) {
    const pid = await readFile(file, 'utf8').then(
      (text) => (JSON.parse(text) as { pid: number }).pid,
      () => undefined,
    );
    if (pid !== undefined && isRunning(pid)) process.kill(pid, 'SIGTERM');
    for (let tries = 0; pid !== undefined && isRunning(pid) && tries < 200; tries += 1) await delay(25);
  }
  await run('tmux', ['-L', paths.tmuxSocketName, 'kill-server'], { env });
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

try {
  await mkdir(repository);
  await git(repository, ['init', '-q', '-b', 'main']);
  await git(repository, ['-c', 'user.name=b', '-c', 'user.email=b@b', 'commit', '-q', '--allow-empty', '-m', 'First']);
  for (const part of [startUp, beadChanges, spawning, idle]) await part();
  process.stdout.write(`${table(['MEASURED', 'GODEL', 'BAR', 'BESIDE IT'], rows)}\n`);
} finally {
  await cleanUp();
}
