/** The agent's end of the bridge: a daemon that starts again hears what is so, and not a word of a program that still starts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { type BridgeLink, openBridgeLink, untilAliveMs } from '../../../runners/runtimes/bridge-link.ts';
import { type Bridge, createBridge } from '../../../src/agents/bridge.ts';
import type { AgentEvent } from '../../../src/agents/bridge-protocol.ts';
import { verdictOf } from '../../../src/agents/verdicts.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { Log } from '../../../src/base/log.ts';
import { until } from '../../support/home.ts';

const folder = mkdtempSync(join(tmpdir(), 'link-'));
const socketFile = join(folder, 'bridge.sock');
let bridge: Bridge | undefined;
let link: BridgeLink | undefined;
let greeted: (AgentEvent | undefined)[];
let heard: AgentEvent[];
let alive: number;

async function startBridge(): Promise<void> {
  bridge = createBridge({
    socketFile,
    clock: systemClock,
    log: pino({ level: 'silent' }) as Log,
    authenticate: async () => true,
    isCurrent: async () => true,
    onEvent: async (_agent, _source, event) => void heard.push(event),
    onPromptStatus: async () => {},
    onConnection: async (_agent, connected, _source, last) => void (connected && greeted.push(last)),
    onAlive: () => {
      alive += 1;
    },
  });
  await bridge.start();
}

async function connected(): Promise<BridgeLink> {
  await startBridge();
  const who = { agentId: 'a', generation: 1, token: 'x' };
  link = openBridgeLink({ socketFile, ...who, onPrompt: () => {}, onInterrupt: () => {} });
  await until('it is connected', async () => greeted.length === 1);
  return link;
}

beforeEach(() => {
  [greeted, heard, alive] = [[], [], 0];
});
afterEach(async () => {
  link?.close();
  await bridge?.stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a question that was asked before the daemon started again is still open after it', async () => {
  const agent = await connected();
  expect(greeted[0]).toBeUndefined();
  agent.emit({ kind: 'ask', id: 'q', question: 'May I?', ask: 'permission' });
  agent.emit({ kind: 'tool-start', tool: 'read', asking: true });
  await until('it was heard', async () => heard.length === 2);
  expect(heard.map(verdictOf).map((verdict) => verdict?.state)).toEqual(['waiting', undefined]);
  await bridge?.stop();
  await startBridge();
  await until('it is connected again', async () => greeted.length === 2);
  expect(greeted[1]).toMatchObject({ kind: 'ask', id: 'q' });
});

test('a daemon that stops has confirmed every word it took, so that the next one hears none of them again', async () => {
  const agent = await connected();
  agent.emit({ kind: 'turn-start' });
  agent.emit({ kind: 'settled' });
  await until('both were heard', async () => heard.length === 2);
  await bridge?.stop();
  await startBridge();
  await until('it is connected again', async () => greeted.length === 2);
  agent.emit({ kind: 'turn-start' });
  await until('the next was heard', async () => heard.length > 2);
  expect(heard.map(({ kind }) => kind)).toEqual(['turn-start', 'settled', 'turn-start']);
});

test('whoever speaks is alive, and need not say so', async () => {
  const agent = await connected();
  agent.emit({ kind: 'turn-start' });
  agent.promptStatus('p', 'started');
  await until('both words count', async () => alive === 2);
});

test('programs that say nothing say at one moment that they are alive, whenever they began', async () => {
  for (const nowMs of [0, 1, 2_499, 4_999, 1_795_872_778_441]) {
    expect((nowMs + untilAliveMs(nowMs)) % 5_000).toBe(0);
    expect(untilAliveMs(nowMs)).toBeGreaterThan(0);
  }
  await connected();
  await until('it says so by itself', async () => alive === 1);
  await until('and goes on', async () => alive === 2);
});
