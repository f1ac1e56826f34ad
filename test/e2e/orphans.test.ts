/**
 * Agents that are stopped, killed and started again at random moments leave no process: not while they start, not when they
 * are slow to die, not with children that hide. Two dozen by default, 200 with `./scripts/test --soak`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { processesWith } from '../support/processes.ts';
import { type Random, seeded } from '../support/random.ts';

const AGENTS = process.env.GODEL_TEST_SOAK ? 200 : 24;
const AT_ONCE = 6;
/** Nobody else sleeps this long. */
const SLEEP = 'sleep 777777';

const COMMANDS = [
  SLEEP,
  `(setsid ${SLEEP} &); trap "" TERM; ${SLEEP} & wait`,
  `(setsid sh -c 'setsid ${SLEEP} & exit 0' &); nohup sh -c "${SLEEP}" >/dev/null 2>&1 & wait`,
  // Dies of itself, and leaves a child behind.
  `(setsid ${SLEEP} &); sleep 0.2; exit 3`,
  // Its children have nothing of its environment.
  `env -i sh -c 'trap "" TERM HUP; ${SLEEP}' & wait`,
  // Slow to die: meanwhile its end must not be taken for a crash.
  `trap "sleep 2; exit 1" TERM; ${SLEEP} & wait; wait`,
];
/** One agent in this many is a real program, which comes back by itself. */
const REAL_EVERY = 6;

let home: TestHome;
beforeAll(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterAll(() => home.stop());

/** What runs for agents: all but Godel's own processes and the pane that holds the tmux server. */
function left(): string[] {
  const own = new Set([home.daemonPid(), home.proxyPid()]);
  return processesWith(home.folder)
    .filter(({ pid, command }) => !own.has(pid) && !/^tmux |^cat$/.test(command))
    .map(({ command }) => command)
    .filter((command) => /777777|launch\.sh|dist\/agent-host|pi-coding-agent/.test(command));
}

async function killProgram(name: string): Promise<void> {
  const { pid } = await home.client().call('agentShow', { id: name });
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was faster.
  }
}

/** One life: begun, disturbed at random moments, and stopped in the end, or left to its own end. */
async function life(index: number, random: Random): Promise<void> {
  const client = home.client();
  const name = `mayfly-${index}`;
  const real = index % REAL_EVERY === 0;
  const what = real
    ? { prompt: script(`bash: (setsid ${SLEEP} &); ${SLEEP}`), headless: random.chance(0.5) }
    : { command: random.pick(COMMANDS), retries: random.chance(0.5) ? 2 : 0 };
  const spawned = client.call('agentSpawn', { name, ...what }).catch(() => undefined);
  await until(`${name} is known`, async () => client.call('agentShow', { id: name }).catch(() => undefined));
  const pause = () => delay(random.int(random.chance(0.5) ? 60 : 1_500));
  const acts: (() => Promise<unknown>)[] = [
    () => client.call('agentStop', { id: name }),
    () => killProgram(name),
    () => client.call('agentRestart', { id: name }),
    () => Promise.all([client.call('agentStop', { id: name }), client.call('agentRestart', { id: name })]),
  ];
  for (let count = random.int(4); count >= 0; count -= 1) {
    await pause();
    const act = random
      .pick(acts)()
      .catch(() => undefined);
    if (random.chance(0.6)) await act;
  }
  await spawned;
  await pause();
  await client.call('agentStop', { id: name });
}

test(`${AGENTS} agents, stopped and killed at random moments, leave no process`, {
  timeout: AGENTS * 20_000,
}, async () => {
  const random = seeded(Number(process.env.GODEL_TEST_SEED ?? 7));
  const waiting = Array.from({ length: AGENTS }, (_, index) => index);
  const lanes = Array.from({ length: AT_ONCE }, async () => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) await life(index, random);
  });
  await Promise.all(lanes);
  const { items } = await home.json<{ items: Agent[] }>('agent', 'list', '--limit', '500');
  for (const agent of items) await home.json('agent', 'stop', agent.name);
  expect(left()).toEqual([]);
  // Nor does one come back by itself after it was stopped.
  await delay(3_000);
  expect(left()).toEqual([]);
});

test('a program that dies takes its children with it, although nobody stops it', { timeout: 60_000 }, async () => {
  await home.json('agent', 'spawn', '--name', 'parent', '--command', `(setsid ${SLEEP} &); ${SLEEP}`);
  await until('both run', async () => left().filter((command) => command.startsWith('sleep')).length === 2);
  await killProgram('parent');
  await until('it failed', async () => {
    const shown = await home.json<Agent>('agent', 'show', 'parent');
    return shown.lifecycle === 'failed';
  });
  expect(left()).toEqual([]);
});
