/** What the merge queue decides, without git: which prefixes to gate, whom to blame, in which order, and how soon. */
import { describe, expect, test } from 'vitest';
import {
  averaged,
  batchSize,
  newRound,
  nextStep,
  noteVerdict,
  type Policy,
  type Round,
} from '../../../src/merge/batch.ts';
import type { Entry } from '../../../src/merge/schema.ts';
import { emptyQueue, etaMs, listEntries, missingBlockers, orderEntries } from '../../../src/merge/state.ts';
import { makeBead, makeEntry } from '../../support/board-data.ts';

const policy = (changes: Partial<Policy> = {}): Policy => ({
  slots: 1,
  retries: 1,
  failureRate: 0.1,
  flakeRate: 0,
  ...changes,
});

/** Random numbers that are the same in every run. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Played {
  landed: number[];
  evicted: number[];
  gates: number;
  reruns: number;
}

/** Plays a whole queue: `isGreen` is the gate over the entries below and at a prefix. */
function play(count: number, given: Partial<Policy>, isGreen: (entries: readonly number[]) => boolean): Played {
  const played: Played = { landed: [], evicted: [], gates: 0, reruns: 0 };
  let queue = Array.from({ length: count }, (_, index) => index);
  let failureRate = 0.1;
  let main: number[] = [];
  while (queue.length > 0) {
    const stack = queue.slice(0, batchSize(failureRate));
    let round = newRound(stack.length);
    let step = nextStep(round, policy({ ...given, failureRate }));
    while (step.kind === 'gate') {
      for (const prefix of step.prefixes) {
        played.gates += 1;
        if (round.red.has(prefix)) played.reruns += 1;
        round = noteVerdict(round, prefix, isGreen([...main, ...stack.slice(0, prefix)])).round;
      }
      step = nextStep(round, policy({ ...given, failureRate }));
    }
    const landed = stack.slice(0, round.green);
    played.landed.push(...landed);
    main = [...main, ...landed];
    for (const _ of landed) failureRate = averaged(failureRate, 0);
    const evicted = step.kind === 'evict' ? [stack[step.index - 1] as number] : [];
    played.evicted.push(...evicted);
    if (evicted.length > 0) failureRate = averaged(failureRate, 1);
    queue = queue.filter((entry) => !landed.includes(entry) && !evicted.includes(entry));
  }
  return played;
}

describe('batches', () => {
  test('are as large as pass about every second time, from 1 to 32', () => {
    expect([0, 0.02, 0.05, 0.1, 0.2, 0.5, 1].map(batchSize)).toEqual([32, 32, 14, 7, 3, 1, 1]);
  });

  test('with one slot gate the whole first, then halve what is red, and blame only after another red run', () => {
    let round: Round = newRound(4);
    expect(nextStep(round, policy())).toEqual({ kind: 'gate', prefixes: [4] });
    round = noteVerdict(round, 4, false).round;
    expect(nextStep(round, policy())).toEqual({ kind: 'gate', prefixes: [2] });
    round = noteVerdict(round, 2, true).round;
    expect(nextStep(round, policy())).toEqual({ kind: 'gate', prefixes: [3] });
    round = noteVerdict(round, 3, false).round;
    expect(nextStep(round, policy())).toEqual({ kind: 'gate', prefixes: [3] });
    expect(nextStep(noteVerdict(round, 3, false).round, policy())).toEqual({ kind: 'evict', index: 3 });
    const { round: calm, flake } = noteVerdict(round, 3, true);
    expect(flake).toBe(true);
    expect(nextStep(calm, policy())).toEqual({ kind: 'gate', prefixes: [4] });
  });

  test('with several slots gate prefixes side by side', () => {
    const round = newRound(8);
    expect(nextStep(round, policy({ slots: 3 }))).toEqual({ kind: 'gate', prefixes: [8, 4, 2] });
    const red = noteVerdict(round, 8, false).round;
    const step = nextStep(red, policy({ slots: 3 }));
    expect(step).toEqual({ kind: 'gate', prefixes: [1, 3, 5] });
  });

  test('of one entry are the same thing', () => {
    const red = noteVerdict(newRound(1), 1, false).round;
    expect(nextStep(newRound(1), policy({ slots: 4 }))).toEqual({ kind: 'gate', prefixes: [1] });
    expect(nextStep(red, policy())).toEqual({ kind: 'gate', prefixes: [1] });
    expect(nextStep(red, policy({ retries: 0 }))).toEqual({ kind: 'evict', index: 1 });
    expect(nextStep(noteVerdict(red, 1, true).round, policy())).toEqual({ kind: 'done' });
  });

  test('run a red whole again at once where flakes are more common than faults', () => {
    const red = noteVerdict(newRound(8), 8, false).round;
    const flaky = policy({ failureRate: 0.01, flakeRate: 0.9 });
    expect(nextStep(red, flaky)).toEqual({ kind: 'gate', prefixes: [8] });
    expect(nextStep(noteVerdict(red, 8, false).round, flaky).kind).toBe('gate');
  });
});

describe('a queue of 200 entries with a tenth of them at fault', () => {
  const seeds = Array.from({ length: 20 }, (_, index) => index + 1);
  const runs = (given: Partial<Policy>) =>
    seeds.map((seed) => {
      const random = randomOf(seed);
      const faulty = new Set(Array.from({ length: 200 }, (_, index) => index).filter(() => random() < 0.1));
      const played = play(200, given, (entries) => !entries.some((entry) => faulty.has(entry)));
      return { faulty, played };
    });

  test('lands every innocent and evicts every fault, with any number of slots', () => {
    for (const slots of [1, 2, 4]) {
      for (const { faulty, played } of runs({ slots })) {
        expect(new Set(played.evicted)).toEqual(faulty);
        expect(played.landed).toHaveLength(200 - faulty.size);
      }
    }
  });

  test('lands at least 1.7 entries a gate, apart from the second look before each eviction', () => {
    const all = runs({ retries: 1 }).map(({ played }) => played);
    const sum = (of: (played: Played) => number) => all.reduce((total, played) => total + of(played), 0);
    expect(sum((each) => each.landed.length) / sum((each) => each.gates - each.reruns)).toBeGreaterThan(1.7);
    expect(sum((each) => each.reruns)).toBe(sum((each) => each.evicted.length));
    const plain = runs({ retries: 0 }).map(({ played }) => played);
    const landed = plain.reduce((total, each) => total + each.landed.length, 0);
    expect(landed / plain.reduce((total, each) => total + each.gates, 0)).toBeGreaterThan(1.7);
  });

  test('never blames an innocent for a gate that was red once', () => {
    for (const seed of seeds) {
      const random = randomOf(seed);
      const seen = new Set<string>();
      // Every fourth gate is red the first time, and never twice.
      const played = play(60, { slots: 2 }, (entries) => {
        const key = entries.join();
        const flake = !seen.has(key) && random() < 0.25;
        seen.add(key);
        return !flake;
      });
      expect(played.evicted).toEqual([]);
      expect(played.landed).toHaveLength(60);
    }
  });
});

describe('order', () => {
  const now = Date.parse('2026-11-21T12:00:00.000Z');
  const entry = (index: number, changes: Partial<Entry> = {}): Entry => {
    const bead = makeBead(index);
    const enqueuedAt = new Date(now - 60_000 + index).toISOString();
    return makeEntry(bead, { id: `e${index}`, priority: 'medium', enqueuedAt, ...changes });
  };
  const plain = { nowMs: now, blockersOf: () => [] as string[] };
  const ids = (entries: readonly Entry[]) => entries.map((each) => each.id);

  test('priority first, then age; a long wait outweighs a step of priority', () => {
    const old = entry(3, { priority: 'low', enqueuedAt: new Date(now - 5 * 3_600_000).toISOString() });
    const entries = [entry(1), entry(2, { priority: 'critical' }), old, entry(0)];
    expect(ids(orderEntries(entries, plain))).toEqual(['e3', 'e2', 'e0', 'e1']);
  });

  test('dependencies first, whatever their priority; a circle does not hang', () => {
    const [a, b] = [entry(1, { priority: 'critical' }), entry(2, { priority: 'low' })];
    const waits = { nowMs: now, blockersOf: (id: string) => (id === a.beadId ? [b.beadId] : []) };
    expect(ids(orderEntries([a, b], waits))).toEqual(['e2', 'e1']);
    const circle = { nowMs: now, blockersOf: (id: string) => (id === a.beadId ? [b.beadId] : [a.beadId]) };
    expect(ids(orderEntries([a, b], circle)).sort()).toEqual(['e1', 'e2']);
  });

  test('a blocker that is not ahead in the queue keeps an entry waiting', () => {
    const a = entry(1);
    const waits = { nowMs: now, blockersOf: () => ['godel-other'] };
    expect(missingBlockers(a, [a], waits)).toEqual(['godel-other']);
  });

  test('set aside and finished entries have no place, waiting ones have a place and a time', () => {
    const queue = { ...emptyQueue('p'), gateMs: 60_000 };
    const listed = listEntries([entry(1), entry(2, { status: 'evicted' }), entry(3, { status: 'landed' })], queue, {
      ...plain,
      slots: 1,
    });
    expect(listed.map((each) => each.position)).toEqual([1, undefined, undefined]);
    expect(listed[0]?.etaMs).toBeGreaterThan(60_000);
    expect(etaMs(queue, 20, 1)).toBeGreaterThan(etaMs(queue, 0, 1));
    expect(etaMs(queue, 20, 4)).toBeLessThan(etaMs(queue, 20, 1));
  });
});
