/** Questions that a program asks about several calls at once are told in the order in which its dialog shows them. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DriverSink } from '../../../runners/runtimes/host/driver.ts';
import { createFaceAsks } from '../../../runners/runtimes/host/face-asks.ts';
import { FACES, type FaceProgram } from '../../../runners/runtimes/host/face-program.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What is told of Gemini's questions, and a hook that asks to run a command and was started then (ms). */
function stage() {
  const told: string[] = [];
  const texts = new Map<string, string>();
  const sink = {
    asked({ id, question }: { id: string; question: string }) {
      texts.set(id, question);
      told.push(`asked ${question}`);
    },
    answered: (id: string) => told.push(`over ${texts.get(id)}`),
  } as unknown as DriverSink;
  const asks = createFaceAsks(FACES.gemini as FaceProgram, sink, () => {});
  const hook = (command: string, ms: number) => {
    const body = { timestamp: new Date(ms).toISOString(), details: { type: 'exec', command } };
    asks.add({ body, reply: () => {}, onGone: () => {} });
  };
  return { asks, hook, told };
}

test('hooks that come in the wrong order', () => {
  const { hook, told } = stage();
  hook('second', 2_000);
  expect(told).toEqual([]);
  hook('first', 1_000);
  vi.runAllTimers();
  expect(told).toEqual(['asked execute: first', 'asked execute: second']);
});

test('one that comes late takes its place before those that were told', () => {
  const { hook, told } = stage();
  hook('second', 2_000);
  vi.runAllTimers();
  hook('first', 1_000);
  vi.runAllTimers();
  hook('third', 3_000);
  vi.runAllTimers();
  expect(told).toEqual([
    'asked execute: second',
    'over execute: second',
    'asked execute: first',
    'asked execute: second',
    'asked execute: third',
  ]);
});

test('what is over before it was told is not told', () => {
  const { asks, hook, told } = stage();
  hook('one', 1_000);
  asks.giveUp();
  vi.runAllTimers();
  expect(told).toEqual([]);
});
