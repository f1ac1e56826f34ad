/** What a translation must not lose: errors, the end that did not come, counts, and what only one side knows. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Provider } from '../../../src/costs/schema.ts';
import { createWireRig, type WireRig } from '../../support/wire-rig.ts';

type Json = Record<string, unknown>;
const PATHS = {
  anthropic: '/v1/messages',
  chat: '/v1/chat/completions',
  responses: '/v1/responses',
  google: '/v1beta/models/m:streamGenerateContent?alt=sse',
} as const;
type Client = keyof typeof PATHS;
const PROVIDERS: Readonly<Record<Client, Pick<Provider, 'dialect' | 'api'>>> = {
  anthropic: { dialect: 'anthropic', api: ['chat'] },
  chat: { dialect: 'openai', api: ['chat'] },
  responses: { dialect: 'openai', api: ['responses'] },
  google: { dialect: 'google', api: ['chat'] },
};
const NAMES = Object.keys(PATHS) as Client[];
const PAIRS = NAMES.flatMap((client) => NAMES.filter((name) => name !== client).map((name) => [client, name] as const));

let upstream: Server;
let rig: WireRig;
let target: Client = 'anthropic';
let seen: { url: string; body: Json }[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  upstream = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ url: request.url ?? '', body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(upstream.address() as { port: number }).port}`;
  rig = await createWireRig(() => ({ id: 'up', baseUrl, headers: {}, keys: [], models: [], ...PROVIDERS[target] }));
});
afterAll(async () => {
  await rig.stop();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
});
beforeEach(() => {
  seen = [];
  rig.results.length = 0;
});

const QUESTION: Readonly<Record<Client, Json>> = {
  anthropic: { model: 'm', max_tokens: 9, stream: true, messages: [{ role: 'user', content: 'hi' }] },
  chat: { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] },
  responses: { model: 'm', stream: true, input: 'hi' },
  google: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
};
const post = (client: Client, more: Json = {}, path: string = PATHS[client]) =>
  fetch(rig.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...QUESTION[client], ...more }),
  });

const json = (response: ServerResponse, status: number, body: unknown, headers = {}) =>
  void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

const ERRORS: Readonly<Record<Client, Json>> = {
  anthropic: { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } },
  chat: { error: { message: 'slow down', type: 'tokens', code: 'rate_limit_exceeded', param: null } },
  responses: { error: { message: 'slow down', type: 'tokens', code: 'rate_limit_exceeded', param: null } },
  google: { error: { code: 429, message: 'slow down', status: 'RESOURCE_EXHAUSTED' } },
};
const HEADS: Readonly<Record<Client, string>> = {
  anthropic:
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"m","usage":{"input_tokens":3}}}\n\n' +
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n' +
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"half an"}}\n\n',
  chat: 'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"half an"}}]}\n\n',
  responses:
    'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","model":"m"}}\n\n' +
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","output_index":0,"delta":"half an"}\n\n',
  google: 'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"half an"}]}}],"responseId":"g"}\n\n',
};
const STREAM_ERRORS: Readonly<Record<Client, string>> = {
  anthropic: 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"gone wrong"}}\n\n',
  chat: 'data: {"error":{"message":"gone wrong","type":"server_error"}}\n\n',
  responses: 'event: error\ndata: {"type":"error","code":"server_error","message":"gone wrong"}\n\n',
  google: 'data: {"error":{"code":503,"message":"gone wrong","status":"UNAVAILABLE"}}\n\n',
};
/** What a client takes for a good end. */
const ENDS: Readonly<Record<Client, RegExp>> = {
  anthropic: /message_stop/,
  chat: /\[DONE\]|"finish_reason":"/,
  responses: /response\.completed/,
  google: /finishReason/,
};

/** Everything that came until the connection ended, in whatever way. */
async function received(response: Response): Promise<string> {
  const chunks: Buffer[] = [];
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const next = await reader?.read();
      if (!next || next.done) break;
      chunks.push(Buffer.from(next.value));
    }
  } catch {
    // A cut is one of the ends.
  }
  return Buffer.concat(chunks).toString('utf8');
}

describe.each(PAIRS)('%s client, %s provider', (client, provider) => {
  test('an error has the form of the client, with its words and its Retry-After', async () => {
    target = provider;
    answer = (_request, response) => json(response, 429, ERRORS[provider], { 'retry-after': '7' });
    const refused = await post(client);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('7');
    const body = (await refused.json()) as { type?: string; error: Json };
    expect(body.error.message).toBe('slow down');
    if (client === 'anthropic') expect(body).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } });
    else if (client === 'google') expect(body.error).toMatchObject({ code: 429, status: 'RESOURCE_EXHAUSTED' });
    else expect(body.error).toMatchObject({ code: 'rate_limit_exceeded' });
  });

  test('an error inside a stream stays one, and nothing looks like a good end after it', async () => {
    target = provider;
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(HEADS[provider] + STREAM_ERRORS[provider]);
    };
    const text = await received(await post(client));
    expect(text).toContain('half an');
    expect(text).toContain('gone wrong');
    expect(text).not.toMatch(ENDS[client]);
  });

  test.each(['cut', 'ended too early'])('a stream that is %s is never a good end', async (how) => {
    target = provider;
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(HEADS[provider], () => (how === 'cut' ? response.destroy() : response.end()));
    };
    const text = await received(await post(client));
    expect(text).toContain('half an');
    expect(text).toContain('cut the answer off');
    expect(text).not.toMatch(ENDS[client]);
    expect(rig.results[0]?.outcome).toBe('cut');
  });
});

describe('counts of tokens', () => {
  const CALLS = { anthropic: '/v1/messages/count_tokens', google: '/v1beta/models/m:countTokens' } as const;

  test.each([
    ['anthropic', 'google', { totalTokens: 77 }, { input_tokens: 77 }],
    ['anthropic', 'responses', { input_tokens: 77 }, { input_tokens: 77 }],
    ['google', 'anthropic', { input_tokens: 77 }, { totalTokens: 77 }],
    ['google', 'responses', { input_tokens: 77 }, { totalTokens: 77 }],
  ] as const)('%s asks %s', async (client, provider, said, understood) => {
    target = provider;
    answer = (_request, response) => json(response, 200, said);
    expect(await (await post(client, {}, CALLS[client])).json()).toEqual(understood);
    expect(seen[0]?.url).toMatch(/count_tokens|input_tokens|countTokens/);
    expect(JSON.stringify(seen[0]?.body)).toContain('hi');
  });

  test('a provider that cannot count is not asked', async () => {
    target = 'chat';
    const counted = (await (await post('anthropic', {}, CALLS.anthropic)).json()) as { input_tokens: number };
    expect(counted.input_tokens).toBeGreaterThan(10);
    expect(seen).toEqual([]);
  });
});

describe('what only one side knows', () => {
  const finish = (response: ServerResponse) =>
    json(response, 200, { choices: [{ message: { content: 'ok' }, finish_reason: 'stop' }] });

  test('hosted tools are left out, and the answer says so', async () => {
    target = 'chat';
    answer = (_request, response) => finish(response);
    const said = await post('anthropic', {
      stream: false,
      tools: [
        { type: 'web_search_20250305', name: 'web_search' },
        { name: 'own', input_schema: { type: 'object' } },
      ],
    });
    expect(said.headers.get('x-godel-dropped')).toBe('tool:web_search_20250305');
    expect(seen[0]?.body.tools).toMatchObject([{ function: { name: 'own' } }]);
  });

  test('what only the provider has stored is refused with the reason', async () => {
    target = 'anthropic';
    const refused = await post('responses', { previous_response_id: 'resp_1' });
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as { error: Json }).error.message).toContain('previous_response_id');
    expect(seen).toEqual([]);
  });

  test('a free-form tool is a plain text for its client and JSON for the provider', async () => {
    target = 'chat';
    const call = { id: 'call_1', type: 'function', function: { name: 'patch', arguments: '{"input":"*** Begin\\n"}' } };
    answer = (_request, response) =>
      json(response, 200, {
        choices: [{ message: { content: null, tool_calls: [call] }, finish_reason: 'tool_calls' }],
      });
    const tools = [
      { type: 'custom', name: 'patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: x' } },
    ];
    const said = (await (await post('responses', { stream: false, tools })).json()) as { output: Json[] };
    expect(said.output).toMatchObject([
      { type: 'custom_tool_call', call_id: 'call_1', name: 'patch', input: '*** Begin\n' },
    ]);
    expect(JSON.stringify(seen[0]?.body.tools)).toContain('start: x');
    const streamed = await received(await post('responses', { tools }));
    expect(streamed).toContain('"delta":"*** Begin\\n"');
  });

  test('thoughts of another provider do not reach one that passes bytes as they are', async () => {
    target = 'anthropic';
    answer = (_request, response) => json(response, 200, { content: [] });
    await post('anthropic', {
      messages: [
        { role: 'user', content: 'hi' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'of another', signature: 'godel.google.SIG' },
            { type: 'text', text: 'kept' },
          ],
        },
        { role: 'user', content: 'go on' },
      ],
    });
    expect(seen[0]?.body.messages).toMatchObject([{}, { content: [{ text: 'kept' }] }, {}]);
    expect(JSON.stringify(seen[0]?.body)).not.toContain('of another');
  });

  test('the first event of a translated stream tells the tokens of the request', async () => {
    target = 'chat';
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`${HEADS.chat}data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`);
    };
    const text = await received(await post('anthropic'));
    const first = JSON.parse(/data: (.*)/.exec(text)?.[1] ?? '{}') as { message: { usage: { input_tokens: number } } };
    expect(first.message.usage.input_tokens).toBeGreaterThan(10);
  });
});
