/** Loops of talk are found by what led to a message; people and progress end them. */
import { describe, expect, test } from 'vitest';
import { type Chain, hopsOf, isLoop, statusOf } from '../../../src/messages/state.ts';
import { messagePrompt } from '../../../src/messages/text.ts';

const chain = (change: Partial<Chain> = {}): Chain => ({
  received: { hops: 4, createdAt: '2026-01-01T00:00:02Z' },
  toldAt: undefined,
  progressAt: undefined,
  ...change,
});

describe('hops', () => {
  test('go on from what was received last', () => {
    expect(hopsOf(chain())).toBe(5);
    expect(hopsOf(chain({ received: undefined }))).toBe(0);
  });
  test('begin again after a person spoke or the work moved, but not after what was before', () => {
    expect(hopsOf(chain({ toldAt: '2026-01-01T00:00:03Z' }))).toBe(0);
    expect(hopsOf(chain({ progressAt: '2026-01-01T00:00:03Z' }))).toBe(0);
    expect(hopsOf(chain({ toldAt: '2026-01-01T00:00:01Z', progressAt: '2026-01-01T00:00:02Z' }))).toBe(5);
  });
  test('are a loop at the limit; zero is none', () => {
    expect([isLoop(9, 10), isLoop(10, 10), isLoop(500, 0)]).toEqual([false, true, false]);
  });
});

test('what became of a message follows from the prompt that carries it', () => {
  expect(statusOf('queued', false)).toBe('queued');
  expect(statusOf('delivered', false)).toBe('queued');
  expect(statusOf('acknowledged', false)).toBe('delivered');
  expect(statusOf('dead', false)).toBe('lost');
  expect(statusOf(undefined, false)).toBe('kept');
  expect(statusOf(undefined, true)).toBe('read');
});

test('an agent reads who wrote, to how many, and how to answer; a person needs no answer', () => {
  const words = { text: 'Pull first.', sentTo: 3 };
  expect(messagePrompt({ ...words, from: 'a-1', fromKind: 'agent' })).toBe(
    'Message from a-1 to 3 agents:\n\nPull first.\n\nIf it needs an answer: godel message send a-1 "…"',
  );
  expect(messagePrompt({ ...words, sentTo: 1, from: 'ann', fromKind: 'user' })).toBe(
    'Message from ann:\n\nPull first.',
  );
});
