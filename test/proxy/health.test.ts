/** What answers mean, when a target is left alone, and when it is tried again. */
import { describe, expect, test } from 'vitest';
import { createHealth, judge, retryAfterOf } from '../../proxy/health.ts';
import { providerAt } from '../support/proxy-rig.ts';

let nowMs = 1_000_000;
const health = () => createHealth({ now: () => nowMs });
const target = { provider: 'anthropic', model: 'm', keyId: 'k1' };

describe('answers', () => {
  test('Retry-After is read in all its forms', () => {
    expect(retryAfterOf({ 'retry-after': '2' }, 0)).toBe(2_000);
    expect(retryAfterOf({ 'retry-after-ms': '150' }, 0)).toBe(150);
    expect(retryAfterOf({ 'retry-after': new Date(90_000).toUTCString() }, 60_000)).toBe(30_000);
    expect(retryAfterOf({ 'retry-after': 'soon' }, 0)).toBeUndefined();
    expect(retryAfterOf({}, 0)).toBeUndefined();
  });
  test('each kind of failure is told apart', () => {
    const kind = (status: number, text = '') => judge({ status, headers: {}, text }, 0).kind;
    expect(kind(200)).toBe('ok');
    expect(kind(400, 'messages: at least one is required')).toBe('client');
    expect(kind(400, 'Your credit balance is too low to access the API')).toBe('credit');
    expect(kind(429, '{"error":{"code":"insufficient_quota"}}')).toBe('credit');
    expect(kind(402)).toBe('credit');
    expect(kind(429)).toBe('rate-limited');
    expect(kind(529)).toBe('overloaded');
    expect(kind(401)).toBe('auth');
    expect(kind(500)).toBe('server');
    expect(kind(413)).toBe('client');
  });
  test('out of credit is parked long, whatever the answer asks for', () => {
    expect(judge({ status: 402, headers: { 'retry-after': '1' } }, 0)).toMatchObject({ coolMs: 30 * 60_000 });
    expect(judge({ status: 429, headers: { 'retry-after': '9' } }, 0)).toMatchObject({ coolMs: 9_000 });
  });
});

describe('keys', () => {
  test('a rate limit cools one key for one model; a refused key is left for all', () => {
    const known = health();
    known.report(target, { kind: 'rate-limited', coolMs: 5_000 });
    expect(known.available(target)).toMatchObject({ ok: false, until: nowMs + 5_000, lasting: false });
    expect(known.available({ ...target, model: 'other' }).ok).toBe(true);
    expect(known.available({ ...target, keyId: 'k2' }).ok).toBe(true);
    known.report({ ...target, keyId: 'k2' }, { kind: 'auth', coolMs: 60_000 });
    expect(known.available({ provider: 'anthropic', model: 'other', keyId: 'k2' })).toMatchObject({ lasting: true });
    nowMs += 5_001;
    expect(known.available(target).ok).toBe(true);
  });
});

describe('circuit', () => {
  test('failures in a row open it, one trial is let through, and success closes it', () => {
    const known = health();
    for (let count = 0; count < 3; count += 1) known.report(target, { kind: 'server' });
    const until = known.available(target).until;
    expect(until).toBeGreaterThan(nowMs);
    nowMs = until;
    expect(known.available(target).ok).toBe(true);
    known.begin(target);
    expect(known.available(target).ok).toBe(false);
    known.report(target, { kind: 'ok' }, 40);
    expect(known.available(target).ok).toBe(true);
    expect(known.latency('anthropic', 'm')).toBe(40);
  });
  test('a failed trial opens it for longer; a trial that was cancelled leaves it half open', () => {
    const known = health();
    for (let count = 0; count < 3; count += 1) known.report(target, { kind: 'unreachable' });
    const first = known.available(target).until - nowMs;
    nowMs += first;
    known.begin(target);
    known.report(target, { kind: 'client' });
    expect(known.available(target).ok).toBe(true);
    known.begin(target);
    known.report(target, { kind: 'server' });
    expect(known.available(target).until - nowMs).toBe(2 * first);
  });
  test('the state of a provider names its keys by fingerprint only', () => {
    const known = health();
    known.report({ provider: 'anthropic', model: 'm', keyId: 'canary' }, { kind: 'credit', coolMs: 1_000 });
    const [state] = known.state([providerAt('anthropic', 'http://127.0.0.1:1')]);
    expect(state).toMatchObject({ state: 'down', keys: [{ id: 'canary', reason: 'out of credit' }] });
    expect(JSON.stringify(state)).not.toContain('sk-provider');
    known.reset('anthropic');
    expect(known.state([providerAt('anthropic', 'http://127.0.0.1:1')])[0]?.state).toBe('ok');
  });
});
