/** Limits are exact under concurrency, give back what was not used, and say when to come again. */
import { describe, expect, test } from 'vitest';
import { durationText, ownHeaders } from '../../proxy/answer-headers.ts';
import { recordOf } from '../../proxy/http/fields.ts';
import { createLimiter, type LimitRefusal, type Subject, type Ticket } from '../../proxy/limits.ts';
import type { Wire } from '../../proxy/wire/wire.ts';
import type { LimitSet } from '../../src/costs/schema.ts';

let nowMs = 1_000_000;
const limiter = () => createLimiter(() => nowMs);

const subject = (key: string, limits: LimitSet, more: Partial<Subject> = {}): Subject => ({
  key,
  name: key,
  limits,
  usedLately: () => ({ requests: 0, tokens: 0 }),
  callsOfRun: () => 0,
  ...more,
});
const isTicket = (given: Ticket | LimitRefusal): given is Ticket => 'settle' in given;

describe('requests', () => {
  test('exactly as many pass as the bucket holds, and the refusal says when the next one will', () => {
    const limits = limiter();
    const agent = subject('agent:a', { requests_per_minute: 3 });
    const ask = () => limits.admit({ subjects: [agent], tokens: 0, costNano: 0 });
    expect([ask(), ask(), ask()].every(isTicket)).toBe(true);
    expect(ask()).toMatchObject({ kind: 'rate', retryAfterMs: 20_000 });
    nowMs += 20_000;
    expect(isTicket(ask())).toBe(true);
    expect(isTicket(ask())).toBe(false);
  });

  test('a refusal of one subject takes nothing from the others', () => {
    const limits = limiter();
    const [agent, project] = [
      subject('agent:b', { requests_per_hour: 5 }),
      subject('project:p', { requests_per_day: 1 }),
    ];
    limits.admit({ subjects: [agent, project], tokens: 0, costNano: 0 });
    expect(isTicket(limits.admit({ subjects: [agent, project], tokens: 0, costNano: 0 }))).toBe(false);
    expect(limits.allowances([agent])).toMatchObject([{ unit: 'requests', limit: 5, remaining: 4 }]);
  });

  test('what the ledger knows of the last period counts after a restart', () => {
    const limits = limiter();
    const agent = subject('agent:c', { requests_per_minute: 10 }, { usedLately: () => ({ requests: 9, tokens: 0 }) });
    expect(isTicket(limits.admit({ subjects: [agent], tokens: 0, costNano: 0 }))).toBe(true);
    expect(isTicket(limits.admit({ subjects: [agent], tokens: 0, costNano: 0 }))).toBe(false);
  });

  test('at most so many are in flight at a time', () => {
    const limits = limiter();
    const agent = subject('agent:d', { concurrent: 1 });
    const first = limits.admit({ subjects: [agent], tokens: 0, costNano: 0 });
    expect(limits.admit({ subjects: [agent], tokens: 0, costNano: 0 })).toMatchObject({ kind: 'concurrent' });
    if (isTicket(first)) {
      first.settle(0);
      // Settled twice is settled once.
      first.settle(0);
    }
    expect(isTicket(limits.admit({ subjects: [agent], tokens: 0, costNano: 0 }))).toBe(true);
    expect(isTicket(limits.admit({ subjects: [agent], tokens: 0, costNano: 0 }))).toBe(false);
  });

  test('an agent that loops is stopped for good, and may go on in a new life', () => {
    const limits = limiter();
    const life = (run: string) => subject('agent:e', { calls_per_run: 2 }, { run });
    const ask = (run: string) => limits.admit({ subjects: [life(run)], tokens: 0, costNano: 0 });
    expect([ask('1'), ask('1')].every(isTicket)).toBe(true);
    expect(ask('1')).toMatchObject({ kind: 'calls' });
    expect(ask('1')).not.toHaveProperty('retryAfterMs');
    expect(isTicket(ask('2'))).toBe(true);
  });

  test('a request that could cost too much is refused for good', () => {
    const agent = subject('agent:f', { max_cost_usd: 1 });
    expect(isTicket(limiter().admit({ subjects: [agent], tokens: 0, costNano: 1_000_000_000 }))).toBe(true);
    expect(limiter().admit({ subjects: [agent], tokens: 0, costNano: 1_000_000_001 })).toMatchObject({ kind: 'cost' });
  });
});

describe('tokens', () => {
  test('200 at once never pass the limit, and what was not used comes back', () => {
    const limits = limiter();
    const agent = subject('agent:g', { tokens_per_minute: 1_000 });
    const given = Array.from({ length: 200 }, () => limits.admit({ subjects: [agent], tokens: 300, costNano: 0 }));
    const tickets = given.filter(isTicket);
    expect(tickets).toHaveLength(3);
    for (const ticket of tickets) ticket.settle(100);
    expect(limits.allowances([agent])).toMatchObject([{ unit: 'tokens', remaining: 700 }]);
  });

  test('a request larger than the bucket passes when it is full, and is paid back in time', () => {
    const limits = limiter();
    const agent = subject('agent:h', { tokens_per_minute: 100 });
    const large = limits.admit({ subjects: [agent], tokens: 600, costNano: 0 });
    if (isTicket(large)) large.settle(600);
    expect(limits.admit({ subjects: [agent], tokens: 1, costNano: 0 })).toMatchObject({ retryAfterMs: 300_600 });
  });

  test('new limits take hold of a subject that is known', () => {
    const limits = limiter();
    const loose = subject('agent:i', { requests_per_minute: 100 });
    limits.admit({ subjects: [loose], tokens: 0, costNano: 0 });
    const tight = subject('agent:i', { requests_per_minute: 1 }, { usedLately: () => ({ requests: 1, tokens: 0 }) });
    expect(isTicket(limits.admit({ subjects: [tight], tokens: 0, costNano: 0 }))).toBe(false);
  });
});

describe('headers', () => {
  const allowances = [
    { unit: 'requests' as const, limit: 60, remaining: 7, resetMs: 61_000 },
    { unit: 'tokens' as const, limit: 1_000, remaining: 10, resetMs: 250 },
  ];
  const askedIn = (wire: Wire) => ({ requestId: 'r', route: { wire }, fields: { model: 'm' }, tried: [] });
  test('each dialect is told in its own words, and everybody in the plain ones', () => {
    const plain = { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': '1700000061' };
    expect(recordOf(ownHeaders(askedIn('anthropic'), allowances, 1_700_000_000_000))).toEqual({
      ...plain,
      'x-godel-request-id': 'r',
      'anthropic-ratelimit-requests-limit': '60',
      'anthropic-ratelimit-requests-remaining': '7',
      'anthropic-ratelimit-requests-reset': '2023-11-14T22:14:21Z',
      'anthropic-ratelimit-tokens-limit': '1000',
      'anthropic-ratelimit-tokens-remaining': '10',
      'anthropic-ratelimit-tokens-reset': '2023-11-14T22:13:20Z',
    });
    expect(recordOf(ownHeaders(askedIn('chat'), allowances, 1_700_000_000_000))).toMatchObject({
      ...plain,
      'x-ratelimit-reset-requests': '1m1s',
      'x-ratelimit-reset-tokens': '250ms',
    });
    expect(ownHeaders(askedIn('chat'), [], 0)).toEqual(['x-godel-request-id', 'r']);
  });
  test('times are written as OpenAI writes them', () => {
    expect([0, 999, 1_000, 60_000, 3_600_000].map(durationText)).toEqual(['0ms', '999ms', '1s', '1m0s', '1h0m0s']);
  });
});
