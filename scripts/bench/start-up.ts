/** `godel` to its first frame in a terminal, and a command, with the daemon running and not: beside bare Node and bare tmux. */
import { run } from '../../src/base/process.ts';
import { openPty } from '../../test/support/pty-screen.ts';
import { at, type BenchHome, GODEL, ms, times } from './bench-home.ts';

const ROUNDS = 7;

/** Opens `godel` in a terminal and waits for the first frame of the board; the terminal is closed before the next. */
async function firstFrame(home: BenchHome): Promise<void> {
  const command = `cd "$1" && exec "$2" "$3"`;
  const size = { columns: 160, rows: 45 };
  const screen = openPty('sh', ['-c', command, 'sh', home.repository, process.execPath, GODEL], size, home.env);
  try {
    await screen.sees(/OPEN 0/, 60_000);
  } finally {
    screen.stop();
  }
}

async function bareTmux(home: BenchHome): Promise<void> {
  const socket = `godel-bench-${process.pid}`;
  const args = ['-L', socket, '-f', '/dev/null', 'new-session', 'echo first-frame; exec cat'];
  const screen = openPty('tmux', args, { columns: 160, rows: 45 }, home.env);
  try {
    await screen.sees('first-frame');
  } finally {
    screen.stop();
    await run('tmux', ['-L', socket, 'kill-server'], { env: home.env });
  }
}

export async function startUp(home: BenchHome): Promise<string[][]> {
  const { env } = home;
  const node = at(await times(10, () => run(process.execPath, ['-e', '0'], { env })), 0.5);
  const tmux = at(await times(ROUNDS, () => bareTmux(home)), 0.5);
  await home.godel('config', 'set', 'provider', 'demo');
  await firstFrame(home);
  const warm = await times(ROUNDS, () => firstFrame(home));
  const list = await times(10, () => home.godel('bead', 'list'));
  const cold: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await home.stopDaemon();
    cold.push(...(await times(1, () => firstFrame(home))));
  }
  cold.sort((a, b) => a - b);
  const both = (sorted: number[]) => `${ms(at(sorted, 0.5))} (worst ${ms(sorted.at(-1) ?? 0)})`;
  return [
    ['godel to first frame, daemon running', both(warm), '< 300 ms', `new tmux session: ${ms(tmux)}`],
    ['godel to first frame, daemon not running', both(cold), '< 1.5 s', `bare node: ${ms(node)}`],
    ['godel bead list, daemon running', both(list), '< 300 ms', `bare node: ${ms(node)}`],
  ];
}
