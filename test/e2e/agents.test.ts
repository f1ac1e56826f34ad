/** Agents: names, states, prompts that arrive once, pause, stop without leftovers, refusals. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent, Prompt } from '../../src/agents/schema.ts';
import { isRunning } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

let home: TestHome;

beforeAll(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterAll(() => home.stop());

const spawn = async (...args: string[]) => (await home.json<{ items: Agent[] }>('agent', 'spawn', ...args)).items;
const show = (name: string) => home.json<Agent>('agent', 'show', name);
const state = (name: string, wanted: string) =>
  until(`${name} is ${wanted}`, async () => {
    const agent = await show(name);
    return agent.observed.state === wanted && agent;
  });

describe('prompts', () => {
  test('twenty in a row reach a real agent, each exactly once and in order, with a key that is sent twice', async () => {
    await spawn('--name', 'reader');
    const texts = Array.from({ length: 20 }, (_, index) => `number ${index}: ${script(`say: answer ${index}`)}`);
    for (const [index, text] of texts.entries()) {
      await home.json('agent', 'send', 'reader', text, '--key', `k${index}`, '--when', 'after-turn');
      if (index % 5 === 0) await home.json('agent', 'send', 'reader', text, '--key', `k${index}`);
    }
    const prompts = await until('all acknowledged', async () => {
      const { items } = await home.json<{ items: Prompt[] }>('agent', 'prompts', 'reader');
      return items.every((prompt) => prompt.status === 'acknowledged') && items;
    });
    expect(prompts).toHaveLength(20);
    const { sessionFile } = await show('reader');
    const said = (await readFile(sessionFile as string, 'utf8'))
      .split('\n')
      .filter((line) => line.includes('"role":"user"'))
      .map((line) => /number (\d+)/.exec(line)?.[1]);
    expect(said).toEqual(texts.map((_, index) => String(index)));
  });

  test('text that looks like a command, a file or an option arrives as it is, 4 KB of it and without control characters', async () => {
    const odd = ['/quit', '!ls', '@README.md', '--help', `${'é🚀 line\n'.repeat(400)}end`];
    for (const text of odd)
      await home.client().call('agentSend', { id: 'reader', text: `${text}\u0007\u001b`, wait: 20 });
    const { sessionFile } = await show('reader');
    const conversation = await readFile(sessionFile as string, 'utf8');
    for (const text of odd) expect(conversation).toContain(JSON.stringify(text).slice(1, -1));
    expect(conversation).not.toContain('\\u0007');
  });

  test('an error of the model is shown as something a person must look at', async () => {
    await home.json('agent', 'send', 'reader', script('error: 400'), '--wait', '10');
    const waiting = await state('reader', 'waiting');
    expect(waiting.observed.detail).toContain('400');
  });

  test('to an agent that is gone they are refused', async () => {
    await home.json('agent', 'stop', 'reader');
    const refused = await home.godel(['agent', 'send', 'reader', 'hello']);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('godel agent restart reader');
  });
});

describe('shell agents', () => {
  test('are typed to, and their screen tells idle from waiting', async () => {
    await spawn('--runtime', 'shell', '--name', 'sheller');
    await state('sheller', 'idle');
    const sent = await home.json<Prompt>('agent', 'send', 'sheller', 'printf "%s-%s\\n" typed once', '--wait', '10');
    expect(sent.status).toBe('acknowledged');
    await until('output', async () => (await home.godel(['agent', 'screen', 'sheller'])).stdout.includes('typed-once'));
    await home.json('agent', 'send', 'sheller', 'printf "Go on? [y/N] "; read answer', '--wait', '10');
    expect((await state('sheller', 'waiting')).observed).toMatchObject({
      source: 'screen',
      detail: expect.stringContaining('[y/N]'),
    });
  });

  test('an exit is told with its code; a clean one is complete', async () => {
    await spawn('--command', 'exit 7', '--name', 'failing');
    expect(await state('failing', 'failed')).toMatchObject({
      lifecycle: 'failed',
      exitCode: 7,
      observed: { detail: 'exit code 7' },
    });
    await spawn('--command', 'true', '--name', 'fine');
    expect(await state('fine', 'exited')).toMatchObject({ lifecycle: 'completed', exitCode: 0 });
  });

  test('programs that end at once are told about, all of them', async () => {
    await spawn('--command', 'echo last words; exit 3', '--name', 'brief', '--count', '20');
    const brief = await until('all failed', async () => {
      const { items } = await home.json<{ items: Agent[] }>('agent', 'list', '--state', 'failed', '--limit', '100');
      const mine = items.filter((agent) => agent.name.startsWith('brief-'));
      return mine.length === 20 && mine;
    });
    expect(new Set(brief.map((agent) => agent.exitCode))).toEqual(new Set([3]));
    // A process of tmux's writes each log, and may be a moment behind the end.
    const logOf = async (name: string) => (await home.json<{ text: string }>('agent', 'logs', name)).text;
    for (const { name } of brief)
      await until(`the log of ${name}`, async () => (await logOf(name)).includes('last words'));
  });

  test('pause stops the whole tree where it is, resume lets it go on', async () => {
    await spawn('--command', 'while :; do date +%N; sleep 0.1; done', '--name', 'ticker');
    const ticks = async () =>
      (await home.json<{ text: string }>('agent', 'logs', 'ticker', '--lines', '10000')).text.split('\n').length;
    await until('ticks', async () => (await ticks()) > 3);
    expect((await home.json<Agent>('agent', 'pause', 'ticker')).observed.state).toBe('paused');
    const paused = await ticks();
    const agent = await show('ticker');
    const children = (await readFile(`/proc/${agent.pid}/task/${agent.pid}/children`, 'utf8')).trim().split(' ');
    for (const pid of children) {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      expect(stat.slice(stat.lastIndexOf(')') + 2)[0]).toBe('T');
    }
    expect(await ticks()).toBeLessThanOrEqual(paused + 1);
    await home.json('agent', 'resume', 'ticker');
    await until('ticks again', async () => (await ticks()) > paused + 2);
    await home.json('agent', 'stop', 'ticker');
  });

  test('stop leaves no process behind, not even those that tried to escape', async () => {
    const fugitives =
      '(setsid sleep 7777 &); (trap "" TERM; sleep 7777) & nohup sh -c "sleep 7777" >/dev/null 2>&1 & wait';
    const agents = await spawn('--command', fugitives, '--name', 'escaper', '--count', '3');
    for (const agent of agents) {
      await home.json('agent', 'stop', agent.name);
      expect(isRunning(agent.pid as number)).toBe(false);
    }
    const { items } = await home.json<{
      items: { type: string; payload: { proof?: { seen: number[]; left: number[] } } }[];
    }>('event', 'list', '--type', 'agent:kill', '--limit', '1000');
    const proofs = items.map((event) => event.payload.proof).slice(-3);
    for (const proof of proofs) {
      expect(proof?.left).toEqual([]);
      expect(proof?.seen.length).toBeGreaterThan(3);
      expect(proof?.seen.filter(isRunning)).toEqual([]);
    }
  });
});

describe('refusals', () => {
  test('a name that is taken, a bead that is busy, a runtime that is not there, a provider that is not known', async () => {
    const bead = await home.json<Bead>('bead', 'create', 'busy');
    await spawn('--command', 'sleep 1000', '--bead', bead.id, '--name', 'owner');
    const code = async (...args: string[]) => (await home.godel(['agent', 'spawn', ...args])).code;
    expect(await code('--command', 'true', '--name', 'owner')).toBe(4);
    expect(await code('--command', 'true', '--bead', bead.id)).toBe(4);
    expect(await code('x', '--runtime', 'nonesuch')).toBe(3);
    expect(await code('x', '--provider', 'nonesuch')).toBe(3);
    expect((await home.godel(['bead', 'delete', bead.id])).code).toBe(4);
    await home.json('agent', 'stop', 'owner');
  });

  test('a set-up command that fails leaves no worktree, no branch and an open bead', async () => {
    await home.json('config', 'set', 'setup_command', 'echo broken set-up; exit 3');
    const bead = await home.json<Bead>('bead', 'create', 'needs set-up');
    const refused = await home.godel(['agent', 'spawn', '--bead', bead.id]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('exit code 3');
    expect(await home.json<Bead>('bead', 'show', bead.id)).toMatchObject({ status: 'open' });
    const { git } = await import('../../src/base/git.ts');
    expect(await git(home.repository, ['branch', '--list', `bead/${bead.id}`])).toBe('');
    await home.json('config', 'set', 'setup_command', '');
  });

  test('an agent that waits for the set-up command says so while it waits', async () => {
    const go = join(home.folder, 'set-up goes on');
    await home.json('config', 'set', 'setup_command', `while [ ! -f '${go}' ]; do sleep 0.1; done`);
    const bead = await home.json<Bead>('bead', 'create', 'slow set-up');
    const spawned = home.godel(['agent', 'spawn', '--bead', bead.id, '--name', 'patient', '--command', 'sleep 1000']);
    const observed = async () => (await home.json<Agent>('agent', 'show', 'patient')).observed;
    const waits = await until('set-up is shown', async () => {
      const agents = await home.json<{ items: Agent[] }>('agent', 'list');
      if (!agents.items.some((agent) => agent.name === 'patient')) return false;
      const now = await observed();
      return now.detail !== undefined && now;
    });
    expect(waits).toMatchObject({ state: 'starting', detail: expect.stringMatching(/^set-up: while/) });
    await writeFile(go, '');
    expect((await spawned).code).toBe(0);
    expect((await observed()).detail ?? '').not.toContain('set-up');
    await home.json('agent', 'stop', 'patient');
    await home.json('config', 'set', 'setup_command', '');
  });

  test('without any provider an agent is refused before anything is made', async () => {
    await home.json('config', 'set', 'provider', 'anthropic');
    const refused = await home.godel(['agent', 'spawn', 'hello']);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('anthropic');
    await home.json('config', 'set', 'provider', 'demo');
  });

  test('an agent may not decide: accepting and stopping are for people', async () => {
    const bead = await home.json<Bead>('bead', 'create', 'greedy');
    const command = `godel review accept ${bead.id}; echo code $?; godel agent stop nobody; echo code $?; godel bead show; echo code $?; sleep 1000`;
    await spawn('--command', command, '--bead', bead.id, '--name', 'greedy');
    const log = await until('three answers', async () => {
      const { text } = await home.json<{ text: string }>('agent', 'logs', 'greedy');
      return text.split('code ').length > 3 && text;
    });
    expect([...log.matchAll(/code (\d)/g)].map((match) => match[1])).toEqual(['1', '1', '0']);
    expect(log).toContain('greedy is a worker, and that role may not do "review accept"');
    await home.json('agent', 'stop', 'greedy');
  });
});
