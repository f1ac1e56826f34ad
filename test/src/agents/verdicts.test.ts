/** What the screen says is true: sources are ranked, old news becomes unknown, and being stuck is seen from signs alone. */
import { describe, expect, test } from 'vitest';
import type { AgentEvent } from '../../../src/agents/bridge-protocol.ts';
import { attentionOf, cycleOf, type ProgressLimits, type Signs, silentMs } from '../../../src/agents/progress.ts';
import { createProgressLog } from '../../../src/agents/progress-log.ts';
import { stateSourceSchema } from '../../../src/agents/schema.ts';
import {
  confirmed,
  type EvidenceBySource,
  FRESH_MS,
  isContradicted,
  isMidTurn,
  judge,
  ranked,
  remembered,
  type StateReport,
  shown,
  withAsked,
  withReport,
} from '../../../src/agents/state.ts';
import { verdictOf, verdictOfTraffic } from '../../../src/agents/verdicts.ts';

const at = Date.parse('2026-01-01T00:00:00Z');
const told = (...reports: StateReport[]) => reports.reduce(withReport, {} as EvidenceBySource);
const says = (state: StateReport['state'], source: StateReport['source'], atMs = at, detail?: string): StateReport => ({
  state,
  source,
  atMs,
  detail,
});

describe('what was done at the end', () => {
  const since = (agoMs: number) => new Date(at - agoMs).toISOString();
  const seen = (state: StateReport['state'], agoMs = 60_000, evidence?: StateReport['state']) =>
    isMidTurn(
      {
        state,
        source: 'hook',
        at: since(0),
        since: since(agoMs),
        ...(evidence ? { evidence: [{ state: evidence, source: 'hook', at: since(agoMs), since: since(agoMs) }] } : {}),
      },
      at,
    );
  test('is gone on with when it was work, or a question; rest is not, unless the end made it', () => {
    expect(['busy', 'waiting', 'idle', 'starting', 'parked'].map((state) => [state, seen(state as never)])).toEqual([
      ['busy', true],
      ['waiting', true],
      ['idle', false],
      ['starting', false],
      ['parked', false],
    ]);
    expect(seen('idle', 1_000)).toBe(true);
  });
  test('is what was said last when nothing certain was known', () => {
    expect([seen('unknown', 60_000, 'idle'), seen('unknown', 60_000, 'busy'), seen('unknown')]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

describe('a question put to a person by the command', () => {
  const question = { item: 'i', kind: 'question' as const, text: 'Which key?', choices: [] };
  const asked = { question, sinceMs: at + 5_000 };

  test('makes a busy agent a waiting one, and an idle and an unknown one too', () => {
    for (const state of ['busy', 'idle', 'unknown'] as const)
      expect(withAsked(judge(told(says(state, 'hook')), at), asked)).toMatchObject({
        state: 'waiting',
        detail: 'Which key?',
        question,
        sinceMs: at + 5_000,
      });
    expect(withAsked(judge(told(says('busy', 'hook')), at), undefined).state).toBe('busy');
  });
  test('does not hide what its program waits for, nor its end', () => {
    const own = { ...says('waiting', 'hook'), question: { kind: 'permission' as const, text: 'May I?', choices: [] } };
    expect(withAsked(judge(told(own), at), asked).question?.text).toBe('May I?');
    expect(withAsked(judge(told(says('exited', 'process')), at), asked).state).toBe('exited');
  });
});

describe('what a row remembers', () => {
  const born = at + 60_000;
  const iso = (ms: number) => new Date(ms).toISOString();
  const row = (state: StateReport['state'], source: StateReport['source']) => ({
    state,
    source,
    at: iso(at),
    since: iso(at),
  });

  test('of a program that never said a word is not known for ever', () => {
    const known = remembered(row('starting', 'process'), at);
    expect(judge(known, at + FRESH_MS.process)).toMatchObject({ state: 'starting', sinceMs: at });
    expect(judge(known, at + FRESH_MS.process + 1).state).toBe('unknown');
  });
  test('is as fresh as the daemon at first, with its question, and can be confirmed', () => {
    const question = { id: 'q', kind: 'permission' as const, title: 'May I?', choices: [] };
    const known = remembered({ ...row('waiting', 'hook'), question } as never, born);
    expect(judge(known, born + FRESH_MS.hook)).toMatchObject({ state: 'waiting', question, sinceMs: at });
    expect(judge(known, born + FRESH_MS.hook + 1).state).toBe('unknown');
    const later = confirmed(known, born + 60_000, () => true);
    expect(judge(later, born + 60_001)).toMatchObject({ state: 'waiting', sinceMs: at });
  });
  test('does not make young again what was old already', () => {
    const known = told(says('busy', 'proxy'), says('idle', 'screen'));
    const before = shown(judge(known, at + 300_000), known);
    expect(before.state).toBe('unknown');
    expect(judge(remembered(before, at + 300_000), at + 300_001).state).toBe('unknown');
  });
});

describe('the verdict', () => {
  test('of two sources that disagree is that of the better one, in either order, for every pair', () => {
    const sources = stateSourceSchema.options;
    for (const [index, better] of sources.entries())
      for (const worse of sources.slice(index + 1)) {
        expect(judge(told(says('busy', better), says('idle', worse, at + 1)), at + 2).source).toBe(better);
        expect(judge(told(says('idle', worse), says('busy', better, at + 1)), at + 2).state).toBe('busy');
      }
  });
  test('is left to the next source when the better one is silent for too long', () => {
    const known = told(says('idle', 'hook'), says('busy', 'screen', at + FRESH_MS.hook));
    expect(judge(known, at + FRESH_MS.hook)).toMatchObject({ state: 'idle', source: 'hook' });
    expect(judge(known, at + FRESH_MS.hook + 1)).toMatchObject({ state: 'busy', source: 'screen' });
  });
  test('is unknown when nothing fresh is known, and says since when', () => {
    const known = told(says('busy', 'proxy'));
    const verdict = judge(known, at + FRESH_MS.proxy + 5_000);
    expect(verdict).toMatchObject({ state: 'unknown', source: 'process', sinceMs: at + FRESH_MS.proxy });
    expect(verdict.detail).toContain('busy (by proxy)');
    expect(judge({}, at).state).toBe('unknown');
  });
  test('stays when its source confirms it, without being new', () => {
    const known = confirmed(told(says('idle', 'hook')), at + 60_000, (each) => each.source === 'hook');
    expect(judge(known, at + 60_001)).toMatchObject({ state: 'idle', sinceMs: at, atMs: at + 60_000 });
  });
  test('of the end of a process is outranked by nothing', () => {
    const known = told(says('exited', 'process'), says('busy', 'protocol', at + 1));
    expect(judge(known, at + 500_000).state).toBe('exited');
  });
  test('changes by a word that was said before a confirmation and is handled after it', () => {
    const known = confirmed(told(says('busy', 'hook')), at + 50, () => true);
    expect(judge(withReport(known, says('idle', 'hook', at + 40)), at + 60)).toMatchObject({ state: 'idle' });
  });
  test('does not go back when a late report comes in', () => {
    expect(judge(told(says('idle', 'hook', at + 10), says('busy', 'hook', at)), at + 11).state).toBe('idle');
  });
  test('is shown with its question, since when, and with what every source says, best first', () => {
    const question = { id: 'q1', kind: 'permission' as const, text: 'Run npm test?', choices: ['allow', 'deny'] };
    const known = told(says('busy', 'proxy'), { ...says('waiting', 'hook', at + 5, 'Run npm test?'), question });
    const first = shown(judge(known, at + 6), known);
    expect(first).toMatchObject({ state: 'waiting', question, since: new Date(at + 5).toISOString() });
    expect(first.evidence?.map((each) => each.source)).toEqual(['hook', 'proxy']);
    const later = withReport(known, { ...says('waiting', 'protocol', at + 50, 'Run npm test?'), question });
    expect(shown(judge(later, at + 51), later, first)).toMatchObject({ source: 'protocol', since: first.since });
    expect(ranked(later)[0]?.source).toBe('protocol');
  });
  test('of a hook holds until a lesser source sees something else begin after it', () => {
    const known = told(says('busy', 'proxy'), says('waiting', 'hook', at + 10));
    expect(isContradicted(known, ranked(known)[0] as never)).toBe(false);
    const after = withReport(withReport(known, says('idle', 'proxy', at + 20)), says('busy', 'proxy', at + 30));
    expect(isContradicted(after, ranked(after)[0] as never)).toBe(true);
  });
});

describe('what events say', () => {
  const cases: [AgentEvent, Partial<StateReport> | undefined][] = [
    [{ kind: 'idle' }, { state: 'idle' }],
    [{ kind: 'turn-start' }, { state: 'busy' }],
    [
      { kind: 'tool-start', tool: 'bash', summary: 'npm test' },
      { state: 'busy', detail: 'bash: npm test' },
    ],
    [{ kind: 'answered' }, { state: 'busy' }],
    [{ kind: 'settled' }, { state: 'idle' }],
    [{ kind: 'settled', error: 'overloaded' }, { state: 'waiting' }],
    [
      { kind: 'ask', id: 'a', question: 'May I?', ask: 'permission', tool: 'Bash', command: 'ls' },
      { state: 'waiting' },
    ],
    [{ kind: 'shutdown' }, undefined],
  ];
  test.each(cases)('%j', (event, expected) => {
    if (expected) expect(verdictOf(event)).toMatchObject(expected);
    else expect(verdictOf(event)).toBeUndefined();
  });
  test('an ask carries what is needed to answer it', () => {
    expect(verdictOf(cases[6]?.[0] as AgentEvent)?.question).toEqual({
      id: 'a',
      kind: 'permission',
      text: 'May I?',
      choices: [],
      tool: 'Bash',
      command: 'ls',
    });
  });
  test('traffic: in flight is busy, an end of turn is idle, a tool call is still busy, a cut says nothing', () => {
    const traffic = { agentId: 'a', at, requests: 1, totalCostNano: 0, inFlight: 0 };
    expect(verdictOfTraffic({ ...traffic, inFlight: 2 })?.state).toBe('busy');
    expect(verdictOfTraffic({ ...traffic, stopReason: 'end' })?.state).toBe('idle');
    expect(verdictOfTraffic({ ...traffic, stopReason: 'tool' })?.state).toBe('busy');
    expect(verdictOfTraffic(traffic)).toBeUndefined();
  });
});

describe('progress', () => {
  const limits: ProgressLimits = { stuckSeconds: 600, loopRepeats: 5, callCap: 100 };
  const signs = (change: Partial<Signs> = {}): Signs => ({
    trafficMs: at,
    outputMs: at,
    filesMs: 0,
    inFlight: 0,
    ...change,
  });
  const judged = (change: object, now = at + 601_000) =>
    attentionOf({ busy: true, signs: signs(), calls: [], modelCalls: 0, ...change }, limits, now);

  test('a busy agent without traffic, output and changed files is stuck; any one sign is enough not to be', () => {
    expect(judged({})).toMatchObject({ kind: 'stuck', since: new Date(at).toISOString() });
    expect(judged({}, at + 599_000)).toBeUndefined();
    for (const sign of ['trafficMs', 'outputMs', 'filesMs'] as const)
      expect(judged({ signs: signs({ [sign]: at + 300_000 }) })).toBeUndefined();
    expect(judged({ signs: signs({ inFlight: 1 }) })).toBeUndefined();
    expect(silentMs(signs({ inFlight: 1 }), at + 1e9)).toBe(0);
  });
  test('an agent that rests or waits for a person is never stuck', () => {
    expect(judged({ busy: false, modelCalls: 1_000 })).toBeUndefined();
  });
  test('the same call, or the same short cycle of calls, in a row is a loop; a change breaks it', () => {
    expect(cycleOf(Array(5).fill('a'), 5)).toBe(1);
    expect(cycleOf(Array(4).fill('a'), 5)).toBeUndefined();
    expect(
      cycleOf(
        Array.from({ length: 10 }, (_, n) => `${n % 2}`),
        5,
      ),
    ).toBe(2);
    expect(cycleOf(['x', ...Array(4).fill('a'), 'b'], 5)).toBeUndefined();
    const looping = judged({ calls: Array(5).fill('bash: ls\u0000d1') }, at);
    expect(looping).toMatchObject({ kind: 'looping', detail: expect.stringContaining('bash: ls') });
    expect(looping?.detail).not.toContain('d1');
  });
  test('a cap on the calls of one turn ends what repeats in no pattern', () => {
    expect(judged({ modelCalls: 100 }, at)).toMatchObject({ kind: 'looping' });
    expect(judged({ modelCalls: 99 }, at)).toBeUndefined();
  });
  test('signs are gathered from the bridge and the proxy; a new turn starts the count again', () => {
    const log = createProgressLog(() => at);
    log.bridgeEvent('a', { kind: 'tool-start', tool: 'bash', summary: 'ls', digest: '1' }, at + 5);
    log.activity({ agentId: 'a', at: at + 9, inFlight: 0, outcome: 'ok', requests: 1, totalCostNano: 0 });
    expect(log.of('a')).toMatchObject({ calls: ['bash: ls\u00001'], modelCalls: 1, signs: { trafficMs: at + 9 } });
    log.bridgeEvent('a', { kind: 'turn-start' }, at + 20);
    expect(log.of('a')).toMatchObject({ calls: [], modelCalls: 0 });
  });
});
