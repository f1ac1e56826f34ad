/**
 * Prompts of up to 4 KB to programs that draw their screens all the time: through Godel by face and by protocol, and in the same
 * run by plain `tmux send-keys` and Enter, which is what a script without Godel does.
 * Use: node scripts/bench/prompts.ts [--prompts 10000] [--agents 20] [--plain 100]
 */
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { run } from '../../src/base/process.ts';
import { table } from '../../src/base/table.ts';
import { deliver, fakeClaudeIn, promptText, type Tally, takenIn, tally } from '../../test/support/prompt-load.ts';
import { seeded } from '../../test/support/random.ts';
import { type BenchHome, createBenchHome } from './bench-home.ts';

const { values: options } = parseArgs({
  options: {
    prompts: { type: 'string', default: '10000' },
    agents: { type: 'string', default: '20' },
    plain: { type: 'string', default: '100' },
  },
});

/** Between two prompts of the plain way (ms): far more than the program needs. */
const PLAIN_PAUSE_MS = 100;

async function plainly(home: BenchHome, program: string, count: number): Promise<Tally> {
  const folder = join(home.folder, 'plain');
  await mkdir(folder);
  const socket = `godel-bench-plain-${process.pid}`;
  const tmux = (...words: string[]) => run('tmux', ['-L', socket, '-f', '/dev/null', ...words], { env: home.env });
  const env = ['-e', `CLAUDE_CONFIG_DIR=${folder}`];
  await tmux('new-session', '-d', '-x', '160', '-y', '45', ...env, program);
  await delay(1_000);
  const random = seeded(11);
  const sent: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const text = promptText(random, `plain-${index}`);
    sent.push(text);
    await tmux('send-keys', '-l', text);
    await tmux('send-keys', 'Enter');
    await delay(PLAIN_PAUSE_MS);
  }
  await delay(1_000);
  await tmux('kill-server');
  return { ...tally(sent, takenIn(folder)), dead: 0 };
}

const home = await createBenchHome();
try {
  const bin = await fakeClaudeIn(home.folder);
  home.env.PATH = [bin, home.env.PATH].join(delimiter);
  await home.godel('config', 'set', 'provider', 'demo');
  const agents = Number(options.agents);
  const shared = { client: home.client(), agentsDir: home.paths.agentsDir, agents };
  const prompts = Math.ceil(Number(options.prompts) / agents / 2);
  const rows: string[][] = [];
  for (const [name, headless] of [
    ['face', false],
    ['protocol', true],
  ] as const) {
    const began = performance.now();
    const found = await deliver({ ...shared, prompts, name, headless, random: seeded(11) });
    rows.push([
      `godel, ${name}`,
      ...Object.values(found).map(String),
      `${Math.round((performance.now() - began) / 1000)} s`,
    ]);
  }
  const plain = await plainly(home, join(bin, 'claude'), Number(options.plain));
  rows.push(['tmux send-keys', ...Object.values(plain).map(String), '']);
  process.stdout.write(
    `${table(['WAY', 'SENT', 'EXACT', 'LOST', 'TWICE', 'MANGLED', 'OUT OF ORDER', 'GIVEN UP', 'TOOK'], rows)}\n`,
  );
} finally {
  await home.remove();
}
