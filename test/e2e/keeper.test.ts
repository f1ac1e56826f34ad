/** A daemon that is killed, or crashes, is back by itself, with the keys it was given; one that is stopped stays away. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { isRunning } from '../../src/base/process.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

interface Kept {
  pid: number;
  keeper: number;
  restarts: number;
}

let home: TestHome;
beforeEach(async () => {
  home = await createHome({ GODEL_KEEPER: 'on', ANTHROPIC_API_KEY: 'sk-ant-of-the-person' });
});
afterEach(async () => {
  await home.json('daemon', 'stop');
  await home.stop();
});

const record = () => JSON.parse(readFileSync(home.paths.daemonFile, 'utf8')) as Kept;

/** The life after `before`, when it answers. */
async function nextLife(before: Kept): Promise<Kept> {
  await until('another daemon', async () => record().pid !== before.pid);
  return record();
}

test('killed at work it is back by itself, agents go on, and a shell without the key finds the provider', async () => {
  await home.json('config', 'set', 'provider', 'demo');
  await home.json('agent', 'spawn', '--name', 'worker');
  await until('it rests', async () => (await home.json<Agent>('agent', 'show', 'worker')).observed.state === 'idle');
  const first = record();
  expect(first).toMatchObject({ restarts: 0, keeper: expect.any(Number) });
  await home.json('agent', 'send', 'worker', script('wait: 3000', 'bash: echo done > done.txt', 'say: done'));
  process.kill(first.pid, 'SIGKILL');
  // Nobody says a word.
  const second = await nextLife(first);
  expect(second).toMatchObject({ restarts: 1, keeper: first.keeper });
  await until('the agent did its work', async () => existsSync(join(home.repository, 'done.txt')));
  await until(
    'it rests again',
    async () => (await home.json<Agent>('agent', 'show', 'worker')).observed.state === 'idle',
  );
  expect((await home.godel(['status'])).stdout).toContain('started again 1 times');
  const without = { ANTHROPIC_API_KEY: '' };
  const asked = await home.godel(['provider', 'list', '--json'], { env: without });
  expect(asked.stdout).toContain('"anthropic"');
  expect(readFileSync(join(home.paths.logDir, 'daemon.log'), 'utf8')).toContain('started again after it was killed');
});

test('a command that needs it at that moment waits for it, instead of starting one without keys', async () => {
  await home.json('bead', 'list');
  const first = record();
  process.kill(first.pid, 'SIGKILL');
  const asked = await home.godel(['provider', 'list', '--json'], { env: { ANTHROPIC_API_KEY: '' } });
  expect(asked.stdout).toContain('"anthropic"');
  expect(record()).toMatchObject({ restarts: 1, keeper: first.keeper });
});

test('stopped it stays away, also when it was killed a moment before', async () => {
  await home.json('bead', 'list');
  const first = record();
  await home.json('daemon', 'stop');
  await until('its keeper ends with it', async () => !isRunning(first.keeper));
  await home.json('bead', 'list');
  const second = record();
  expect(second.keeper).not.toBe(first.keeper);
  process.kill(second.pid, 'SIGKILL');
  // Whether it was on its way back already or not.
  expect((await home.godel(['daemon', 'stop'])).stdout).toMatch(/^(Stopped|It was not running)\n$/);
  await until('its keeper gives up', async () => !isRunning(second.keeper));
  expect((await home.godel(['daemon', 'status'])).code).toBe(5);
});

test('one that refuses to start is told of once, and not tried again', async () => {
  await home.json('bead', 'list');
  await home.json('daemon', 'stop');
  const refused = await home.godel(['bead', 'list'], { env: { GODEL_PORT: 'nonsense' } });
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('daemon_port');
  await home.json('bead', 'list');
});
