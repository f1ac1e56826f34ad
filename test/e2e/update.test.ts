/** An update under running programs: an older daemon is refused, its proxy is replaced when no stream would be cut. */
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { isRunning, run } from '../../src/base/process.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let home: TestHome;
/** The compiled program of another build. */
let older: string;

beforeAll(async () => {
  home = await createHome();
  const copy = join(home.folder, 'older');
  await mkdir(copy);
  for (const name of ['dist', 'package.json']) await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  await writeFile(join(copy, 'dist', '.godel-stamp'), '0000beef\n');
  older = join(copy, 'dist', 'godel.js');
});
afterAll(() => home.stop());

const oldGodel = (...args: string[]) =>
  run(process.execPath, [older, ...args], { cwd: home.repository, env: home.env, timeoutMs: 60_000 });

test('the daemon of an older build is refused, a restart brings the new one, and streams in flight are not cut', async () => {
  expect((await oldGodel('config', 'set', 'provider', 'demo')).code).toBe(0);
  const spawned = await oldGodel('agent', 'spawn', '--name', 'slow', '--json', script('wait: 8000', 'say: the end'));
  expect(spawned.stderr).toBe('');
  await until('the model is at work', async () => {
    const shown = await oldGodel('agent', 'show', 'slow', '--json');
    return (JSON.parse(shown.stdout) as Agent).observed.state === 'busy';
  });
  const proxy = home.proxyPid();
  const refused = await home.godel(['bead', 'list']);
  expect(refused).toMatchObject({ code: 5, stderr: expect.stringMatching(/version \S+\+0000beef, this is/) });
  expect(refused.stderr).toContain('godel daemon restart');

  expect((await home.godel(['daemon', 'restart'])).code).toBe(0);
  expect((await home.godel(['bead', 'list'])).code).toBe(0);
  expect(home.proxyPid()).toBe(proxy);
  const pane = async () => (await home.json<{ text: string }>('agent', 'logs', 'slow')).text;
  await until('the answer arrives whole', async () => (await pane()).includes('the end'));
  await until('the new proxy', async () => home.proxyPid() !== proxy && isRunning(home.proxyPid()));
  expect(isRunning(proxy)).toBe(false);
  await home.json('agent', 'send', 'slow', script('say: once more'));
  await until('the agent goes on through it', async () => (await pane()).includes('once more'));
});
