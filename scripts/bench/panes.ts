/** Agents' panes: from spawn to process, and what many of them cost at rest; beside plain tmux. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../../src/base/process.ts';
import { at, type BenchHome, ms, times } from './bench-home.ts';

const TICKS = 100;
/** Screens are drawn before rest is measured. */
const SETTLE_MS = 30_000;
/** What a program that says nothing is taken for changes once after its start; that is no rest. */
const UNSETTLED = new Set(['starting', 'busy']);
const MOST_SETTLE_MS = 120_000;

export async function spawning({ client, env }: BenchHome, panes: number): Promise<string[][]> {
  const daemon = client();
  const ours = await times(panes, () => daemon.call('agentSpawn', { command: 'sleep 100000' }));
  const socket = `godel-bench-${process.pid}`;
  await run('tmux', ['-L', socket, '-f', '/dev/null', 'new-session', '-d', 'sleep 100000'], { env });
  const bare = await times(20, () => run('tmux', ['-L', socket, 'new-window', '-d', 'sleep 100000'], { env }));
  await run('tmux', ['-L', socket, 'kill-server'], { env });
  const both = (sorted: number[]) => `${ms(at(sorted, 0.5))} / ${ms(at(sorted, 0.95))}`;
  return [['spawn to process in its pane, p50 / p95', both(ours), 'p95 < 500 ms', `tmux new-window: ${both(bare)}`]];
}

/** CPU ticks of every process of this home, by program; and the pids seen. */
async function cpuOf({ folder, paths }: BenchHome): Promise<{ ticks: Map<string, number>; pids: Set<string> }> {
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

async function settled({ client }: BenchHome): Promise<void> {
  const daemon = client();
  for (const end = Date.now() + MOST_SETTLE_MS; Date.now() < end; await delay(1_000)) {
    const { items } = await daemon.call('agentList', { limit: 1_000 });
    if (items.every((agent) => !UNSETTLED.has(agent.observed.state))) return;
  }
}

export async function idle(home: BenchHome, panes: number, seconds: number): Promise<string[][]> {
  await home.client().call('boardOpen', { columns: 200, rows: 50 });
  await settled(home);
  await delay(SETTLE_MS);
  const before = await cpuOf(home);
  const forked = new Set<string>();
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await delay(1_000)) {
    for (const pid of (await cpuOf(home)).pids) if (!before.pids.has(pid)) forked.add(pid);
  }
  const after = await cpuOf(home);
  const share = (name: string) =>
    (100 * ((after.ticks.get(name) ?? 0) - (before.ticks.get(name) ?? 0))) / TICKS / seconds;
  const sum = ['daemon', 'proxy', 'board'].reduce((total, name) => total + share(name), 0);
  const each = ['daemon', 'proxy', 'board', 'tmux'].map((name) => `${name} ${share(name).toFixed(2)} %`).join(', ');
  const what = `idle, ${panes} panes, ${seconds} s: daemon + proxy + board`;
  return [
    [what, `${sum.toFixed(2)} % of a core`, '< 1 %', each],
    ['processes forked while idle', `${forked.size}`, '0', '-'],
  ];
}
