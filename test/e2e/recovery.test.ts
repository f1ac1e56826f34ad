/** Agents come back: after the end of tmux, of the daemon, of the program; once each, where they were. */
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import { run } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

let home: TestHome;
beforeEach(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterEach(() => home.stop());

const agentOf = async (bead: Bead, name: string) => {
  const { items } = await home.json<{ items: Agent[] }>('agent', 'spawn', '--bead', bead.id, '--name', name);
  return items[0] as Agent;
};

function killDaemon(): void {
  process.kill(home.daemonPid(), 'SIGKILL');
}

test('the tmux server is killed: every agent comes back by itself in its worktree with its conversation, once', {
  timeout: 180_000,
}, async () => {
  const bead = await home.json<Bead>(
    'bead',
    'create',
    'Interrupted',
    '--description',
    script('bash: echo half > half.txt', 'say: half done'),
  );
  const agent = await agentOf(bead, 'phoenix');
  await home.json('agent', 'spawn', '--name', 'sleeper', '--command', 'sleep 1000');
  const show = (name: string) => home.json<Agent>('agent', 'show', name);
  const finished = await home.json<Bead>('bead', 'create', 'Rests', '--description', script('say: all is said'));
  await agentOf(finished, 'rester');
  await home.json('agent', 'spawn', '--name', 'loner');
  for (const name of ['phoenix', 'loner', 'rester'])
    await until('idle', async () => (await show(name)).observed.state === 'idle');
  // At work, with a bead and without one, and at rest for longer than an end would make it.
  await until('it rests', async () => Date.now() - Date.parse((await show('rester')).observed.since) > 5_500);
  await Promise.all(
    ['phoenix', 'loner'].map((name) =>
      home.json('agent', 'send', name, script('wait: 20000', 'say: at last'), '--wait', '30'),
    ),
  );
  const dry = await home.json<{ items: { agent: string; action: string }[] }>('recover', '--dry-run');
  expect(dry.items.map((item) => [item.agent, item.action])).toEqual([
    ['phoenix', 'running'],
    ['sleeper', 'running'],
    ['rester', 'running'],
    ['loner', 'running'],
  ]);
  const asked = await run('tmux', ['-L', home.paths.tmuxSocketName, 'display-message', '-p', '#{pid}'], {
    env: home.env,
  });
  process.kill(Number(asked.stdout), 'SIGKILL');
  const back = await until('back', async () => {
    const shown = await home.json<Agent>('agent', 'show', 'phoenix');
    return shown.generation === 2 && ['executing', 'waiting'].includes(shown.lifecycle) && shown;
  });
  expect(back).toMatchObject({ id: agent.id, worktree: agent.worktree, sessionFile: expect.any(String) });
  await until('the conversation goes on', async () => {
    const conversation = await readFile(back.sessionFile as string, 'utf8').catch(() => '');
    return conversation.includes('half done') && conversation.includes('You were restarted');
  });
  const told = async (name: string) => {
    const shown = await until(
      `${name} is back`,
      async () => {
        const agent = await show(name);
        return agent.generation === 2 && agent.observed.state === 'idle' && agent;
      },
      90_000,
    );
    const lines = (await readFile(shown.sessionFile as string, 'utf8')).split('\n');
    return lines.filter((line) => line.includes('"role":"user"') && line.includes('You were restarted')).length;
  };
  expect({ phoenix: await told('phoenix'), loner: await told('loner') }).toEqual({ phoenix: 1, loner: 1 });
  // What was at rest comes back to rest: nobody asked for more work.
  expect(await told('rester')).toBe(0);
  const prompts = await home.json<{ items: unknown[] }>('agent', 'prompts', 'rester');
  expect(prompts.items).toHaveLength(1);
  // A shell has no conversation to go on with: it is told the truth about, and left to a person.
  const sleeper = await home.json<Agent>('agent', 'show', 'sleeper');
  expect(sleeper.observed.detail).toContain('terminal is gone');
  const history = await home.json<{ items: { action: string; reason?: string }[] }>('agent', 'history', 'phoenix');
  expect(history.items.filter((entry) => entry.action === 'retry')).toHaveLength(1);
  // The same again, and the daemon with it; meanwhile another agent is paused, which survives.
  await home.json('agent', 'pause', 'phoenix');
  killDaemon();
  await run('tmux', ['-L', home.paths.tmuxSocketName, 'kill-server'], { env: home.env });
  const paused = await home.json<Agent>('agent', 'show', 'phoenix');
  expect(paused).toMatchObject({ lifecycle: 'paused', generation: 2, observed: { state: 'paused' } });
  const resumed = await home.json<Agent>('agent', 'resume', 'phoenix');
  expect(resumed).toMatchObject({ generation: 3, lifecycle: 'executing' });
});

test('a program that is killed again and again comes back with backoff, and is left to a person in the end', async () => {
  await home.json('agent', 'spawn', '--name', 'hydra', '--retries', '1');
  const living = (generation: number) =>
    until(`life ${generation}`, async () => {
      const shown = await home.json<Agent>('agent', 'show', 'hydra');
      return shown.generation === generation && shown.observed.state === 'idle' && shown;
    });
  const first = await living(1);
  const [child = ''] = (await readFile(`/proc/${first.pid}/task/${first.pid}/children`, 'utf8')).trim().split(' ');
  process.kill(Number(child), 'SIGKILL');
  const second = await living(2);
  expect(second).toMatchObject({ retryCount: 1, maxRetries: 1 });
  const [next = ''] = (await readFile(`/proc/${second.pid}/task/${second.pid}/children`, 'utf8')).trim().split(' ');
  process.kill(Number(next), 'SIGKILL');
  const failed = await until('failed for good', async () => {
    const shown = await home.json<Agent>('agent', 'show', 'hydra');
    return shown.lifecycle === 'failed' && shown;
  });
  expect(failed.retryAt).toBeUndefined();
  const recovered = await home.json<{ items: { agent: string; action: string }[] }>('recover');
  expect(recovered.items).toEqual([expect.objectContaining({ agent: 'hydra', action: 'revive' })]);
  await living(3);
});
