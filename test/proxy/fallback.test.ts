/** Attempts: other targets, other keys, other times; never after the first byte; and what the client is told of it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/home.ts';
import {
  anthropicAnswer,
  createProxyRig,
  createUpstream,
  errorAnswer,
  messages,
  type ProxyRig,
  providerAt,
  type Upstream,
} from '../support/proxy-rig.ts';

let rig: ProxyRig;
let second: Upstream;
beforeEach(async () => {
  rig = await createProxyRig();
  second = await createUpstream();
  second.answer = anthropicAnswer();
  rig.upstream.answer = anthropicAnswer();
  rig.setPolicy({
    providers: [
      providerAt('anthropic', rig.upstream.url, { models: ['claude-sonnet-5'] }),
      providerAt('second', second.url, { models: ['claude-sonnet-5'], keys: [{ id: 'two', value: 'sk-two' }] }),
    ],
  });
  rig.issue({ agentId: 'a1' });
});
afterEach(async () => {
  await rig.stop();
  await second.stop();
});

const ask = (model = 'claude-sonnet-5', extra: object = {}) => rig.post('/v1/messages', messages(model, extra));
const parked = () => rig.activities.findLast((each) => each.parked)?.parked;

describe('another target', () => {
  test.for([429, 503, 529, 500, 401, 402])('after %d the next one answers, and the headers say so', async (status) => {
    rig.upstream.answer = errorAnswer(status);
    const response = await ask();
    expect(response.status).toBe(200);
    expect(response.headers.get('x-godel-provider')).toBe('second');
    expect(response.headers.get('x-godel-attempts')).toBe('2');
    expect(response.headers.get('x-godel-tried')).toBe(`anthropic/claude-sonnet-5=${status}`);
    const id = response.headers.get('x-godel-request-id') ?? '';
    await response.text();
    const rows = rig.ledger.entries({ limit: 10, requestId: id }).items;
    expect(rows).toMatchObject([
      { attempt: 1, provider: 'anthropic', status, outcome: 'upstream-error', costNano: 0 },
      { attempt: 2, provider: 'second', outcome: 'ok', providerKey: 'two' },
    ]);
    expect(rig.accounts.get('agent', 'a1').reservedNano).toBe(0);
  });

  test('one that cannot be reached is passed over at once', async () => {
    await rig.upstream.stop();
    expect((await ask()).headers.get('x-godel-tried')).toBe('anthropic/claude-sonnet-5=unreachable');
    rig.upstream = await createUpstream();
  });

  test('a request that is refused for what it says goes nowhere else', async () => {
    rig.upstream.answer = errorAnswer(400, {}, 'messages: too few');
    const response = await ask();
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('too few');
    expect(second.seen).toEqual([]);
  });

  test('nothing is tried again once a byte was sent', async () => {
    rig.upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"type":"ping"}\n\n');
      setImmediate(() => response.destroy());
    };
    await expect((await ask('claude-sonnet-5', { stream: true })).text()).rejects.toThrow();
    expect(second.seen).toEqual([]);
  });

  test('a client may decline it', async () => {
    rig.upstream.answer = errorAnswer(529);
    rig.setPolicy({
      waitMs: 0,
      providers: [providerAt('anthropic', rig.upstream.url), providerAt('second', second.url)],
    });
    const response = await rig.post('/v1/messages', messages('claude-sonnet-5'), {
      headers: { 'x-godel-fallback': 'off' },
    });
    expect(response.status).toBe(429);
    expect(second.seen).toEqual([]);
  });

  test('after a fallback the agent stays with the target whose cache is warm', async () => {
    rig.upstream.answer = errorAnswer(500);
    await ask();
    rig.upstream.answer = anthropicAnswer();
    expect((await ask()).headers.get('x-godel-provider')).toBe('second');
    rig.issue({ agentId: 'a2' });
    expect((await ask()).headers.get('x-godel-provider')).toBe('anthropic');
  });

  test('a target that costs too much for the budget is passed over for one that fits', async () => {
    rig.setPolicy({
      providers: [providerAt('anthropic', rig.upstream.url)],
      aliases: {
        smart: { use: ['anthropic/claude-fable-5', 'anthropic/claude-haiku-4-5'], choose: 'order', weights: [] },
      },
    });
    rig.issue({ budgetNano: 20_000_000 });
    const response = await ask('smart', { max_tokens: 1_000 });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-godel-model')).toBe('claude-haiku-4-5');
    expect(response.headers.get('x-godel-asked')).toBe('smart');
    expect(JSON.parse(rig.upstream.seen[0]?.body ?? '{}')).toMatchObject({ model: 'claude-haiku-4-5' });
  });
});

describe('another key', () => {
  test('a key that is rate-limited rests, the next one serves, and no key is shown anywhere', async () => {
    const keys = ['sk-first-canary', 'sk-second-canary', 'sk-third-canary'].map((value, index) => ({
      id: `k${index}`,
      value,
    }));
    rig.setPolicy({ providers: [providerAt('anthropic', rig.upstream.url, { keys })] });
    let limited = '';
    rig.upstream.answer = (request, response, body) => {
      const key = String(request.headers['x-api-key']);
      limited ||= key;
      if (key === limited) errorAnswer(429, { 'retry-after': '60' })(request, response, body);
      else anthropicAnswer()(request, response, body);
    };
    const first = await ask();
    expect(first.status).toBe(200);
    await ask();
    const used = rig.upstream.seen.map(({ headers }) => headers['x-api-key']);
    expect(used).toHaveLength(3);
    expect(used[1]).toBe(used[2]);
    expect(used[0]).not.toBe(used[1]);
    expect(JSON.stringify([...first.headers]) + JSON.stringify(rig.rows())).not.toContain('canary');
  });
});

describe('another time', () => {
  test('a short rest is waited for, within the request', async () => {
    rig.setPolicy({ providers: [providerAt('anthropic', rig.upstream.url)] });
    let calls = 0;
    rig.upstream.answer = (...args) => {
      calls += 1;
      if (calls === 1) errorAnswer(429, { 'retry-after-ms': '80' })(...args);
      else anthropicAnswer()(...args);
    };
    const response = await ask();
    expect(response.status).toBe(200);
    expect(response.headers.get('x-godel-attempts')).toBe('2');
  });

  test('a long rest is told to the client, and parks the agent until then', async () => {
    rig.setPolicy({ providers: [providerAt('anthropic', rig.upstream.url)] });
    rig.upstream.answer = errorAnswer(429, { 'retry-after': '120' });
    const before = Date.now();
    const response = await ask();
    expect(response.status).toBe(429);
    const seconds = Number(response.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(100);
    expect(seconds).toBeLessThanOrEqual(120);
    expect(parked()).toMatchObject({ kind: 'provider', reason: 'anthropic: rate-limited' });
    expect(Date.parse(parked()?.until ?? '')).toBeGreaterThan(before + 100_000);
    // The next one is refused without asking the provider again.
    await ask();
    expect(rig.upstream.seen).toHaveLength(1);
  });

  test('a provider that is out of credit, or refuses its key, is a final error', async () => {
    rig.setPolicy({ providers: [providerAt('anthropic', rig.upstream.url)] });
    rig.upstream.answer = errorAnswer(400, {}, 'Your credit balance is too low');
    const broke = await ask();
    expect(broke.status).toBe(402);
    expect(broke.headers.get('x-should-retry')).toBe('false');
    rig.health.reset('anthropic');
    rig.upstream.answer = errorAnswer(401, {}, 'invalid x-api-key');
    expect((await ask()).status).toBe(403);
  });

  test('a key that is revoked while its request waits gets nothing', async () => {
    rig.setPolicy({ providers: [providerAt('anthropic', rig.upstream.url)] });
    rig.upstream.answer = errorAnswer(429, { 'retry-after': '3' });
    const waiting = ask();
    await until('it was tried', async () => rig.upstream.seen.length === 1);
    rig.upstream.answer = anthropicAnswer();
    rig.keyring.revokeAgent('a1');
    // The wait of 3 seconds is cut short: a revoked key is refused at once.
    expect((await waiting).status).toBe(401);
    expect(rig.upstream.seen).toHaveLength(1);
  });

  test('a stream goes on while the whole policy is replaced', async () => {
    rig.upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}\n\n');
    };
    const response = await ask('claude-sonnet-5', { stream: true });
    const reader = response.body?.getReader();
    await reader?.read();
    rig.setPolicy({ providers: [providerAt('second', second.url, { models: ['claude-sonnet-5'] })] });
    rig.upstream.server.closeIdleConnections();
    expect((await ask()).headers.get('x-godel-provider')).toBe('second');
    await reader?.cancel();
    await until('settled', async () =>
      rig.rows().some((row) => row.outcome === 'cancelled' && row.provider === 'anthropic'),
    );
  });
});
