/** What is kept of a conversation when a project wants it, and that nothing is when it does not. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nameTurns } from '../../proxy/recording/turns.ts';
import type { Turn } from '../../proxy/wire/neutral.ts';
import { script, until } from '../support/home.ts';
import { createProxyRig, type ProxyRig } from '../support/proxy-rig.ts';

let rig: ProxyRig;
beforeEach(async () => {
  rig = await createProxyRig();
});
afterEach(() => rig.stop());

const user = (text: string) => ({ role: 'user', content: text });
const ask = (messages: object[], more: object = {}) => ({
  model: 'demo/demo-small',
  max_tokens: 50,
  messages,
  tools: [{ name: 'bash', input_schema: { type: 'object' } }],
  ...more,
});
const filter = { projectId: 'p', limit: 100 };
const recorded = (count: number) =>
  until('the recording', async () => rig.recordings.list(filter).length === count && rig.recordings.list(filter));

async function send(path: string, body: object): Promise<string> {
  const response = await rig.post(path, body);
  expect(response.status).toBe(200);
  return response.text();
}

test('nothing is kept unless the key asks for it', async () => {
  rig.issue();
  await send('/v1/messages', ask([user('secret words')]));
  rig.issue({ record: true });
  await send('/v1/messages', ask([user('other words')]));
  await recorded(1);
  expect(JSON.stringify(rig.recordings.turns(filter))).not.toContain('secret words');
});

test('request and answer are kept as they went over the wire, whole and streamed, with who asked', async () => {
  rig.issue({ record: true, beadId: 'godel-abc12' });
  const body = ask([user('hello')], { stream: true, system: 'Be kind.' });
  const answer = await send('/v1/messages', body);
  const [row] = await recorded(1);
  expect(row).toMatchObject({ beadId: 'godel-abc12', provider: 'demo', model: 'demo-small', outcome: 'ok' });
  const kept = rig.recordings.body('p', row?.requestId ?? '');
  expect(kept).toMatchObject({ request: JSON.stringify(body), answer, system: 'Be kind.', tools: ['bash'] });
  expect(rig.rows()[0]?.requestId).toBe(row?.requestId);
  expect(rig.recordings.body('other-project', row?.requestId ?? '')).toBeUndefined();
});

test('what a client did not wait for is kept as far as it got', async () => {
  rig.issue({ record: true });
  const gone = new AbortController();
  const body = ask([user(script('slow: 50', 'say: one two three four five six seven eight nine ten'))], {
    stream: true,
  });
  const response = await rig.post('/v1/messages', body, { signal: gone.signal });
  await response.body?.getReader().read();
  gone.abort();
  const [row] = await recorded(1);
  expect(row?.outcome).toBe('cancelled');
  expect(rig.recordings.body('p', row?.requestId ?? '')?.answer).toContain('message_start');
});

test('a conversation is one path of turns, and a fork of it a branch', async () => {
  rig.issue({ record: true });
  const first = [user(script('bash: ls', 'say: done'))];
  const answer = JSON.parse(await send('/v1/messages', ask(first))) as { content: { id?: string }[] };
  const result = { type: 'tool_result', tool_use_id: answer.content[0]?.id, content: 'a.txt' };
  const second = [...first, { role: 'assistant', content: answer.content }, { role: 'user', content: [result] }];
  await send('/v1/messages', ask(second, { stream: true }));
  await send('/v1/messages', ask([...second.slice(0, 2), user('do something else')]));
  await recorded(3);
  const turns = rig.recordings.turns(filter);
  const children = (id: string | null) => turns.filter((turn) => turn.parent === id);
  const [root] = children(null);
  const [call] = children(root?.id ?? '');
  expect(call?.parts).toEqual([{ call: 'bash', input: { command: 'ls' } }]);
  const branches = children(call?.id ?? '');
  expect(branches.map((turn) => turn.parts)).toEqual([
    [{ result: 'a.txt', failed: false }],
    [{ text: 'do something else' }],
  ]);
  expect(turns).toHaveLength(6);
});

test('a call of a tool in a namespace is the same turn in its answer and when it comes back', async () => {
  rig.issue({ record: true });
  const tool = { type: 'function', name: 'bash', parameters: { type: 'object' }, strict: false };
  const tools = [{ type: 'namespace', name: 'mcp__local__', description: 'Here.', tools: [tool] }];
  const asked = { type: 'message', role: 'user', content: 'list the files' };
  const call = {
    type: 'function_call',
    call_id: 'c1',
    name: 'bash',
    namespace: 'mcp__local__',
    arguments: '{"command":"ls"}',
  };
  const events = [
    { type: 'response.created', response: { id: 'r', model: 'm' } },
    { type: 'response.output_item.added', output_index: 0, item: { ...call, arguments: '' } },
    { type: 'response.function_call_arguments.delta', output_index: 0, delta: call.arguments },
    { type: 'response.output_item.done', output_index: 0, item: call },
  ].map((event) => `data: ${JSON.stringify(event)}\n\n`);
  const completed = { id: 'r', model: 'm', status: 'completed', output: [call] };
  rig.upstream.answer = (_request, response, body) => {
    if (!body.includes('"stream":true'))
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(completed));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`${events.join('')}data: ${JSON.stringify({ type: 'response.completed', response: completed })}\n\n`);
  };
  const output = { type: 'function_call_output', call_id: 'c1', output: 'a.txt' };
  for (const stream of [true, false]) await send('/v1/responses', { model: 'gpt-5.4', stream, tools, input: [asked] });
  await send('/v1/responses', { model: 'gpt-5.4', tools, input: [asked, call, output] });
  await recorded(3);
  const turns = rig.recordings.turns(filter);
  expect(turns.map((turn) => turn.role)).toEqual(['user', 'assistant', 'user', 'assistant']);
  expect(turns[1]?.parts).toEqual([{ call: 'mcp__local__bash', input: { command: 'ls' } }]);
});

test('the same conversation in another dialect is the same path', async () => {
  rig.issue({ record: true });
  await send('/v1/messages', ask([user('hello')]));
  await send('/v1/chat/completions', { model: 'demo/demo-small', messages: [user('hello')] });
  await send('/v1/responses', { model: 'demo/demo-small', input: 'hello', stream: true });
  const contents = [{ role: 'user', parts: [{ text: 'hello' }] }];
  await send('/v1beta/models/demo/demo-small:streamGenerateContent?alt=sse', { contents });
  await send('/v1beta/models/demo/demo-small:streamGenerateContent', { contents });
  const rows = await recorded(5);
  expect(new Set(rows.map((row) => row.turn)).size).toBe(1);
  expect(rig.recordings.turns(filter).map((turn) => turn.role)).toEqual(['user', 'assistant']);
});

test('what is old is forgotten, and turns that nothing leads to with it', async () => {
  rig.issue({ record: true });
  await send('/v1/messages', ask([user('hello')]));
  const [row] = await recorded(1);
  rig.recordings.prune('2000-01-01');
  expect(rig.recordings.turns(filter)).toHaveLength(2);
  rig.recordings.prune(new Date(Date.parse(row?.at ?? '') + 1).toISOString());
  expect([rig.recordings.list(filter), rig.recordings.turns(filter)]).toEqual([[], []]);
});

describe('names of turns', () => {
  const turn = (role: Turn['role'], ...parts: Turn['parts']): Turn => ({ role, parts });
  const call = (id: string, input: string) => ({ kind: 'call' as const, id, name: 'f', input });

  test('ids, thoughts, white space and the order of fields make no other turn; content and place do', () => {
    const name = (...turns: Turn[]) => nameTurns(turns, undefined).at(-1)?.id;
    const said = turn('assistant', { kind: 'text', text: 'yes ' }, call('1', '{"a":1,"b":2}'));
    const again = turn(
      'assistant',
      { kind: 'thinking', text: 'hm' },
      { kind: 'text', text: 'yes' },
      call('2', '{"b":2, "a":1}'),
    );
    expect(name(said)).toBe(name(again));
    expect(name(said)).not.toBe(name(turn('assistant', { kind: 'text', text: 'no' })));
    expect(name(turn('user', { kind: 'text', text: 'q' }), said)).not.toBe(name(said));
  });
});
