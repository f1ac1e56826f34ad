/** The proxy's hard gates, over real loopback connections against the scripted provider and a raw upstream. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { costOf, noUse, priceOf } from '../../proxy/cost.ts';
import { createDemoProvider, type DemoProvider } from '../../proxy/demo/server.ts';
import { createKeyring, type Keyring } from '../../proxy/keyring.ts';
import { type Ledger, openLedger } from '../../proxy/ledger.ts';
import { createProxyServer, type ProxyServer } from '../../proxy/server.ts';
import { createLog } from '../../src/base/log.ts';
import type { LedgerEntry, Provider } from '../../src/costs/schema.ts';
import { script, until } from '../support/home.ts';

const KEY = 'sk-provider-canary-key';
let folder: string;
let ledger: Ledger;
let keyring: Keyring;
let proxy: ProxyServer;
let demo: DemoProvider;
let upstream: Server;
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
let seen: { headers: IncomingMessage['headers']; body: string }[];
let url: string;
let token: string;

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

function issue(budgetNano?: number): string {
  const key = `godel_vk_${randomBytes(8).toString('hex')}`;
  const base = {
    hash: hashOf(key),
    agentId: `agent-${key}`,
    agentName: 'tester',
    projectId: 'p',
    createdAt: new Date().toISOString(),
  };
  keyring.put(budgetNano === undefined ? base : { ...base, budgetNano });
  return key;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godel-proxy-'));
  ledger = openLedger(join(folder, 'ledger.db'));
  keyring = createKeyring(ledger, Date.now);
  demo = await createDemoProvider({ port: 0 });
  seen = [];
  upstream = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      seen.push({ headers: request.headers, body });
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const raw = `http://127.0.0.1:${(upstream.address() as { port: number }).port}`;
  const providers: Provider[] = [
    { id: 'anthropic', dialect: 'anthropic', baseUrl: raw, apiKey: KEY, headers: {}, api: ['chat'], models: [] },
    { id: 'openai', dialect: 'openai', baseUrl: raw, apiKey: KEY, headers: {}, api: ['responses', 'chat'], models: [] },
    { id: 'demo', dialect: 'anthropic', baseUrl: demo.url, headers: {}, api: ['chat'], models: ['demo-small'] },
  ];
  const log = createLog({ level: 'error', destination: join(folder, 'log'), name: 'test' });
  proxy = createProxyServer({ keyring, ledger, providers: () => providers, onActivity: () => {}, log });
  url = `http://127.0.0.1:${await proxy.listen(0)}`;
  token = issue();
});
afterEach(async () => {
  await proxy.stop(100);
  await demo.stop();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
  ledger.close();
  await rm(folder, { recursive: true });
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
const rows = (): LedgerEntry[] => ledger.entries({ limit: 100 });
const messages = (model: string, extra: object = {}) => ({
  model,
  max_tokens: 100,
  messages: [{ role: 'user', content: 'hello' }],
  ...extra,
});

/** Writes `text` in pieces of random size, so that events are torn at every place. */
async function torn(response: ServerResponse, text: string): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + Math.floor(Math.random() * 9);
    response.write(bytes.subarray(at, at + size));
    at += size;
    if (Math.random() < 0.2) await new Promise(setImmediate);
  }
  response.end();
}

describe('bytes', () => {
  test('a stream passes byte for byte, torn and malformed events included, and its usage is exact', async () => {
    const text = [
      'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":10,"cache_creation_input_tokens":30,"cache_read_input_tokens":200,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10},"output_tokens":1}}}\n\n',
      'data: {broken json "usage"\n\n: a comment with ünïcode 🚀\n\n',
      'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":50}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
    ].join('');
    answer = (_request, response) => void torn(response, text);
    const response = await post('/v1/messages?beta=true', messages('claude-sonnet-5', { stream: true }));
    expect(await response.text()).toBe(text);
    const [row] = rows();
    expect(row).toMatchObject({ provider: 'anthropic', model: 'claude-sonnet-5', outcome: 'ok', estimated: false });
    expect(row?.tokens).toEqual({
      input: 10,
      cacheRead: 200,
      cacheWrite5m: 20,
      cacheWrite1h: 10,
      output: 50,
      reasoning: 0,
    });
    // 10·2 + 200·0.2 + 20·2.5 + 10·4 + 50·10 dollars a million, in nano-dollars.
    expect(row?.costNano).toBe(20_000 + 40_000 + 50_000 + 40_000 + 500_000);
  });

  test('OpenAI streams are asked for usage, and the client that did not ask never sees it', async () => {
    const head = 'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}\n\n';
    const usage =
      'data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":60},"completion_tokens_details":{"reasoning_tokens":5}}}\n\n';
    answer = (_request, response) => void torn(response, `${head}${usage}data: [DONE]\n\n`);
    const quiet = await post('/v1/chat/completions', messages('gpt-5.4', { stream: true }));
    expect(await quiet.text()).toBe(`${head}data: [DONE]\n\n`);
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({ stream_options: { include_usage: true } });
    const asked = await post(
      '/v1/chat/completions',
      messages('gpt-5.4', { stream: true, stream_options: { include_usage: true } }),
    );
    expect(await asked.text()).toBe(`${head}${usage}data: [DONE]\n\n`);
    expect(rows().map((row) => row.tokens)).toEqual(
      Array(2).fill({ input: 40, cacheRead: 60, cacheWrite5m: 0, cacheWrite1h: 0, output: 15, reasoning: 5 }),
    );
  });

  test('a named provider is taken off the model, and nothing else of the body changes', async () => {
    answer = (_request, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"usage":{"input_tokens":1,"output_tokens":1}}');
    await post(
      '/v1/messages',
      '{ "x": [1, {"model":"inner"}], "model" : "anthropic/claude-sonnet-5" , "max_tokens":5, "é":"\\u00e9" }',
    );
    expect(seen[0]?.body).toBe(
      '{ "x": [1, {"model":"inner"}], "model" : "claude-sonnet-5" , "max_tokens":5, "é":"\\u00e9" }',
    );
  });
});

describe('keys', () => {
  test('the provider gets its own key and no header of the agent; the agent gets no header of the provider’s', async () => {
    answer = (_request, response) =>
      void response
        .writeHead(200, {
          'content-type': 'application/json',
          'x-internal': KEY,
          'set-cookie': `k=${KEY}`,
          'request-id': 'r1',
        })
        .end('{}');
    const response = await post('/v1/messages', messages('claude-sonnet-5'), {
      cookie: 'a=b',
      'x-secret': 'mine',
      'anthropic-beta': 'b1',
    });
    expect(seen[0]?.headers).toMatchObject({ 'x-api-key': KEY, 'anthropic-beta': 'b1' });
    expect(seen[0]?.headers.authorization).toBeUndefined();
    expect(seen[0]?.headers.cookie).toBeUndefined();
    expect(seen[0]?.headers['x-secret']).toBeUndefined();
    expect(JSON.stringify([...response.headers])).not.toContain(KEY);
    expect(response.headers.get('request-id')).toBe('r1');
  });

  test('an unknown key is refused in the dialect of the client', async () => {
    const refused = await post('/v1/messages', messages('claude-sonnet-5'), { authorization: 'Bearer nonsense' });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
    expect(seen).toEqual([]);
  });

  test('revocation is in force at once, in the middle of a stream too', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"type":"ping"}\n\n');
    };
    const response = await post('/v1/messages', messages('claude-sonnet-5', { stream: true }));
    const reader = response.body?.getReader();
    await reader?.read();
    keyring.revoke(hashOf(token));
    const chunks: string[] = [];
    await expect(
      (async () => {
        for (;;) {
          const next = await reader?.read();
          if (!next || next.done) return 'clean end';
          chunks.push(Buffer.from(next.value).toString());
        }
      })(),
    ).rejects.toThrow();
    expect(chunks.join('')).toContain('authentication_error');
    expect((await post('/v1/messages', messages('claude-sonnet-5'))).status).toBe(401);
  });
});

describe('faults', () => {
  test('an answer that is cut is never a clean end, and is paid for as far as it got', async () => {
    const response = await post('/v1/messages', {
      ...messages('demo/demo-small', { stream: true }),
      messages: [{ role: 'user', content: script('slow: 20', 'cut') }],
    });
    await expect(response.text()).rejects.toThrow();
    await until('row', async () => rows().length === 1);
    expect(rows()[0]).toMatchObject({ outcome: 'cut', estimated: true });
    expect(rows()[0]?.costNano).toBeGreaterThan(0);
  });

  test('a client that goes away ends the request at the provider, billed once', async () => {
    let closed = false;
    answer = (request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}\n\n');
      request.socket.on('close', () => {
        closed = true;
      });
    };
    const abort = new AbortController();
    const response = await post('/v1/messages', messages('claude-sonnet-5', { stream: true }), {}, abort.signal);
    await response.body?.getReader().read();
    abort.abort();
    await until('the provider heard of it', async () => closed, 2_000);
    expect(rows()).toHaveLength(1);
    expect(rows()[0]).toMatchObject({ outcome: 'cancelled', estimated: true, tokens: { input: 7 } });
  });

  test('garbage, unknown models, unknown paths and a dead provider are clear errors', async () => {
    expect((await post('/v1/messages', '{"model": tru')).status).toBe(400);
    expect((await post('/v1/messages', '\u0000\u0001')).status).toBe(400);
    expect((await post('/v1/messages', messages('no-such-model'))).status).toBe(404);
    expect((await post('/v1/nonsense', {})).status).toBe(404);
    upstream.closeAllConnections();
    answer = (request) => request.socket.destroy();
    expect((await post('/v1/messages', messages('claude-sonnet-5'))).status).toBe(502);
  });

  test('a body over 64 MiB is refused and others go on', async () => {
    answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    const large = await post('/v1/messages', `{"model":"claude-sonnet-5","x":"${'y'.repeat(64 * 1024 * 1024)}"}`).catch(
      (error: unknown) => error,
    );
    if (large instanceof Response) expect(large.status).toBe(413);
    expect((await post('/v1/messages', messages('claude-sonnet-5'))).status).toBe(200);
    expect(seen).toHaveLength(1);
  });
});

describe('money', () => {
  test('200 requests at once never pass a budget', async () => {
    const budget = 2_000_000;
    token = issue(budget);
    const body = { model: 'demo/demo-small', max_tokens: 20, messages: [{ role: 'user', content: 'hi' }] };
    const results = await Promise.all(Array.from({ length: 200 }, () => post('/v1/messages', body)));
    const statuses = results.map((response) => response.status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
    expect(new Set(statuses)).toEqual(new Set([200, 402]));
    expect(ledger.usage({ agentId: `agent-${token}` }).totalCostNano).toBeLessThanOrEqual(budget);
  });

  test('a model without a known price has no cost, never a silent zero', async () => {
    expect(costOf(priceOf('anthropic', 'claude-sonnet-5-5'), { ...noUse(), input: 10 })).toBeNull();
    expect(priceOf('anthropic', 'claude-sonnet-5')?.input).toBe(2_000_000_000);
  });

  test('long inputs are priced at their tier', () => {
    const price = priceOf('openai', 'gpt-5.4');
    expect(costOf(price, { ...noUse(), input: 272_000 })).toBe(272_000 * 2_500);
    expect(costOf(price, { ...noUse(), input: 272_001 })).toBe(272_001 * 5_000);
  });
});
