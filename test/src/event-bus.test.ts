import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createEventBus, type GodelEvent } from '../../src/base/event.ts';

const event = (seq: number): GodelEvent => ({
  seq,
  id: String(seq),
  type: 'bead:created',
  timestamp: seq,
  source: { component: 'test' },
  payload: {},
  metadata: {},
});
const events = (from: number, count: number) => Array.from({ length: count }, (_, index) => event(from + index));

test('a few events are told before publish returns, also when a listener fails', () => {
  const failed: unknown[] = [];
  const bus = createEventBus((error) => failed.push(error));
  const heard: number[] = [];
  bus.subscribe(() => {
    throw new Error('deaf');
  });
  bus.subscribe(({ seq }) => heard.push(seq));
  void bus.publish(events(1, 3));
  expect(heard).toEqual([1, 2, 3]);
  expect(failed).toHaveLength(3);
});

test('many events leave turns to everything else, and what comes meanwhile is told after them', async () => {
  const bus = createEventBus(() => {});
  const heard: number[] = [];
  bus.subscribe(({ seq }) => heard.push(seq));
  const many = bus.publish(events(1, 1_000));
  expect(heard.length).toBeLessThan(1_000);
  const few = bus.publish([event(1_001)]);
  const turns: number[] = [];
  while (heard.length < 1_001) {
    turns.push(heard.length);
    await nextTurn();
  }
  await Promise.all([many, few]);
  expect(turns.length).toBeGreaterThan(5);
  expect(heard).toEqual(events(1, 1_001).map(({ seq }) => seq));
  void bus.publish([event(1_002)]);
  expect(heard.at(-1)).toBe(1_002);
});
