/** Retries, admission and recovery: the decisions. */
import { describe, expect, test } from 'vitest';
import { needMb, type Room, waitReason } from '../../../src/agents/admission.ts';
import { recoveryPlan } from '../../../src/agents/recovery-plan.ts';
import { type EndedLife, nextTry, retryDelayMs } from '../../../src/agents/retry.ts';
import type { Agent } from '../../../src/agents/schema.ts';
import { makeAgent } from '../../support/board-data.ts';

describe('retries', () => {
  const life = (change: Partial<EndedLife> = {}): EndedLife => ({
    why: 'crashed',
    retryCount: 0,
    maxRetries: 3,
    lifeMs: 1_000,
    recentStarts: 0,
    ...change,
  });
  test('wait longer each time, up to a bound, and end with the attempts', () => {
    expect([0, 1, 2].map((retryCount) => nextTry(life({ retryCount }))?.delayMs)).toEqual([1_000, 4_000, 16_000]);
    expect(nextTry(life({ retryCount: 3 }))).toBeUndefined();
    expect(retryDelayMs(50)).toBe(300_000);
    expect(nextTry(life({ maxRetries: 0 }))).toBeUndefined();
  });
  test('count from zero again after a good life', () => {
    expect(nextTry(life({ retryCount: 3, lifeMs: 600_000 }))).toEqual({ delayMs: 1_000, retryCount: 1 });
  });
  test('cost nothing when the terminal was lost, but a crash loop is braked whatever the reason', () => {
    expect(nextTry(life({ why: 'lost', retryCount: 3 }))).toEqual({ delayMs: 0, retryCount: 3 });
    expect(nextTry(life({ why: 'lost', recentStarts: 5 }))).toBeUndefined();
  });
});

describe('admission', () => {
  const room = (change: Partial<Room> = {}): Room => ({
    needMb: 200,
    availableMb: 1_000,
    reserveMb: 500,
    limitMb: 0,
    usedMb: 100,
    pendingMb: 0,
    ...change,
  });
  test('counts what was promised to agents that are just starting', () => {
    expect(waitReason(room())).toBeUndefined();
    expect(waitReason(room({ pendingMb: 350 }))).toContain('150 MB are free');
  });
  test('keeps the reserve and the common limit', () => {
    expect(waitReason(room({ availableMb: 600 }))).toContain('it needs 200 MB');
    expect(waitReason(room({ limitMb: 250 }))).toContain('agents may use 150 MB more');
  });
  test('lets the first one start always: waiting would be for ever', () => {
    expect(waitReason(room({ availableMb: 0, usedMb: 0 }))).toBeUndefined();
  });
  test('goes by what was measured, with room to grow, else by typical figures', () => {
    expect(needMb('pi', 100)).toBe(120);
    expect(needMb('pi', undefined)).toBe(180);
    expect(needMb('new', undefined)).toBe(300);
  });
});

describe('recovery', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const view = (byPerson: boolean, ...held: string[]) => ({
    held: new Set(held),
    resumable: (agent: Agent) => agent.runtime === 'pi',
    byPerson,
    nowMs: now,
  });
  const actions = (agents: Agent[], byPerson = false, ...held: string[]) =>
    recoveryPlan(agents, view(byPerson, ...held)).map((item) => item.action);
  const failed = (change: Partial<Agent> = {}) => makeAgent(1, 'failed', { lastError: 'exit code 137', ...change });
  const at = (ms: number) => ({ retryAt: new Date(now + ms).toISOString() });

  test('leaves alone what runs, is paused, or has ended as it should', () => {
    expect(actions([makeAgent(1, 'busy'), makeAgent(2, 'exited'), makeAgent(3, 'paused')], false, 'agent-1')).toEqual([
      'running',
      'paused',
    ]);
    expect(actions([makeAgent(1, 'busy')])).toEqual(['wait']);
  });
  test('brings back what is due, and what a person asks for', () => {
    expect(actions([failed(at(-1))])).toEqual(['revive']);
    expect(actions([failed(at(5_000))])).toEqual(['wait']);
    expect(actions([failed()])).toEqual(['leave']);
    expect(actions([failed()], true)).toEqual(['revive']);
  });
  test('does not bring back what has no conversation', () => {
    expect(actions([failed({ runtime: 'shell', ...at(-1) })], true)).toEqual(['leave']);
  });
});
