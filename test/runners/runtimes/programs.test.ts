/** Real programs over their protocols, in this process, against the scripted provider: nothing between them and the driver. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createDemoProvider, type DemoProvider } from '../../../proxy/demo/server.ts';
import { createClaudeRuntime } from '../../../runners/runtimes/claude.ts';
import { createCodexRuntime } from '../../../runners/runtimes/codex.ts';
import { createGeminiRuntime } from '../../../runners/runtimes/gemini.ts';
import { createAcpDriver } from '../../../runners/runtimes/host/acp.ts';
import { createClaudeDriver } from '../../../runners/runtimes/host/claude.ts';
import { createCodexDriver } from '../../../runners/runtimes/host/codex.ts';
import type { Ask, Driver, DriverSink, HostConfig } from '../../../runners/runtimes/host/driver.ts';
import { createOpencodeRuntime } from '../../../runners/runtimes/opencode.ts';
import type { RuntimeFiles } from '../../../runners/runtimes/registry.ts';
import { summaryOf } from '../../../runners/runtimes/summary.ts';
import type { Dialect, Permission, Runtime } from '../../../src/agents/runtime.ts';
import { newId } from '../../../src/base/id.ts';
import { shellQuote } from '../../../src/base/shell.ts';
import { makeRepository, script, until } from '../../support/home.ts';
import { processesWith } from '../../support/processes.ts';
import { type ProgramId, pathWith } from '../../support/runtimes.ts';

const LIMIT_MS = 90_000;

const MCP_SERVER = fileURLToPath(new URL('../../support/mcp-stand-in.ts', import.meta.url));

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
    toolStarted: (tool, input) => void log.push(`tool ${tool} ${summaryOf(input) ?? ''}`),
    todos: (items) => void log.push(`todos ${items.map((todo) => `${todo.status} ${todo.content}`).join(', ')}`),
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
      LIMIT_MS,
    );
  return { log, asks, words, sink, sees };
}

interface Subject {
  id: ProgramId;
  dialect: Dialect;
  runtime: (files: RuntimeFiles) => Runtime;
  driver: typeof createClaudeDriver;
  permission: Permission;
  /** False for a program that does not find each of its own conversations again; the host says so and begins anew. */
  resumes?: false;
}

const subjects: readonly Subject[] = [
  { id: 'claude', dialect: 'anthropic', runtime: createClaudeRuntime, driver: createClaudeDriver, permission: 'ask' },
  {
    id: 'codex',
    dialect: 'openai-responses',
    runtime: createCodexRuntime,
    driver: createCodexDriver,
    permission: 'all',
  },
  {
    id: 'gemini',
    dialect: 'google',
    runtime: createGeminiRuntime,
    driver: createAcpDriver,
    permission: 'ask',
    resumes: false,
  },
  {
    id: 'opencode',
    dialect: 'openai-chat',
    runtime: createOpencodeRuntime,
    driver: createAcpDriver,
    permission: 'ask',
  },
];

/** A driver of the program, as the runtime prepares it for an agent of this id. */
async function start(subject: Subject, agentId: string, path: string, sink: DriverSink): Promise<Driver> {
  const home = join(folder, subject.id);
  const node = process.execPath;
  const runtime = subject.runtime({
    extensionFile: '-',
    hostFile: '-',
    hookFile: '-',
    nodePath: node,
    path: () => path,
  });
  mkdirSync(home, { recursive: true });
  const mcpCommand = join(home, 'mcp');
  writeFileSync(mcpCommand, `#!/bin/sh\nexec ${shellQuote(node)} ${shellQuote(MCP_SERVER)}\n`, { mode: 0o755 });
  const prepared = await runtime.prepare({
    agentId,
    agentName: 'robot',
    generation: 1,
    home,
    cwd: repository,
    proxyUrl: demo.url,
    virtualKey: 'x',
    choice: { provider: 'demo', model: 'demo-small', dialect: subject.dialect },
    bridgeSocket: '-',
    instructions: 'You are robot.',
    mcpCommand,
    mode: 'protocol',
    permission: subject.permission,
  });
  const config = JSON.parse(readFileSync(prepared.argv[2] as string, 'utf8')) as HostConfig;
  const env = { PATH: path, HOME: folder, GODEL_PROXY_KEY: 'x', ...prepared.env };
  return subject.driver(config, env, sink);
}

describe.each(subjects)('$id', (subject) => {
  test('works, asks, is refused and interrupted, and goes on in a second life', {
    timeout: 400_000,
  }, async (context) => {
    const path = await pathWith(subject.id);
    if (path === undefined) return context.skip();
    const agentId = newId();
    const asksFirst = subject.permission === 'ask';
    const first = recorder();
    driver = await start(subject, agentId, path, first.sink);
    expect((await driver.open()).userTexts).toEqual([]);

    const file = join(repository, `${subject.id}.txt`);
    const prompt = newId();
    const text = script(`bash: npm --version > ${subject.id}.txt`, 'say: written');
    await driver.send({ id: prompt, text }, false);
    if (asksFirst) {
      const ask = await until('a question', async () => first.asks[0], LIMIT_MS);
      expect(ask).toMatchObject({ kind: 'permission' });
      expect(ask.question).toContain(`npm --version > ${subject.id}.txt`);
      expect(ask.choices).toEqual(expect.arrayContaining(['allow', 'deny']));
      await driver.answer(ask.id, 'allow');
    }
    await first.sees('settled');
    expect(first.log).toContain(`taken ${prompt}`);
    expect(readFileSync(file, 'utf8')).toMatch(/^\d/);
    expect(first.words.join('')).toContain('written');
    expect(first.log.some((line) => line.startsWith('tool ') && line.includes('npm --version'))).toBe(true);

    if (asksFirst) {
      await driver.send({ id: newId(), text: script('bash: npm --version > refused.txt', 'say: over') }, false);
      const second = await until('another question', async () => first.asks[1], LIMIT_MS);
      await driver.answer(second.id, 'deny');
      await first.sees('settled', 2);
      expect(existsSync(join(repository, 'refused.txt'))).toBe(false);
    }

    const settled = first.log.filter((line) => line.startsWith('settled')).length;
    await driver.send({ id: newId(), text: script('wait: 60000', 'say: never') }, false);
    await first.sees('turn', settled + 1);
    await driver.interrupt();
    await first.sees('settled', settled + 1);
    expect(first.words.join('')).not.toContain('never');
    await driver.close();
    expect(first.log.at(-1)).toMatch(/^ended/);

    const again = recorder();
    driver = await start(subject, agentId, path, again.sink);
    const { userTexts } = await driver.open();
    if (subject.resumes !== false) expect(userTexts.join('\n')).toContain(`npm --version > ${subject.id}.txt`);
    const later = newId();
    await driver.send({ id: later, text: script('say: back') }, false);
    await again.sees('settled');
    expect(again.log).toContain(`taken ${later}`);
    expect(again.words.join(''), again.log.join('\n')).toContain('back');
    await driver.close();
    expect(processesWith(join(folder, subject.id)).map(({ command }) => command)).toEqual([]);
  });
});
