/** Budgets, limits and the ledger through a real proxy: nothing is overspent, everything is in the ledger. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLedger } from '../../proxy/ledger.ts';
import { script, until } from '../support/home.ts';
import { anthropicAnswer, createProxyRig, messages, type ProxyRig } from '../support/proxy-rig.ts';

let rig: ProxyRig;
beforeEach(async () => {
  rig = await createProxyRig();
});
afterEach(() => rig.stop());

const total = () => rig.ledger.usage({}).totalCostNano;
const budgetOf = (
  scope: 'project' | 'bead' | 'convoy' | 'home',
  subject: string,
  limitNano: number,
  period: 'total' | 'day' = 'total',
) => rig.accounts.put({ scope, subject, label: subject, period, limitNano, createdAt: new Date().toISOString() });

describe('budgets', () => {
  test('200 requests at once of 20 agents never pass a budget they share', async () => {
    const budget = 2_000_000;
    budgetOf('project', 'p', budget);
    const tokens = Array.from({ length: 20 }, () => rig.issue());
    const body = { model: 'demo/demo-small', max_tokens: 20, messages: [{ role: 'user', content: 'hi' }] };
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) => rig.post('/v1/messages', body, { token: tokens[index % 20] ?? '' })),
    );
    const statuses = results.map((response) => response.status);
    await Promise.all(results.map((response) => response.text()));
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
    expect(statuses.every((status) => [200, 402, 429].includes(status))).toBe(true);
    expect(total()).toBeLessThanOrEqual(budget);
    expect(rig.accounts.get('project', 'p')).toMatchObject({ reservedNano: 0, spentNano: total() });
    // Every answer has its row, and so has every refusal.
    expect(rig.rows().filter((row) => row.outcome === 'ok')).toHaveLength(
      statuses.filter((each) => each === 200).length,
    );
    expect(rig.rows()).toHaveLength(200);
  });

  test('a spent budget is a final error in every dialect, and the agent is parked with the reason', async () => {
    rig.upstream.answer = anthropicAnswer({ input_tokens: 1_000, output_tokens: 100 });
    // One answer costs 3,000,000 nano-dollars.
    const token = rig.issue({ budgetNano: 3_000_000 });
    expect((await rig.post('/v1/messages', messages('claude-sonnet-5', { max_tokens: 100 }))).status).toBe(200);
    const refused = await rig.post('/v1/messages', messages('claude-sonnet-5'));
    expect(refused.status).toBe(402);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect(refused.headers.get('retry-after')).toBeNull();
    expect(await refused.json()).toMatchObject({ type: 'error', error: { type: 'billing_error' } });
    const chat = await rig.post('/v1/chat/completions', messages('gpt-5.4'));
    expect(chat.status).toBe(402);
    expect(await chat.json()).toMatchObject({ error: { code: 'insufficient_quota' } });
    expect(rig.upstream.seen).toHaveLength(1);
    const parked = rig.activities.findLast((each) => each.parked)?.parked;
    expect(parked).toMatchObject({ kind: 'budget' });
    expect(parked?.reason).toContain('tester');
    expect(rig.notices.map(({ reached }) => reached)).toEqual([100]);
    expect(rig.rows().filter((row) => row.outcome === 'refused')).toMatchObject([
      { status: 402, attempt: 0, costNano: 0 },
      { status: 402, attempt: 0, costNano: 0 },
    ]);
    expect(token).toBeTruthy();
  });

  test('what is cancelled or cut gives its reservation back', async () => {
    budgetOf('home', '*', 50_000_000);
    rig.issue();
    const slow = messages('demo/demo-small', {
      stream: true,
      messages: [{ role: 'user', content: script('slow: 20', 'say one two three four five six seven eight nine ten') }],
    });
    const abort = new AbortController();
    const response = await rig.post('/v1/messages', slow, { signal: abort.signal });
    await response.body?.getReader().read();
    expect(rig.accounts.get('home', '*').reservedNano).toBeGreaterThan(0);
    abort.abort();
    await until('settled', async () => rig.accounts.get('home', '*').reservedNano === 0);
    const cut = messages('demo/demo-small', { stream: true, messages: [{ role: 'user', content: script('cut') }] });
    await (await rig.post('/v1/messages', cut)).text().catch(() => undefined);
    await until('settled', async () => rig.rows().length === 2);
    expect(rig.accounts.get('home', '*')).toMatchObject({ reservedNano: 0, spentNano: total() });
    expect(total()).toBeGreaterThan(0);
  });

  test('a model without a price: its tokens are counted; a budget, or the policy, refuses it', async () => {
    rig.upstream.answer = anthropicAnswer({ input_tokens: 7, output_tokens: 3 });
    rig.issue();
    const unknown = messages('anthropic/claude-unheard-of');
    expect((await rig.post('/v1/messages', unknown)).status).toBe(200);
    expect(rig.rows()[0]).toMatchObject({ costNano: null, tokens: { input: 7, output: 3 } });
    expect(rig.ledger.usage({})).toMatchObject({ unpriced: 1, totalCostNano: 0 });
    rig.setPolicy({ unpriced: 'refuse' });
    expect((await rig.post('/v1/messages', unknown)).status).toBe(403);
    rig.setPolicy({});
    budgetOf('home', '*', 1_000_000_000);
    expect((await rig.post('/v1/messages', unknown)).status).toBe(402);
  });

  test('a request may set a limit of its own', async () => {
    rig.upstream.answer = anthropicAnswer();
    rig.issue();
    const body = { ...messages('claude-sonnet-5', { max_tokens: 1_000 }), routing: { cost_limit: 0.001 } };
    expect((await rig.post('/v1/messages', body)).status).toBe(402);
    expect((await rig.post('/v1/messages', { ...body, routing: { cost_limit: 0.1 } })).status).toBe(200);
    expect(rig.upstream.seen[0]?.body).not.toContain('routing');
  });
});

describe('limits', () => {
  test('a request too many is refused in the dialect, with the time to come again; a loop is stopped for good', async () => {
    rig.upstream.answer = anthropicAnswer();
    rig.setPolicy({ limits: { agent: { requests_per_minute: 2 }, user: {}, project: { requests_per_hour: 50 } } });
    rig.issue();
    const first = await rig.post('/v1/messages', messages('claude-sonnet-5'));
    expect(first.headers.get('anthropic-ratelimit-requests-limit')).toBe('2');
    expect(first.headers.get('x-ratelimit-remaining')).toBe('1');
    await rig.post('/v1/messages', messages('claude-sonnet-5'));
    const refused = await rig.post('/v1/messages', messages('claude-sonnet-5'));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('x-should-retry')).toBe('true');
    expect(await refused.json()).toMatchObject({ error: { type: 'rate_limit_error' } });
    expect(rig.activities.at(-1)?.parked).toMatchObject({ kind: 'limit' });
    rig.setPolicy({ limits: { agent: { calls_per_run: 1 }, user: {}, project: {} } });
    const looping = rig.issue();
    expect((await rig.post('/v1/chat/completions', messages('gpt-5.4'), { token: looping })).status).toBe(200);
    const stopped = await rig.post('/v1/chat/completions', messages('gpt-5.4'), { token: looping });
    expect(stopped.status).toBe(402);
    expect(rig.activities.at(-1)?.parked).toMatchObject({ kind: 'calls' });
  });
});

describe('keys', () => {
  test('a key is held to its models and its time', async () => {
    rig.upstream.answer = anthropicAnswer();
    rig.issue({ models: ['claude-sonnet-5'] });
    expect((await rig.post('/v1/messages', messages('claude-sonnet-5'))).status).toBe(200);
    expect((await rig.post('/v1/messages', messages('claude-haiku-4-5'))).status).toBe(403);
    rig.issue({ expiresAt: '2020-01-01T00:00:00Z' });
    const expired = await rig.post('/v1/messages', messages('claude-sonnet-5'));
    expect(expired.status).toBe(401);
    expect(await expired.text()).toContain('expired');
  });

  test('a key learns of its own project only', async () => {
    rig.upstream.answer = anthropicAnswer({ input_tokens: 1_000, output_tokens: 100 });
    const mine = rig.issue({ projectId: 'one', beadId: 'godel-aaaaa' });
    rig.issue({ projectId: 'two' });
    for (const token of [mine, mine]) await rig.post('/v1/messages', messages('claude-sonnet-5'), { token });
    await rig.post('/v1/messages', messages('claude-sonnet-5'));
    const get = async (path: string) =>
      (await fetch(rig.url + path, { headers: { authorization: `Bearer ${mine}` } })).json();
    expect(await get('/proxy/v1/usage?projectId=two&by=bead,model')).toMatchObject({
      totalCost: 0.006,
      byProvider: { anthropic: 0.006 },
      byAgent: { tester: 0.006 },
      rows: [{ key: { bead: 'godel-aaaaa', model: 'claude-sonnet-5' }, requests: 2 }],
    });
    const page = (await get('/v1/audit?limit=1')) as { logs: object[]; total: number; cursor: string };
    expect(page).toMatchObject({
      total: 2,
      logs: [{ inputTokens: 1_000, outputTokens: 100, cost: 0.003, success: true }],
    });
    const next = (await get(`/v1/audit?limit=1&cursor=${page.cursor}`)) as typeof page;
    expect(next.logs).toHaveLength(1);
    expect(next.cursor).toBeNull();
    expect(next.logs).not.toEqual(page.logs);
    expect(await get('/v1/usage?by=nonsense')).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});

describe('ledger', () => {
  test('memory is rebuilt from it: what was spent stays spent', async () => {
    rig.upstream.answer = anthropicAnswer({ input_tokens: 1_000, output_tokens: 100 });
    rig.issue({ agentId: 'a1', beadId: 'godel-aaaaa' });
    await rig.post('/v1/messages', messages('claude-sonnet-5'));
    const sums = rig.ledger.sums('2000-01-01', '2000-01');
    const spent = { totalNano: 3_000_000, dayNano: 3_000_000, monthNano: 3_000_000, requests: 1 };
    for (const id of ['agent:a1', 'bead:godel-aaaaa', 'project:p', 'home:*']) expect(sums.get(id)).toEqual(spent);
    expect(rig.ledger.usedSince('agent', 'a1', '2000-01-01T00:00:00.000Z')).toEqual({ requests: 1, tokens: 1_100 });
    expect(rig.ledger.usedSince('agent', 'a1', new Date(Date.now() + 60_000).toISOString()).requests).toBe(0);
  });

  test('old rows leave, their sums stay', async () => {
    rig.upstream.answer = anthropicAnswer({ input_tokens: 1_000, output_tokens: 100 });
    rig.issue({ agentId: 'a1' });
    for (let count = 0; count < 3; count += 1) await rig.post('/v1/messages', messages('claude-sonnet-5'));
    expect(rig.ledger.retire(new Date(Date.now() + 60_000).toISOString(), 2)).toBe(2);
    expect(rig.rows()).toHaveLength(1);
    expect(rig.ledger.sums('2100-01-01', '2100-01').get('agent:a1')).toMatchObject({
      totalNano: 9_000_000,
      requests: 3,
    });
  });

  test('a ledger of the first version is taken over, keys and all', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'godel-ledger-'));
    const file = join(folder, 'ledger.db');
    const old = new SQLite(file);
    old.exec(`create table keys (hash text primary key, agent_id text not null, body text not null);
      create table ledger (id text primary key, at text not null, agent_id text not null, agent_name text not null, project_id text not null,
        bead_id text, convoy_id text, provider text not null, model text not null, cost_nano integer, body text not null,
        input integer not null, cache_read integer not null, cache_write_5m integer not null, cache_write_1h integer not null,
        output integer not null, reasoning integer not null);`);
    const body = {
      requestId: 'r1',
      dialect: 'anthropic',
      stream: true,
      status: 200,
      outcome: 'cut',
      estimated: true,
      latencyMs: 5,
      firstByteMs: 2,
    };
    old
      .prepare('insert into ledger values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)')
      .run(
        'i1',
        '2026-11-01T00:00:00.000Z',
        'a',
        'worker-1',
        'p',
        'godel-aaaaa',
        null,
        'anthropic',
        'm',
        42,
        JSON.stringify(body),
        1,
        2,
        3,
        4,
        5,
        6,
      );
    const hash = 'a'.repeat(64);
    const key = { hash, agentId: 'a', agentName: 'worker-1', projectId: 'p', createdAt: '2026-11-01T00:00:00Z' };
    old.prepare('insert into keys values (?, ?, ?)').run(hash, 'a', JSON.stringify(key));
    old.close();
    const ledger = openLedger(file);
    expect(ledger.keys()).toEqual([key]);
    expect(ledger.entries({ limit: 10 }).items).toMatchObject([
      {
        id: 'i1',
        requestId: 'r1',
        agentName: 'worker-1',
        outcome: 'cut',
        estimated: true,
        stream: true,
        costNano: 42,
        tokens: { cacheWrite1h: 4 },
      },
    ]);
    ledger.putKey({ ...key, hash: 'b'.repeat(64) });
    ledger.close();
    const again = openLedger(file);
    expect(again.keys()).toHaveLength(2);
    again.close();
    await rm(folder, { recursive: true });
  });
});
