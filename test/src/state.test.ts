/** Every transition table: what is allowed, what is refused, and that nothing is a dead end by accident. */
import { describe, expect, test } from 'vitest';
import { type Lifecycle, lifecycleSchema } from '../../src/agents/schema.ts';
import { agentTransitions, nextLifecycle } from '../../src/agents/state.ts';
import { allowedActions, type TransitionTable } from '../../src/base/transition.ts';
import { beadStatusSchema } from '../../src/beads/schema.ts';
import { actionBetween, beadTransitions } from '../../src/beads/state.ts';
import { convoyStatusOf, progressOf } from '../../src/convoys/state.ts';

const tables: [string, TransitionTable<string, string>, readonly string[], string][] = [
  ['beads', beadTransitions, beadStatusSchema.options, 'open'],
  ['agents', agentTransitions, lifecycleSchema.options, 'initializing'],
];

describe.each(tables)('%s', (_name, table, statuses, first) => {
  test('every status is in the table and can be reached', () => {
    expect(Object.keys(table).sort()).toEqual([...statuses].sort());
    const reached = new Set([first]);
    for (const status of reached)
      for (const action of allowedActions(table, status)) reached.add(table[status]?.[action] as string);
    expect([...reached].sort()).toEqual([...statuses].sort());
  });
  test('no status is a dead end', () => {
    for (const status of statuses) expect(allowedActions(table, status).length, status).toBeGreaterThan(0);
  });
});

test('a card moves between lanes by the action that means it', () => {
  expect(actionBetween('review', 'done')).toBe('land');
  expect(actionBetween('open', 'done')).toBe('close');
  expect(actionBetween('open', 'review')).toBeUndefined();
  expect(actionBetween('done', 'open')).toBe('reopen');
});

test('an ended agent begins again from the start', () => {
  for (const ended of ['failed', 'killed', 'completed'] as Lifecycle[])
    expect(nextLifecycle(ended, 'retry')).toBe('initializing');
  expect(nextLifecycle('completed', 'pause')).toBeUndefined();
});

test('a convoy is complete when all beads that still exist are done', () => {
  expect(convoyStatusOf('active', ['done', undefined, 'done'])).toBe('completed');
  expect(convoyStatusOf('completed', ['done', 'open'])).toBe('active');
  expect(convoyStatusOf('active', [])).toBe('active');
  expect(convoyStatusOf('archived', ['open'])).toBe('archived');
  expect(progressOf(['done', 'open', 'review'])).toEqual({ done: 1, total: 3, percent: 33 });
});
