/** Roles with real agents: what they are told, what they may use and do, what they may spend. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Agent, Prompt } from '../../src/agents/schema.ts';
import { git } from '../../src/base/git.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';

let home: TestHome;

beforeAll(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterAll(() => home.stop());

const spawn = async (...args: string[]) =>
  (await home.json<{ items: Agent[] }>('agent', 'spawn', ...args)).items[0] as Agent;
const show = (name: string) => home.json<Agent>('agent', 'show', name);
const conversation = async (name: string) => readFile((await show(name)).sessionFile as string, 'utf8').catch(() => '');
const says = (name: string, words: string) =>
  until(`${name}: ${words}`, async () => (await conversation(name)).includes(words) && conversation(name));
const beadIn = (id: string, status: string) =>
  until(`${id} is ${status}`, async () => {
    const bead = await home.json<Bead>('bead', 'show', id);
    return bead.status === status && bead;
  });

test('a role of one’s own is written, changed, refused with line and remedy, and read again at once', async () => {
  const made = await home.godel(['role', 'create', 'strict', '--from', 'reviewer', '--tool', 'read', '--calls', '2']);
  expect(made.stdout).toContain('Created role strict');
  const file = join(home.repository, '.godel', 'roles', 'strict.yaml');
  await writeFile(file, `# ours\n${await readFile(file, 'utf8')}`);
  await home.json('role', 'update', 'strict', '--budget', '3', '--minutes', '7', '--agents', '1');
  expect(await readFile(file, 'utf8')).toMatch(/^# ours\n[\s\S]*budget_usd: 3/);
  const shown = (await home.godel(['role', 'show', 'strict'])).stdout;
  expect(shown).toMatch(/tools +read\n/);
  expect(shown).toMatch(/not held +acp, shell:/);

  const good = await readFile(file, 'utf8');
  await writeFile(file, `${good}colour: red\n`);
  const refused = await home.godel(['agent', 'spawn', 'hello', '--role', 'strict']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(file);
  expect(refused.stderr).toContain(`line ${good.split('\n').length}, colour: there is no field "colour"`);
  expect(refused.stderr).toContain('Fields: description, prompt,');
  expect((await home.godel(['role', 'list'])).stdout).toContain(`${file} cannot be used`);
  await writeFile(file, good);
  expect((await home.godel(['agent', 'spawn', 'hello', '--role', 'nobody'])).stderr).toContain(
    'godel role create nobody',
  );
  expect((await home.godel(['role', 'delete', 'worker'])).stderr).toContain('built in');
});

test('its agent is told what it is, has no tool it may not use, and is held to its limits', async () => {
  await writeFile(join(home.repository, 'look.txt'), 'seen by me\n');
  const agent = await spawn(script('bash: touch escaped.txt', 'say: over'), '--role', 'strict');
  expect(agent).toMatchObject({
    name: 'strict-1',
    role: 'strict',
    model: 'demo-large',
    budgetUsd: 3,
    timeLimitMinutes: 7,
  });
  await says('strict-1', 'There is no tool named bash here');
  const system = await readFile(join(home.paths.agentsDir, agent.id, 'pi', 'APPEND_SYSTEM.md'), 'utf8');
  expect(system.split('\n')[0]).toBe(
    'You are a reviewer of repo. You read work that waits for review; you do not change it.',
  );
  expect(await git(home.repository, ['status', '--porcelain'])).not.toContain('escaped');
  const second = await home.godel(['agent', 'spawn', 'hello', '--role', 'strict']);
  expect(second.code).toBe(4);
  expect(second.stderr).toContain('strict-1');
  expect(second.stderr).toContain('godel role update strict --agents 2');
  // Two calls in one life, of which it made one.
  await home.json('agent', 'send', 'strict-1', script('say: second'), '--wait', '20');
  await says('strict-1', 'second');
  await home.json('agent', 'send', 'strict-1', script('say: third'), '--wait', '20');
  const parked = await until('parked', async () => {
    const { observed } = await show('strict-1');
    return observed.state === 'parked' && observed;
  });
  expect(parked.detail).toContain('has made all 2 calls of one run');
  await home.json('agent', 'stop', 'strict-1');
});

test('a reviewer may send work back and may not hand it over; the refusal names its role', async () => {
  const bead = await home.json<Bead>('bead', 'create', 'To be read');
  const worker = await spawn('--bead', bead.id);
  await beadIn(bead.id, 'review');
  await home.json('agent', 'stop', worker.name);
  const steps = [
    `bash: godel done ${bead.id}; godel review accept ${bead.id}`,
    `bash: godel review return ${bead.id} --comment "Say why"`,
  ];
  await spawn(script(...steps, 'say: read'), '--role', 'reviewer');
  const text = await says('reviewer-1', 'may not do \\"review accept');
  expect(text).toContain('reviewer-1 is a reviewer, and that role may not do \\"bead done\\"');
  expect(text).toContain('may not do \\"review accept\\"');
  expect((await beadIn(bead.id, 'in-progress')).notes.at(-1)?.text).toBe('Say why');
});

test('a coordinator starts workers, and nobody starts what may do as much as itself', async () => {
  const bead = await home.json<Bead>('bead', 'create', 'Given out');
  const steps = [
    `bash: godel agent spawn --bead ${bead.id} --role monitor; godel agent spawn x --role coordinator`,
    'say: given',
  ];
  await spawn(script(...steps), '--role', 'coordinator');
  const text = await says('coordinator-1', 'may not start a coordinator');
  expect(text).toContain('Spawned agent monitor-1');
  await spawn(script('bash: godel agent spawn hello', 'say: tried'), '--role', 'worker', '--name', 'eager');
  await says('eager', 'eager is a worker, and that role may not do \\"agent spawn\\"');
  // The role as it is written now counts, also for agents that run.
  await home.json('role', 'create', 'worker', '--from', 'worker', '--deny', 'bead:read');
  await home.json('agent', 'send', 'eager', script('bash: godel bead list', 'say: looked'), '--wait', '20');
  await says('eager', 'that role may not do \\"bead list\\"');
  await home.json('role', 'delete', 'worker');
});

test('work that conflicts is resolved by a refinery agent in its worktree, with the files in its prompt', async () => {
  await home.json('config', 'set', 'merge_refinery', 'true');
  const work = (word: string) =>
    script(
      `bash: if [ "$GODEL_ROLE" = refinery ]; then git merge main; echo both > README.md; else echo ${word} > README.md; fi; git add -A; git commit -qm ${word}; godel done`,
      'say: done',
    );
  const [first, second] = [
    await home.json<Bead>('bead', 'create', 'One', '--description', work('one')),
    await home.json<Bead>('bead', 'create', 'Two', '--description', work('two')),
  ];
  for (const bead of [first, second]) {
    const { name } = await spawn('--bead', bead.id);
    await beadIn(bead.id, 'review');
    await home.json('agent', 'stop', name);
  }
  await home.json('review', 'accept', first.id);
  await home.godel(['review', 'accept', second.id]);
  const agent = await until('a refinery agent', async () => show('refinery-1').catch(() => undefined));
  expect(agent).toMatchObject({ role: 'refinery', beadId: second.id, model: 'demo-large' });
  const { items } = await home.json<{ items: Prompt[] }>('agent', 'prompts', 'refinery-1');
  expect(items[0]?.text).toContain('README.md');
  await beadIn(second.id, 'review');
  const { worktree } = await show('refinery-1');
  expect(await git(worktree as string, ['branch', '--show-current'])).toBe(`bead/${second.id}`);
  const told = await readFile(join(home.paths.agentsDir, agent.id, 'pi', 'APPEND_SYSTEM.md'), 'utf8');
  expect(told).toContain(`work on ${second.id} conflicts with main, and you resolve it`);
  await home.json('review', 'accept', second.id);
  expect(await git(home.repository, ['show', 'main:README.md'])).toBe('both');
});
