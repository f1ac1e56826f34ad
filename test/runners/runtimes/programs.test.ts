/** Real programs over their protocols, in this process, against the scripted provider: nothing between them and the driver. */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createDemoProvider, type DemoProvider } from '../../../proxy/demo/server.ts';
import { createClaudeDriver } from '../../../runners/runtimes/host/claude.ts';
import type { Ask, Driver, DriverSink, HostConfig } from '../../../runners/runtimes/host/driver.ts';
import { newId } from '../../../src/base/id.ts';
import { makeRepository, script, until } from '../../support/home.ts';
import { pathWith } from '../../support/runtimes.ts';

let demo: DemoProvider;
let folder = '';
let repository = '';
let driver: Driver | undefined;

beforeAll(async () => {
  demo = await createDemoProvider({ port: 0 });
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'programs-')));
  repository = await makeRepository(join(folder, 'repo'));
});
afterEach(async () => {
  await driver?.close();
  driver = undefined;
});
afterAll(async () => {
  await demo.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** What a driver told, as words, with the open asks. */
function recorder() {
  const log: string[] = [];
  const asks: Ask[] = [];
  const words: string[] = [];
  const sink: DriverSink = {
    taken: (id) => void log.push(`taken ${id}`),
    turnStarted: () => void log.push('turn'),
    settled: (error) => void log.push(error === undefined ? 'settled' : `settled with ${error}`),
    toolStarted: (tool, summary) => void log.push(`tool ${tool} ${summary ?? ''}`),
    toolEnded: (tool, isError) => void log.push(`tool over ${tool}${isError ? ' with an error' : ''}`),
    text: (piece) => void words.push(piece),
    asked: (ask) => void asks.push(ask),
    answered: (id) => void log.push(`answered ${id}`),
    note: () => {},
    session: () => {},
    ended: (code) => void log.push(`ended ${code}`),
  };
  const sees = (what: string, count = 1) =>
    until(
      `${what} in ${JSON.stringify(log)}`,
      async () => log.filter((line) => line.startsWith(what)).length >= count,
      60_000,
    );
  return { log, asks, words, sink, sees };
}

const base = (home: string): Omit<HostConfig, 'driver' | 'argv'> => ({
  cwd: repository,
  agentName: 'robot',
  instructions: 'You are robot.',
  model: 'demo-small',
  sessionIdFile: join(home, 'session-id'),
  permission: 'ask',
});

describe('Claude Code', () => {
  const sessionId = newId();

  async function start(session: '--session-id' | '--resume', record: ReturnType<typeof recorder>): Promise<Driver> {
    const path = (await pathWith('claude')) as string;
    const home = join(folder, 'claude');
    const { createClaudeRuntime } = await import('../../../runners/runtimes/claude.ts');
    const runtime = createClaudeRuntime({ hostFile: '-', hookFile: '-', nodePath: process.execPath, path: () => path });
    const prepared = await runtime.prepare({
      ...{ agentId: sessionId, agentName: 'robot', generation: 1, home, cwd: repository, proxyUrl: demo.url },
      ...{ virtualKey: 'x', choice: { provider: 'demo', model: 'demo-small', dialect: 'anthropic' } },
      ...{ bridgeSocket: '-', instructions: 'You are robot.', mode: 'protocol', permission: 'ask' },
    });
    const config = JSON.parse(readFileSync(prepared.argv[2] as string, 'utf8')) as HostConfig;
    expect(config.argv).toContain(session);
    const env = { PATH: path, HOME: folder, ...prepared.env };
    return createClaudeDriver({ ...base(home), ...config }, env, record.sink);
  }

  test('asks before it acts, is answered, refused, interrupted, and goes on in a second life', {
    timeout: 240_000,
  }, async (context) => {
    if (!(await pathWith('claude'))) return context.skip();
    const first = recorder();
    driver = await start('--session-id', first);
    expect(await driver.open()).toMatchObject({ sessionId, userTexts: [] });
    const allowed = newId();
    await driver.send({ id: allowed, text: script('bash: npm --version > a.txt', 'say: written') }, false);
    const ask = await until('a question', async () => first.asks[0], 60_000);
    expect(ask).toMatchObject({
      kind: 'permission',
      question: 'Bash: npm --version > a.txt',
      choices: ['allow', 'always', 'deny'],
    });
    expect(first.log).toContain(`taken ${allowed}`);
    await driver.answer(ask.id, 'allow');
    await first.sees('settled');
    expect(readFileSync(join(repository, 'a.txt'), 'utf8')).toMatch(/^\d/);
    expect(first.words.join('')).toContain('written');

    await driver.send({ id: newId(), text: script('bash: npm --version > b.txt', 'say: over') }, false);
    const second = await until('another question', async () => first.asks[1], 60_000);
    await driver.answer(second.id, 'deny');
    await first.sees('settled', 2);
    expect(first.log).toContain('tool over Bash with an error');

    await driver.send({ id: newId(), text: script('wait: 60000', 'say: never') }, false);
    await first.sees('turn', 3);
    await driver.interrupt();
    await first.sees('settled', 3);
    expect(first.log.filter((line) => line.startsWith('settled with'))).toEqual([]);
    await driver.close();
    expect(first.log.at(-1)).toMatch(/^ended/);

    const again = recorder();
    driver = await start('--resume', again);
    const opened = await driver.open();
    expect(opened.userTexts[0]).toBe(script('bash: npm --version > a.txt', 'say: written'));
    const later = newId();
    await driver.send({ id: later, text: script('say: back') }, false);
    await again.sees(`taken ${later}`);
    await again.sees('settled');
  });
});
