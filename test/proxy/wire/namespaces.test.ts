/** Codex offers the tools of MCP servers in namespaces; a provider of another dialect gets and calls them all the same. */
import { createHash } from 'node:crypto';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Provider } from '../../../src/costs/schema.ts';
import { createUpstream, type Upstream } from '../../support/proxy-rig.ts';
import { createWireRig, type WireRig } from '../../support/wire-rig.ts';

type Json = Record<string, unknown>;
let upstream: Upstream;
let rig: WireRig;
let speaks: Pick<Provider, 'dialect' | 'api'> = { dialect: 'anthropic', api: ['chat'] };

beforeAll(async () => {
  upstream = await createUpstream();
  rig = await createWireRig(() => ({
    id: 'up',
    baseUrl: upstream.url,
    headers: {},
    keys: [],
    models: [],
    ...speaks,
  }));
});
afterAll(async () => {
  await rig.stop();
  await upstream.stop();
});
beforeEach(() => {
  upstream.seen.length = 0;
});

const tool = (name: string) => ({
  type: 'function' as const,
  name,
  description: `Does ${name}.`,
  parameters: { type: 'object', properties: { id: { type: 'string' } } },
  strict: false,
});
const LONG = `mcp__${'very_long_server_name_'.repeat(3)}_`;
const hash = createHash('sha256').update(`${LONG} fetch`).digest('hex').slice(0, 8);
const LONG_NAME = `${LONG.slice(0, 55)}_${hash}`;
const TOOLS = [
  tool('shell'),
  tool('crm__find'),
  {
    type: 'namespace' as const,
    name: 'mcp__memory__',
    description: 'Remembers.',
    tools: [tool('read'), tool('write')],
  },
  // Another tool goes by the joined name already.
  { type: 'namespace' as const, name: 'crm', description: '', tools: [tool('find')] },
  { type: 'namespace' as const, name: LONG, description: '', tools: [tool('fetch')] },
];
const CRM_NAME = `crm__find_${createHash('sha256').update('crm find').digest('hex').slice(0, 8)}`;
const INPUT = [
  { role: 'user' as const, content: 'hi' },
  {
    type: 'function_call' as const,
    call_id: 'c1',
    name: 'read',
    namespace: 'mcp__memory__',
    arguments: '{"id":"1"}',
  },
  { type: 'function_call_output' as const, call_id: 'c1', output: 'nothing' },
];

const sdk = () => new OpenAI({ baseURL: `${rig.url}/v1`, apiKey: 'none', maxRetries: 0 });
const request = { model: 'm', input: INPUT, tools: TOOLS };

const CALLS = [
  ['t1', 'mcp__memory__write'],
  ['t2', CRM_NAME],
  ['t3', LONG_NAME],
  ['t4', 'shell'],
] as const;
/** What the client has to read, whoever answered. */
const READ = [
  { type: 'function_call', call_id: 't1', name: 'write', namespace: 'mcp__memory__' },
  { type: 'function_call', call_id: 't2', name: 'find', namespace: 'crm' },
  { type: 'function_call', call_id: 't3', name: 'fetch', namespace: LONG },
  { type: 'function_call', call_id: 't4', name: 'shell' },
];
const read = (output: readonly unknown[]) =>
  (output as Json[]).map(({ type, call_id, name, namespace }) => ({
    type,
    call_id,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  }));

test('a whole answer of Anthropic: names that fit, calls under both names, the conversation too', async () => {
  speaks = { dialect: 'anthropic', api: ['chat'] };
  upstream.answer = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'm',
        content: CALLS.map(([id, name]) => ({ type: 'tool_use', id, name, input: { id: '2' } })),
        stop_reason: 'tool_use',
        usage: { input_tokens: 1, output_tokens: 1 },
      }),
    );
  const answer = await sdk().responses.create(request);
  expect(read(answer.output)).toEqual(READ);
  const sent = JSON.parse(upstream.seen[0]?.body ?? '{}') as { tools: Json[]; messages: { content: Json[] }[] };
  expect(sent.tools.map(({ name }) => name)).toEqual([
    'shell',
    'crm__find',
    'mcp__memory__read',
    'mcp__memory__write',
    CRM_NAME,
    LONG_NAME,
  ]);
  for (const { name } of sent.tools) expect(name).toMatch(/^[\w-]{1,64}$/);
  expect(sent.tools[2]?.description).toBe('Does read.\n\nRemembers.');
  expect(sent.messages[1]?.content).toMatchObject([{ type: 'tool_use', id: 'c1', name: 'mcp__memory__read' }]);
});

test('a stream of OpenAI chat: every event of a call names it as the client does', async () => {
  speaks = { dialect: 'openai', api: ['chat'] };
  upstream.answer = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const say = (choice: Json) =>
      response.write(`data: ${JSON.stringify({ id: 'c', model: 'm', choices: [choice] })}\n\n`);
    for (const [index, [id, name]] of CALLS.entries()) {
      const call = { index, id, type: 'function', function: { name, arguments: '{"id":"2"}' } };
      say({ index: 0, delta: { tool_calls: [call] }, finish_reason: null });
    }
    say({ index: 0, delta: {}, finish_reason: 'tool_calls' });
    response.end('data: [DONE]\n\n');
  };
  const added: unknown[] = [];
  let last: readonly unknown[] = [];
  const names: unknown[] = [];
  for await (const event of await sdk().responses.create({ ...request, stream: true })) {
    if (event.type === 'response.output_item.added') added.push(event.item);
    if (event.type === 'response.function_call_arguments.done') names.push((event as unknown as Json).name);
    if (event.type === 'response.completed') last = event.response.output;
  }
  expect(read(added)).toEqual(READ);
  expect(names).toEqual(['write', 'find', 'fetch', 'shell']);
  expect(read(last)).toEqual(READ);
});

test('a tool that has to be called is named by both names', async () => {
  speaks = { dialect: 'anthropic', api: ['chat'] };
  upstream.answer = (_request, response) => void response.writeHead(500).end();
  const choice = { type: 'function' as const, name: 'read', namespace: 'mcp__memory__' };
  await sdk()
    .responses.create({ ...request, tool_choice: choice })
    .catch(() => undefined);
  expect(JSON.parse(upstream.seen[0]?.body ?? '{}')).toMatchObject({
    tool_choice: { type: 'tool', name: 'mcp__memory__read' },
  });
});
