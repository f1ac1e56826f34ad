/** Long texts that are spared the way through a translation: what comes out is what reading all of them gives. */
import { describe, expect, test } from 'vitest';
import { dialects } from '../../../proxy/wire/dialects.ts';
import { exchange } from '../../../proxy/wire/exchange.ts';
import { readFields } from '../../../proxy/wire/fields.ts';
import type { Route } from '../../../proxy/wire/routes.ts';
import { spareTexts } from '../../../proxy/wire/spared.ts';
import type { Json, Wire } from '../../../proxy/wire/wire.ts';
import type { Provider } from '../../../src/costs/schema.ts';

/** Long, with all that JSON has to escape, and ends in a backslash. */
const hard = (name: string) => `${name}: ${'"quoted" \\ back\n\tslash \u0001 \u2028 é 漢 😀 \ud800 '.repeat(30)}\\`;
const SCHEMA = { type: 'object', properties: { path: { type: 'string', description: hard('path') } } };
const DATA = 'QUJD'.repeat(300);

const anthropic: Json = {
  model: 'm',
  max_tokens: 10,
  system: [
    { type: 'text', text: hard('system') },
    { type: 'text', text: 'short \\' },
  ],
  tools: [{ name: 'write', description: hard('tool'), input_schema: SCHEMA }],
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'ends in \\' },
        { type: 'text', text: hard('user') },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: DATA } },
      ],
    },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: hard('assistant') },
        {
          type: 'tool_use',
          id: 'c1',
          name: 'write',
          input: { path: 'a\\', content: hard('input'), text: { content: hard('deep') } },
        },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'c1', is_error: true, content: hard('result') },
        { type: 'text', text: hard('next') },
      ],
    },
  ],
};
const call = JSON.stringify({ path: 'a\\', content: hard('arguments') });
const chat: Json = {
  model: 'm',
  messages: [
    { role: 'system', content: hard('system') },
    {
      role: 'user',
      content: [
        { type: 'text', text: hard('user') },
        { type: 'text', text: 'x \\' },
      ],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'write', arguments: call } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: hard('result') },
    { role: 'user', content: hard('next') },
  ],
  tools: [{ type: 'function', function: { name: 'write', description: hard('tool'), parameters: SCHEMA } }],
};
const responses: Json = {
  model: 'm',
  instructions: hard('instructions'),
  input: [
    { type: 'message', role: 'user', content: [{ type: 'input_text', text: hard('user') }] },
    { type: 'function_call', call_id: 'c1', name: 'write', arguments: call },
    { type: 'function_call_output', call_id: 'c1', output: hard('output') },
    { type: 'message', role: 'user', content: hard('next') },
  ],
  tools: [{ type: 'function', name: 'write', description: hard('tool'), parameters: SCHEMA }],
};
const google: Json = {
  systemInstruction: { parts: [{ text: hard('system') }] },
  contents: [
    { role: 'user', parts: [{ text: 'short \\' }, { text: hard('user') }] },
    { role: 'model', parts: [{ functionCall: { name: 'write', args: { path: 'a', content: hard('args') } } }] },
    { role: 'user', parts: [{ functionResponse: { name: 'write', response: { output: hard('response') } } }] },
    {
      role: 'user',
      parts: [{ functionResponse: { name: 'write', response: { text: hard('a'), more: [hard('b')] } } }],
    },
  ],
  tools: [{ functionDeclarations: [{ name: 'write', description: hard('tool'), parametersJsonSchema: SCHEMA }] }],
};

const asked: Readonly<Record<Wire, Json>> = { anthropic, chat, responses, google };
const paths: Readonly<Record<Wire, string>> = {
  anthropic: '/v1/messages',
  chat: '/v1/chat/completions',
  responses: '/v1/responses',
  google: '/v1beta/models/m:generateContent',
};
const wires = Object.keys(asked) as Wire[];
const pairs = wires.flatMap((from) => wires.filter((to) => to !== from).map((to) => [from, to] as const));

const providerOf = (wire: Wire) =>
  ({
    id: 'other',
    dialect: wire === 'chat' || wire === 'responses' ? 'openai' : wire,
    api: wire === 'chat' || wire === 'responses' ? [wire] : [],
  }) as unknown as Provider;

describe('every pair of dialects', () => {
  test.each(pairs)('%s -> %s', (from, to) => {
    const body = Buffer.from(JSON.stringify(asked[from]));
    const route = { wire: from, call: 'generate', path: paths[from], search: '', model: 'm' } as unknown as Route;
    const sent = exchange({ route, fields: readFields(route, body), body, provider: providerOf(to), model: 'm' });
    const request = dialects[from].readRequest(JSON.parse(body.toString()) as Json, 'm', false);
    const target = { model: 'm', official: to === 'responses', maxOutput: undefined };
    expect(JSON.parse(sent.body.toString())).toEqual(dialects[to].writeRequest(request, target));
    expect(sent.body.includes('\\u0001 ')).toBe(true);
  });
});

test('stand-ins come back at any depth, beside backslashes of others', () => {
  const { body, write } = spareTexts(Buffer.from(JSON.stringify({ text: hard('one'), content: hard('two') })));
  expect(String(body.text).length).toBeLessThan(64);
  const one = { before: `\\\\${body.text}`, after: `${body.text}\\`, both: `${body.content}${body.text}` };
  const two = { inside: `\\${JSON.stringify(one)}` };
  const out = JSON.parse(write({ one, two: JSON.stringify(two) }).toString()) as { one: typeof one; two: string };
  const whole = {
    before: `\\\\${hard('one')}`,
    after: `${hard('one')}\\`,
    both: `${hard('two')}${hard('one')}`,
  };
  expect(out.one).toEqual(whole);
  expect(JSON.parse(out.two)).toEqual({ inside: `\\${JSON.stringify(whole)}` });
});

test('what is no JSON is refused, what only looks like a field is left', () => {
  expect(() => spareTexts(Buffer.from(`{"text":"${'a'.repeat(600)}",}`))).toThrow(SyntaxError);
  expect(() => spareTexts(Buffer.from(`{"text":"${'a'.repeat(600)}`))).toThrow(SyntaxError);
  const odd = { list: ['text', 'a'.repeat(600)], 'te\\u0078t': 'b'.repeat(600), text: 'c' };
  const { body, write } = spareTexts(Buffer.from(JSON.stringify(odd)));
  expect(body).toEqual(odd);
  expect(JSON.parse(write(body).toString())).toEqual(odd);
});
