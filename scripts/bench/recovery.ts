/** How soon a team is back after tmux and the daemon were killed, beside how long the same team takes to start at first. */
import { readFile } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Agent } from '../../src/agents/schema.ts';
import { isRunning, run } from '../../src/base/process.ts';
import { fakeClaudeIn } from '../../test/support/prompt-load.ts';
import { type BenchHome, ms } from './bench-home.ts';

const LIMIT_MS = 120_000;

async function untilIdle(home: BenchHome, count: number, generation: number): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const listed = await home
      .client()
      .call('agentList', { limit: 500 })
      .catch(() => ({ items: [] as Agent[] }));
    const ready = listed.items.filter((each) => each.generation === generation && each.observed.state === 'idle');
    if (ready.length === count) return;
    if (Date.now() > deadline) throw new Error(`${ready.length} of ${count} agents were idle in life ${generation}`);
    await delay(50);
  }
}

export async function recovery(home: BenchHome, count: number): Promise<string[][]> {
  home.env.PATH = [await fakeClaudeIn(home.folder), home.env.PATH].join(delimiter);
  await home.godel('config', 'set', 'provider', 'demo');
  const first = performance.now();
  await home.client().call('agentSpawn', { name: 'crew', count, runtime: 'claude', headless: true });
  await untilIdle(home, count, 1);
  const started = performance.now() - first;

  const asked = await run('tmux', ['-L', home.paths.tmuxSocketName, 'display-message', '-p', '#{pid}'], {
    env: home.env,
  });
  const daemon = JSON.parse(await readFile(home.paths.daemonFile, 'utf8')) as { pid: number };
  const pids = [Number(asked.stdout), daemon.pid];
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  while (pids.some(isRunning)) await delay(5);
  const killed = performance.now();
  await home.godel('status');
  await untilIdle(home, count, 2);
  const back = performance.now() - killed;
  const what = `${count} agents idle again after kill -9 of tmux and daemon`;
  return [[what, ms(back), '< 10 s + their own start', `the same ${count} at first: ${ms(started)}`]];
}
