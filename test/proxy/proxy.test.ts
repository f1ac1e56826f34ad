/** The proxy's hard gates, over real loopback connections against the scripted provider and a raw upstream. */
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { script, until } from '../support/home.ts';
import {
  type Answer,
  anthropicAnswer,
  createProxyRig,
  errorAnswer,
  hashOf,
  PROVIDER_KEY as KEY,
  messages,
  type ProxyRig,
} from '../support/proxy-rig.ts';

let rig: ProxyRig;
let token: string;

beforeEach(async () => {
  rig = await createProxyRig();
  token = rig.issue();
});
afterEach(() => rig.stop());

const post = (path: string, body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  rig.post(path, body, { token, headers, ...(signal ? { signal } : {}) });
const rows = () => rig.rows();
const answerWith = (answer: Answer) => {
  rig.upstream.answer = answer;
};

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
    answerWith((_request, response) => void torn(response, text));
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
    answerWith((_request, response) => void torn(response, `${head}${usage}data: [DONE]\n\n`));
    const quiet = await post('/v1/chat/completions', messages('gpt-5.4', { stream: true }));
    expect(await quiet.text()).toBe(`${head}data: [DONE]\n\n`);
    expect(JSON.parse(rig.upstream.seen[0]?.body ?? '')).toMatchObject({ stream_options: { include_usage: true } });
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
    answerWith(
      (_request, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"usage":{"input_tokens":1,"output_tokens":1}}'),
    );
    await post(
      '/v1/messages',
      '{ "x": [1, {"model":"inner"}], "model" : "anthropic/claude-sonnet-5" , "max_tokens":5, "é":"\\u00e9" }',
    );
    expect(rig.upstream.seen[0]?.body).toBe(
      '{ "x": [1, {"model":"inner"}], "model" : "claude-sonnet-5" , "max_tokens":5, "é":"\\u00e9" }',
    );
  });
});

describe('keys', () => {
  test('the provider gets its own key and no header of the agent; the agent gets no header of the provider’s', async () => {
    answerWith(
      (_request, response) =>
        void response
          .writeHead(200, {
            'content-type': 'application/json',
            'x-internal': KEY,
            'set-cookie': `k=${KEY}`,
            'request-id': 'r1',
          })
          .end('{}'),
    );
    const response = await post('/v1/messages', messages('claude-sonnet-5'), {
      cookie: 'a=b',
      'x-secret': 'mine',
      'anthropic-beta': 'b1',
    });
    expect(rig.upstream.seen[0]?.headers).toMatchObject({ 'x-api-key': KEY, 'anthropic-beta': 'b1' });
    expect(rig.upstream.seen[0]?.headers.authorization).toBeUndefined();
    expect(rig.upstream.seen[0]?.headers.cookie).toBeUndefined();
    expect(rig.upstream.seen[0]?.headers['x-secret']).toBeUndefined();
    expect(JSON.stringify([...response.headers])).not.toContain(KEY);
    expect(response.headers.get('request-id')).toBe('r1');
  });

  test('an unknown key is refused in the dialect of the client', async () => {
    const refused = await post('/v1/messages', messages('claude-sonnet-5'), { authorization: 'Bearer nonsense' });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
    expect(rig.upstream.seen).toEqual([]);
  });

  test('revocation is in force at once, in the middle of a stream too', async () => {
    answerWith((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"type":"ping"}\n\n');
    });
    const response = await post('/v1/messages', messages('claude-sonnet-5', { stream: true }));
    const reader = response.body?.getReader();
    await reader?.read();
    rig.keyring.revoke(hashOf(token));
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
    answerWith((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}\n\n');
      request.socket.on('close', () => {
        closed = true;
      });
    });
    const abort = new AbortController();
    const response = await post('/v1/messages', messages('claude-sonnet-5', { stream: true }), {}, abort.signal);
    await response.body?.getReader().read();
    abort.abort();
    await until('the provider heard of it', async () => closed, 2_000);
    await until('row', async () => rows().length === 1);
    expect(rows()[0]).toMatchObject({ outcome: 'cancelled', estimated: true, tokens: { input: 7 } });
  });

  test.each([
    ['an answer', 200, 'claude-sonnet-5'],
    ['an error of the provider', 400, 'claude-sonnet-5'],
    ['a refusal', 404, 'no-such-model'],
  ])('%s does not leave before its row is safe', async (_name, status, model) => {
    rig.upstream.answer = status === 400 ? errorAnswer(400) : anthropicAnswer();
    const { written } = rig.ledger;
    const held: (() => void)[] = [];
    rig.ledger.written = (then) => void held.push(then);
    try {
      const before = rig.rows().length;
      let answered = false;
      const answer = rig.post('/v1/messages', messages(model), { token: rig.issue() }).then((response) => {
        answered = true;
        return response.status;
      });
      await until('the row', async () => rig.rows().length > before && held.length > 0);
      await (await fetch(`${rig.url}/health`)).text();
      expect(answered).toBe(false);
      for (const then of held) then();
      expect(await answer).toBe(status);
    } finally {
      rig.ledger.written = written;
    }
  });

  test('garbage, unknown models, unknown paths and a dead provider are clear errors', async () => {
    expect((await post('/v1/messages', '{"model": tru')).status).toBe(400);
    expect((await post('/v1/messages', '\u0000\u0001')).status).toBe(400);
    expect((await post('/v1/messages', messages('no-such-model'))).status).toBe(404);
    expect((await post('/v1/nonsense', {})).status).toBe(404);
    rig.upstream.server.closeAllConnections();
    answerWith((request) => request.socket.destroy());
    expect((await post('/v1/messages', messages('claude-sonnet-5'))).status).toBe(502);
  });

  test('a connection that rests is kept far longer than a busy client leaves it alone', async () => {
    // Closed after the 5 seconds of Node, it would be gone under the next request of a client that was held up.
    answerWith((_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
    const response = await post('/v1/messages', messages('claude-sonnet-5'));
    await response.text();
    const [, seconds] = /timeout=(\d+)/.exec(response.headers.get('keep-alive') ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThanOrEqual(60);
  });

  test('a body over 64 MiB is refused and others go on', async () => {
    answerWith((_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
    const large = await post('/v1/messages', `{"model":"claude-sonnet-5","x":"${'y'.repeat(64 * 1024 * 1024)}"}`).catch(
      (error: unknown) => error,
    );
    if (large instanceof Response) expect(large.status).toBe(413);
    expect((await post('/v1/messages', messages('claude-sonnet-5'))).status).toBe(200);
    expect(rig.upstream.seen).toHaveLength(1);
  });
});
