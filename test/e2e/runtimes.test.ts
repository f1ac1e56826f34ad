/** Programs that are not ours, as agents: each takes its bead from its own pane or over its own protocol, and none leaves a process. */
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { processesWith } from '../support/processes.ts';
import { pathWith } from '../support/runtimes.ts';

let home: TestHome | undefined;
afterEach(() => home?.stop());

const LIMIT_MS = 120_000;
const WORK = script('bash: echo hi > a.txt; git add -A; git commit -qm A', 'bash: godel done', 'say: done');

test('Claude Code in its own face and over its protocol, Pi over its protocol', {
  timeout: 300_000,
}, async (context) => {
  const path = await pathWith('claude');
  if (path === undefined) return context.skip();
  home = await createHome({ PATH: path });
  const { json, godel } = home;
  await json('config', 'set', 'provider', 'demo');
  const runtimes = await json<{ items: { id: string; ok: boolean; version?: string; problem?: string }[] }>(
    'runtime',
    'list',
  );
  const both = ['pane', 'headless'];
  expect(runtimes.items.find((each) => each.id === 'claude')).toMatchObject({
    ...{ ok: true, version: '2.1.329', modes: both },
  });
  expect((await godel(['runtime', 'list'])).stdout).toMatch(/^claude +2\.1\.329 +pane, headless +Claude Code +ready$/m);
  expect(runtimes.items.find((each) => each.id === 'codex')).toMatchObject({ ok: false, problem: /npm install -g/ });

  const wanted = [
    { name: 'face', source: 'hook', words: ['--runtime', 'claude'] },
    { name: 'speaker', source: 'protocol', words: ['--runtime', 'claude', '--headless'] },
    { name: 'quiet', source: 'protocol', words: ['--runtime', 'pi', '--headless'] },
  ];
  for (const { name, words } of wanted) {
    const bead = await json<Bead>('bead', 'create', `Work of ${name}`, '--description', WORK);
    await json('agent', 'spawn', '--bead', bead.id, '--name', name, ...words);
  }
  await until(
    'all beads in review',
    async () => (await json<{ items: Bead[] }>('bead', 'list', '--status', 'review')).items.length === wanted.length,
    LIMIT_MS,
  );
  for (const { name, source } of wanted) {
    const agent = await until(
      `${name} idle`,
      async () => {
        const shown = await json<Agent>('agent', 'show', name);
        return shown.observed.state === 'idle' && shown;
      },
      LIMIT_MS,
    );
    expect(agent.observed.source).toBe(source);
    expect(readFileSync(agent.sessionFile as string, 'utf8')).toContain('git commit');
    const prompts = await json<{ items: { status: string }[] }>('agent', 'prompts', name);
    expect(prompts.items.map((prompt) => prompt.status)).toEqual(['acknowledged']);
  }
  expect((await godel(['agent', 'logs', 'speaker'])).stdout).toMatch(/•.*Bash/);

  // A second life goes on with the same conversation.
  const before = await json<Agent>('agent', 'show', 'speaker');
  await json('agent', 'restart', 'speaker');
  await json('agent', 'send', 'speaker', script('say: I am back'), '--wait', '60');
  await until(
    'the answer',
    async () => readFileSync(before.sessionFile as string, 'utf8').includes('I am back'),
    LIMIT_MS,
  );

  for (const { name } of wanted) await json('agent', 'stop', name);
  const left = processesWith(home.folder).filter(({ command }) => /claude|agent-host|pi-coding-agent/.test(command));
  expect(left).toEqual([]);
});

test('Codex over its protocol commits inside its sandbox and hands over with its own command', {
  timeout: 200_000,
}, async (context) => {
  const path = await pathWith('codex');
  if (path === undefined) return context.skip();
  home = await createHome({ PATH: path });
  const { json } = home;
  await json('config', 'set', 'provider', 'demo');
  const bead = await json<Bead>('bead', 'create', 'Work of Codex', '--description', WORK);
  await json('agent', 'spawn', '--bead', bead.id, '--name', 'codex-1', '--runtime', 'codex', '--headless');
  const done = await until(
    'the bead in review',
    async () => {
      const shown = await json<Bead>('bead', 'show', bead.id);
      return shown.status === 'review' && shown;
    },
    LIMIT_MS,
  );
  expect(done.proof).toMatchObject({ exitCode: 0 });
  await until('the commit is linked', async () => (await json<Bead>('bead', 'show', bead.id)).commits.length === 1);
  await json('agent', 'stop', 'codex-1');
  const left = processesWith(home.folder).filter(({ command }) => /agent-host|agent-hook|codex/.test(command));
  expect(left).toEqual([]);
});

test('a program without a screen of its own is refused a pane, with what to do', async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
  const spawn = ['agent', 'spawn', 'hello', '--runtime', 'acp', '--command', 'no-such-agent'];
  const refused = await home.godel(spawn);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('no screen of its own');
  expect(refused.stderr).toContain('--runtime acp --headless');
  expect((await home.json<{ items: Agent[] }>('agent', 'list', '--all')).items).toEqual([]);
});
