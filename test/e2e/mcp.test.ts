/** Godel's tools over the Model Context Protocol: with the official client, and from real programs that got them without set-up. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterEach, expect, test } from 'vitest';
import type { Agent } from '../../src/agents/schema.ts';
import type { GodelEvent } from '../../src/base/event.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { InboxItem } from '../../src/inbox/schema.ts';
import { createHome, script, type TestHome, until } from '../support/home.ts';
import { processesWith } from '../support/processes.ts';
import { type ProgramId, pathWith } from '../support/runtimes.ts';

let home: TestHome | undefined;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  if (!home) return;
  const { folder } = home;
  await home.stop();
  // Their terminals went away with the tmux server, and nobody stopped them before.
  await until('the programs end with their terminals', async () => processesWith(folder).length === 0);
});

const HOLD = ['--command', 'sleep 1000'];
const spawn = async (made: TestHome, ...args: string[]) =>
  (await made.json<{ items: Agent[] }>('agent', 'spawn', ...args)).items[0] as Agent;

/** The official client, on the command that programs of this agent are given; of its environment it gets nothing. */
async function connect(made: TestHome, agent: Agent): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  clients.push(client);
  const command = join(made.paths.agentsDir, agent.id, 'bin', 'godel-mcp');
  await client.connect(new StdioClientTransport({ command, args: [], env: {}, stderr: 'inherit' }));
  return client;
}

async function call(client: Client, name: string, input: Record<string, unknown> = {}) {
  const result = (await client.callTool({ name, arguments: input })) as {
    content: { text: string }[];
    isError?: boolean;
  };
  return { text: result.content[0]?.text ?? '', isError: result.isError === true };
}

test('an agent plans, notes, writes, asks and hands over by tools, in its own name and as far as its role goes', {
  timeout: 180_000,
}, async () => {
  home = await createHome();
  const bead = await home.json<Bead>('bead', 'create', 'By tools');
  const worker = await spawn(home, '--bead', bead.id, '--name', 'tool-user', ...HOLD);
  const other = await spawn(home, '--name', 'other', ...HOLD);
  const client = await connect(home, worker);
  const { tools } = await client.listTools();
  const names = tools.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['ready', 'claim', 'show', 'note', 'todo_write', 'message', 'ask', 'done']),
  );
  expect(names).not.toContain('spawn');
  expect(tools.find(({ name }) => name === 'todo_write')).toMatchObject({
    description: expect.stringContaining('Replace the whole list of todos'),
    inputSchema: { type: 'object', required: ['items'], properties: { items: { type: 'array' } } },
  });
  expect((await call(client, 'show')).text).toContain(`${bead.id}\ntitle       By tools`);
  const items = [
    { content: 'Look', status: 'completed' },
    { content: 'Write', status: 'in_progress' },
  ];
  expect((await call(client, 'todo_write', { items })).text).toContain('tool-user: 1/2 done');
  await call(client, 'note', { text: 'half way' });
  expect((await home.json<Bead>('bead', 'show', bead.id)).notes).toMatchObject([
    { author: 'tool-user', text: 'half way' },
  ]);
  expect((await call(client, 'message', { to: 'other', text: 'Hello' })).text).toContain('Kept for other');
  expect((await call(await connect(home, other), 'message_read')).text).toContain('tool-user to other');

  const asking = call(client, 'ask', { question: 'Which one?', choices: ['a', 'b'], wait: 60 });
  const made = home;
  const item = await until(
    'the question',
    async () => (await made.json<{ items: InboxItem[] }>('inbox', 'list')).items[0],
  );
  expect(item).toMatchObject({ agentName: 'tool-user', title: 'Which one?' });
  await home.json('inbox', 'answer', item.id.slice(-6), 'b');
  expect(await asking).toEqual({ text: 'b', isError: false });

  // Refusals are for the model: what, why, and what helps.
  const forbidden = await call(client, 'spawn', { prompt: 'more of me' });
  expect(forbidden.isError).toBe(true);
  expect(forbidden.text).toContain('tool-user is a worker, and that role may not do "agent spawn"');
  expect(await call(client, 'done')).toMatchObject({ isError: true, text: expect.stringContaining('\n') });
  expect(await call(client, 'todo_write', { items: 'x' })).toMatchObject({
    isError: true,
    text: expect.stringContaining('items'),
  });

  const coordinator = await connect(home, await spawn(home, '--role', 'coordinator', ...HOLD));
  expect((await coordinator.listTools()).tools.map(({ name }) => name)).toContain('spawn');
  expect((await call(coordinator, 'spawn', { role: 'monitor', command: 'sleep 1000' })).text).toContain('monitor-1');

  // The daemon may come and go below it.
  process.kill(home.daemonPid(), 'SIGKILL');
  await home.json('status');
  expect((await call(client, 'todo_list')).text).toContain('1/2 done');
  // With its agent a server ends too; and whoever kept the command has no identity with it any more.
  await home.json('agent', 'stop', 'tool-user');
  await expect(call(client, 'note', { text: 'after the end' })).rejects.toThrow(/closed|not connected/i);
  expect((await call(await connect(home, worker), 'note', { text: 'after the end' })).isError).toBe(true);
});

test('Pi without a shell has the command as a tool of its own', { timeout: 120_000 }, async () => {
  home = await createHome();
  const made = home;
  await home.json('config', 'set', 'provider', 'demo');
  await home.json('role', 'create', 'reader', '--tool', 'read');
  const steps = ['call: godel {"args":["todo","write","[x] Look"]}', 'bash: touch escaped', 'say: over'];
  for (const [name, ...mode] of [['shown'], ['quiet', '--headless']] as const)
    await home.json('agent', 'spawn', script(...steps), '--role', 'reader', '--name', name, ...mode);
  for (const name of ['shown', 'quiet']) {
    const agent = await until(`${name} planned`, async () => {
      const found = await made.json<Agent>('agent', 'show', name);
      return found.todos && found;
    });
    expect(agent.todos).toMatchObject([{ content: 'Look', status: 'completed' }]);
    await until('no shell', async () =>
      (await readFile(agent.sessionFile as string, 'utf8')).includes('There is no tool named bash here'),
    );
  }
});

const OWN: readonly (readonly [ProgramId, string, object])[] = [
  ['claude', 'TodoWrite', { todos: [{ content: 'Own', status: 'in_progress', activeForm: 'Owning' }] }],
  ['opencode', 'todowrite', { todos: [{ content: 'Own', status: 'in_progress', priority: 'high', id: '1' }] }],
  // Its own tool is switched off, as nothing tells what it writes.
  ['gemini', 'todo_write', { items: [{ content: 'Own', status: 'in_progress' }] }],
];
const PROGRAM_MS = 60_000;

test.each(OWN)(
  '%s calls Godel’s tool, and what its own todo tool writes is read as well',
  { timeout: 180_000 },
  async (id, tool, input) => {
    const path = await pathWith(id);
    if (path === undefined) return;
    home = await createHome({ PATH: path });
    const made = home;
    await home.json('config', 'set', 'provider', 'demo');
    const items = [{ content: 'By Godel', status: 'completed' }];
    const steps = [
      `call: todo_write ${JSON.stringify({ items })}`,
      `call: ${tool} ${JSON.stringify(input)}`,
      'say: over',
    ];
    await home.json('agent', 'spawn', script(...steps), '--runtime', id, '--name', id, '--headless');
    const lists = await until(
      'both lists',
      async () => {
        const { items: events } = await made.json<{ items: GodelEvent[] }>('event', 'list', '--type', 'todo:updated');
        return events.length >= 2 && events.map(({ payload }) => payload);
      },
      PROGRAM_MS,
    ).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${(await made.godel(['agent', 'screen', id])).stdout}`);
    });
    expect(lists).toMatchObject([
      { by: id, todos: [{ content: 'By Godel', status: 'completed' }] },
      { by: id === 'gemini' ? id : `${id} (${id})`, todos: [{ content: 'Own', status: 'in_progress' }] },
    ]);
  },
);

test('codex is offered Godel’s tools with its first prompt', { timeout: 180_000 }, async () => {
  const path = await pathWith('codex');
  if (path === undefined) return;
  home = await createHome({ PATH: path });
  const made = home;
  await home.json('config', 'set', 'provider', 'demo');
  await home.json('config', 'set', 'record_bodies', 'true');
  await home.json('agent', 'spawn', 'hello', '--runtime', 'codex', '--name', 'codex');
  const bodies = await until(
    'its request',
    async () => {
      const { items } = await made.json<{ items: { requestId: string }[] }>('recording', 'list');
      const shown = await Promise.all(items.map(({ requestId }) => made.godel(['recording', 'show', requestId])));
      const asked = shown.map(({ stdout }) => stdout).filter((body) => body.includes('exec_command'));
      return asked.length > 0 && asked;
    },
    PROGRAM_MS,
  );
  expect(bodies[0]).toContain('mcp__godel');
  expect(bodies[0]).toContain('todo_write');
});
