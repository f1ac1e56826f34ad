/** Limits of agents: memory they wait for, memory they may use, time they may work. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import type { InboxItem } from '../../src/inbox/schema.ts';
import { createHome, type TestHome, until } from '../support/home.ts';

let home: TestHome;
beforeAll(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterAll(() => home.stop());

const show = (name: string) => home.json<Agent>('agent', 'show', name);
const spawn = (name: string, command: string, ...flags: string[]) =>
  home.client().call('agentSpawn', { name, command, ...Object.fromEntries(flags.map((flag) => flag.split('='))) });

test('an agent that does not fit into memory waits, and starts when another one ends', async () => {
  // A shell is counted with 20 MB: one fits, two do not.
  await home.json('config', 'set', 'memory_limit_mb', '30');
  await spawn('first', 'sleep 1000');
  const second = spawn('second', 'sleep 1000');
  const waiting = await until('it waits', async () => {
    const agent = await show('second').catch(() => undefined);
    return agent?.observed.detail?.includes('waits for memory') && agent;
  });
  expect(waiting).toMatchObject({ lifecycle: 'spawning', observed: { state: 'starting' } });
  await home.json('agent', 'stop', 'first');
  // What was promised to the first is free when its time to grow is over, or at once when it is gone.
  const started = (await second).items[0];
  await until('it runs', async () => (await show('second')).lifecycle === 'executing');
  expect(started?.name).toBe('second');
  await home.json('agent', 'stop', 'second');
  await home.json('config', 'set', 'memory_limit_mb', '0');
});

test('one that uses more than its cap is stopped, with the reason', async () => {
  await home.json('config', 'set', 'agent_caps', 'watch');
  await home.json('config', 'set', 'agent_memory_mb', '60');
  const hungry = `exec ${process.execPath} -e 'const a = Buffer.alloc(150e6, 1); setInterval(() => a.length, 1000)'`;
  await spawn('hungry', hungry);
  const stopped = await until('it was stopped', async () => {
    const agent = await show('hungry');
    return agent.lifecycle === 'failed' && agent;
  });
  expect(stopped.lastError).toMatch(/used \d+ MB of memory, more than its cap \(60 MB\)/);
  expect(stopped.caps).toMatchObject({ memoryMb: 60, by: 'watch' });
  await home.json('config', 'set', 'agent_memory_mb', '0');
});

test('when its time is over it is paused, a person is asked, and more time lets it go on', async () => {
  await spawn('clocked', 'while :; do date +%N; sleep 0.2; done', 'maxMinutes=0.05');
  const item = await until('a person is asked', async () => {
    const { items } = await home.json<{ items: InboxItem[] }>('inbox', 'list');
    return items.find((each) => each.agentName === 'clocked');
  });
  expect(item).toMatchObject({ kind: 'budget', choices: ['30 more minutes', 'stop'] });
  expect((await show('clocked')).lifecycle).toBe('paused');
  const before = Date.now();
  await home.json('inbox', 'answer', item.id, '1');
  const going = await show('clocked');
  expect(going.lifecycle).toBe('executing');
  expect(Date.parse(going.deadlineAt as string)).toBeGreaterThan(before + 29 * 60_000);
  const history = await home.json<{ items: { action: string; reason?: string }[] }>('agent', 'history', 'clocked');
  expect(history.items.find((entry) => entry.action === 'pause')?.reason).toContain('time limit');
  await home.json('agent', 'stop', 'clocked');
});
