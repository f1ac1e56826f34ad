/** Lives of agents: a pause outlasts the daemon, a dead machine loses no agent, and an older life says nothing in a later one. */
import { spawn as begin } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Agent, HistoryEntry } from '../../src/agents/schema.ts';
import { isRunning } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { InboxItem } from '../../src/inbox/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { processesWith } from '../support/processes.ts';

let home: TestHome;
beforeEach(async () => {
  home = await createHome();
  await home.json('config', 'set', 'provider', 'demo');
});
afterEach(() => home.stop());

const show = (name: string) => home.json<Agent>('agent', 'show', name);
const spawn = async (...args: string[]) =>
  (await home.json<{ items: Agent[] }>('agent', 'spawn', ...args)).items[0] as Agent;
const stateOf = (name: string, wanted: string) =>
  until(`${name} is ${wanted}`, async () => {
    const agent = await show(name);
    return agent.observed.state === wanted && agent;
  });
const actionsOf = async (name: string) =>
  (await home.json<{ items: HistoryEntry[] }>('agent', 'history', name)).items.map(({ action }) => action);
const conversation = ({ sessionFile }: Agent) => readFile(sessionFile as string, 'utf8').catch(() => '');

/** State and parent of a process, as the kernel tells them. */
function statOf(pid: number): { state: string; parent: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state, parent: Number(parent) };
}

const processesOf = (agentId: string) => processesWith(`GODEL_AGENT_ID=${agentId}`).map(({ pid }) => pid);
const statesBelow = ({ id }: Agent) => processesOf(id).map((pid) => statOf(pid).state);

/** The shells that hold what runs of an agent: one for each life that is not over. */
function treesOf(agentId: string): number[] {
  const all = processesOf(agentId);
  const parents = all.map((pid) => statOf(pid).parent).filter((parent) => !all.includes(parent));
  return [...new Set(parents)];
}

async function killDaemon(): Promise<void> {
  const pid = home.daemonPid();
  process.kill(pid, 'SIGKILL');
  await until('the daemon is gone', async () => !isRunning(pid));
}

test('a pause outlasts a kill and a restart of the daemon, whoever paused: a person or the end of its time', {
  timeout: 120_000,
}, async () => {
  const ticking = 'while :; do date +%N; sleep 0.1; done';
  await spawn('--name', 'stopped', '--command', ticking);
  await spawn('--name', 'thinker', script('bash: sleep 8; echo woken > /dev/null', 'say: slept well'));
  await stateOf('thinker', 'busy');
  await spawn('--name', 'clocked', '--command', ticking, '--max-minutes', '0.03');
  for (const name of ['stopped', 'thinker']) await home.json('agent', 'pause', name);
  await stateOf('clocked', 'paused');
  const names = ['stopped', 'thinker', 'clocked'];
  const before = await Promise.all(names.map(show));
  const printed = async (name: string) => (await readFile(join(home.paths.agentsDir, name, 'terminal.log'))).length;
  const logs = await Promise.all(before.map(({ id }) => printed(id)));

  const stillPaused = async () => {
    for (const [index, name] of names.entries()) {
      const now = await show(name);
      const { generation, pid, pane } = before[index] as Agent;
      expect(now).toMatchObject({ lifecycle: 'paused', generation, pid, pane, observed: { state: 'paused' } });
      const states = statesBelow(now);
      expect(states.length, name).toBeGreaterThan(0);
      expect(new Set(states), name).toEqual(new Set(['T']));
      expect(await printed(now.id), `${name} printed nothing`).toBe(logs[index]);
    }
  };
  await killDaemon();
  await stillPaused();
  expect((await home.godel(['daemon', 'stop'])).code).toBe(0);
  await stillPaused();

  await home.json('agent', 'resume', 'stopped');
  await until('it prints again', async () => (await printed(before[0]?.id as string)) > (logs[0] as number));
  const thinker = await home.json<Agent>('agent', 'resume', 'thinker');
  await until('its turn ends', async () => (await conversation(thinker)).includes('slept well'));
  const { items } = await home.json<{ items: InboxItem[] }>('inbox', 'list');
  const asked = items.find((item) => item.agentName === 'clocked');
  expect(asked).toMatchObject({ kind: 'budget', status: 'open' });
  await home.json('inbox', 'answer', asked?.id as string, '1');
  await until('it prints again', async () => (await printed(before[2]?.id as string)) > (logs[2] as number));
  for (const name of names) {
    expect((await actionsOf(name)).filter((action) => ['pause', 'resume', 'retry'].includes(action))).toEqual([
      'pause',
      'resume',
    ]);
  }
});

/** Every process of the home ends at the same moment, as with the power; what lies in /tmp is gone with it. */
async function pullThePlug(): Promise<void> {
  await until('nothing is left', async () => {
    const left = processesWith(home.folder);
    for (const { pid } of left) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
    return left.length === 0;
  });
  await rm(join(tmpdir(), `tmux-${userInfo().uid}`, home.paths.tmuxSocketName), { force: true });
  for (const file of ['socketFile', 'bridgeSocketFile', 'proxySocketFile'] as const)
    await rm(home.paths[file], { force: true });
}

/** A process that is nobody's business. */
function processBeside(): { pid: number; end: () => void } {
  const child = begin('sleep', ['600'], { stdio: 'ignore' });
  return { pid: child.pid as number, end: () => void child.kill('SIGKILL') };
}

/** After a boot, the numbers of processes belong to others. */
async function giveNumbersTo(pid: number): Promise<void> {
  for (const file of [home.paths.daemonFile, home.paths.proxyFile]) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) await writeFile(file, JSON.stringify({ ...JSON.parse(text), pid }));
  }
  const database = new Database(home.paths.databaseFile);
  database.prepare("UPDATE agents SET body = json_set(body, '$.pid', ?)").run(pid);
  database.close();
}

test('the machine dies under everything: each agent comes back once, in its worktree, with its conversation', {
  timeout: 180_000,
}, async () => {
  const made: Agent[] = [];
  for (const [name, ...flags] of [['paned'], ['faceless', '--headless'], ['silent']] as const) {
    const words = script(`bash: echo ${name} > half.txt`, `say: ${name} is half done`);
    const bead = await home.json<Bead>('bead', 'create', `Work of ${name}`, '--description', words);
    made.push(await spawn('--bead', bead.id, '--name', name, ...flags));
  }
  await spawn('--name', 'sheller', '--command', 'sleep 1000');
  for (const { name } of made) await stateOf(name, 'idle');
  await Promise.all(
    made.map(({ name }) => home.json('agent', 'send', name, script('wait: 20000', 'say: at last'), '--wait', '30')),
  );
  await home.json('agent', 'pause', 'silent');
  const before = new Map(await Promise.all(made.map(async ({ name }) => [name, await show(name)] as const)));

  await pullThePlug();
  const bystander = processBeside();
  try {
    await giveNumbersTo(bystander.pid);
    const { items } = await home.json<{ items: { agent: string; action: string }[] }>('recover');
    expect(items.map(({ agent }) => agent).sort()).toEqual(['faceless', 'paned', 'sheller', 'silent']);
    for (const name of ['paned', 'faceless']) {
      const back = await until(
        `${name} went on`,
        async () => {
          const agent = await show(name);
          return agent.observed.state === 'idle' && (await conversation(agent)).includes('You were restarted') && agent;
        },
        90_000,
      );
      const { id, worktree, sessionFile } = before.get(name) as Agent;
      expect(back).toMatchObject({ id, worktree, sessionFile, generation: 2, lifecycle: 'executing' });
      const said = await conversation(back);
      expect(said).toContain(`${name} is half done`);
      expect(said.split('You were restarted')).toHaveLength(2);
      expect(await readFile(join(worktree as string, 'half.txt'), 'utf8')).toBe(`${name}\n`);
      expect((await actionsOf(name)).filter((action) => action === 'retry')).toHaveLength(1);
    }
    // Paused before it died, it waits for its person; a shell has no conversation to go on with.
    expect(await show('silent')).toMatchObject({ lifecycle: 'paused', generation: 1, observed: { state: 'paused' } });
    expect((await show('sheller')).observed.detail).toContain('terminal is gone');
    expect(await home.json<Agent>('agent', 'resume', 'silent')).toMatchObject({ generation: 2 });
    await until('it has its conversation', async () =>
      (await conversation(before.get('silent') as Agent)).includes('You were restarted'),
    );
    await home.json('recover');
    for (const { name, id } of made) {
      expect(treesOf(id), name).toEqual([(await show(name)).pid]);
      expect((await show(name)).generation, name).toBe(2);
    }
    expect(isRunning(bystander.pid), 'who has the old number now was left alone').toBe(true);
  } finally {
    bystander.end();
  }
});

const valueIn = (pid: number, name: string) => {
  const all = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  return all.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) as string;
};

/** A line to the daemon as an agent's own side has it. */
async function bridgeAs(hello: { agentId: string; generation: number; token: string }) {
  const socket: Socket = connect(home.paths.bridgeSocketFile);
  const heard: string[] = [];
  let closed = false;
  socket.on('data', (data) => heard.push(...String(data).split('\n').filter(Boolean)));
  socket.on('close', () => {
    closed = true;
  });
  socket.on('error', () => {});
  const say = (message: object) => socket.writable && socket.write(`${JSON.stringify(message)}\n`);
  say({ type: 'hello', pid: process.pid, idle: true, source: 'protocol', ...hello });
  await until('an answer', async () => heard.length > 0 || closed);
  return { socket, heard, say, isClosed: () => closed };
}

test('an older life is heard no more: its line, its token, its key, and answers that come in late', {
  timeout: 120_000,
}, async () => {
  await spawn('--name', 'cat', '--command', 'sleep 1000');
  const agent = await show('cat');
  const [child] = processesWith(`GODEL_AGENT_ID=${agent.id}`).filter(({ command }) => command.startsWith('sleep'));
  const token = valueIn(child?.pid as number, 'GODEL_TOKEN');
  const key = valueIn(child?.pid as number, 'GODEL_PROXY_KEY');
  const proxyUrl = valueIn(child?.pid as number, 'GODEL_PROXY_URL');
  const ask = async (path: string, headers: Record<string, string>) => {
    const { port } = JSON.parse(readFileSync(home.paths.daemonFile, 'utf8')) as { port: number };
    const url = path.startsWith('/v1') ? `${proxyUrl}${path}` : `http://127.0.0.1:${port}${path}`;
    return (await fetch(url, { headers })).status;
  };
  const asAgent = { authorization: `Bearer ${token}`, 'x-godel-path': home.repository };
  expect(await ask('/api/v1/agents', asAgent)).toBe(200);
  expect(await ask('/v1/models', { authorization: `Bearer ${key}` })).toBe(200);
  const line = await bridgeAs({ agentId: agent.id, generation: 1, token });
  expect(line.heard[0]).toContain('welcome');
  // A long answer that is on its way while its agent is begun again.
  const late = fetch(`${proxyUrl}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'demo-small',
      max_tokens: 100,
      stream: true,
      messages: [{ role: 'user', content: script('wait: 60000', 'say: far too late') }],
    }),
  }).then(
    (response) => response.text(),
    (error: unknown) => String(error),
  );
  await until('its traffic is seen', async () =>
    (await show('cat')).observed.evidence?.some(({ source }) => source === 'proxy'),
  );

  await home.json('agent', 'restart', 'cat');
  // Said by the old line after the new life began: nothing of it may be believed.
  line.say({ type: 'event', seq: 1, at: Date.now(), event: { kind: 'ask', question: 'Who am I?', id: 'q1' } });
  line.say({ type: 'event', seq: 2, at: Date.now(), event: { kind: 'session', file: '/tmp/not-mine.jsonl' } });
  await until(
    'the old line is closed, or believed',
    async () => line.isClosed() || line.heard.join().includes('"confirm"'),
  );
  expect(line.heard.join()).not.toContain('"confirm"');
  expect(await late).not.toContain('far too late');
  const again = await bridgeAs({ agentId: agent.id, generation: 1, token });
  expect(again.heard.join()).toContain('refused');
  const newToken = valueIn(
    processesWith(`GODEL_AGENT_ID=${agent.id}`).find(({ command }) => command.startsWith('sleep'))?.pid as number,
    'GODEL_TOKEN',
  );
  const forged = await bridgeAs({ agentId: agent.id, generation: 1, token: newToken });
  expect(forged.heard.join()).toContain('refused');
  expect(await ask('/api/v1/agents', asAgent)).toBe(401);
  expect(await ask('/v1/models', { authorization: `Bearer ${key}` })).toBe(401);

  const now = await show('cat');
  expect(now).toMatchObject({ generation: 2, lifecycle: 'executing' });
  expect(now.sessionFile).toBeUndefined();
  expect((now.observed.evidence ?? []).map(({ source }) => source)).not.toContain('protocol');
  expect((now.observed.evidence ?? []).map(({ source }) => source)).not.toContain('proxy');
  const { items } = await home.json<{ items: InboxItem[] }>('inbox', 'list');
  expect(items.filter((item) => item.agentName === 'cat')).toEqual([]);
});
