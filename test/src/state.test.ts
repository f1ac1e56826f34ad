/** Every transition table: what is allowed, what is refused, and that nothing is a dead end by accident. */
import { describe, expect, test } from 'vitest';
import { type Lifecycle, lifecycleSchema } from '../../src/agents/schema.ts';
import { agentTransitions, nextLifecycle } from '../../src/agents/state.ts';
import { allowedActions, type TransitionTable } from '../../src/base/transition.ts';
import { beadStatusSchema } from '../../src/beads/schema.ts';
import { actionBetween, beadTransitions } from '../../src/beads/state.ts';
import { convoyStatusSchema } from '../../src/convoys/schema.ts';
import { convoyStatusOf, convoyTransitions, progressOf } from '../../src/convoys/state.ts';
import { entryStatusSchema } from '../../src/merge/schema.ts';
import { entryTransitions, isOpen, isSetAside, isWaiting, nextEntryStatus } from '../../src/merge/state.ts';

/** Table, statuses, the first one, and those that are meant to be the last. */
const tables: [string, TransitionTable<string, string>, readonly string[], string, readonly string[]][] = [
  ['beads', beadTransitions, beadStatusSchema.options, 'open', []],
  ['agents', agentTransitions, lifecycleSchema.options, 'initializing', []],
  ['convoys', convoyTransitions, convoyStatusSchema.options, 'active', []],
  ['merge entries', entryTransitions, entryStatusSchema.options, 'queued', ['landed', 'removed']],
];

describe.each(tables)('%s', (_name, table, statuses, first, last) => {
  test('every status is in the table and can be reached', () => {
    expect(Object.keys(table).sort()).toEqual([...statuses].sort());
    const reached = new Set([first]);
    for (const status of reached)
      for (const action of allowedActions(table, status)) reached.add(table[status]?.[action] as string);
    expect([...reached].sort()).toEqual([...statuses].sort());
  });
  test('no status is a dead end unless it is meant to be', () => {
    expect(statuses.filter((status) => allowedActions(table, status).length === 0)).toEqual(last);
  });
});

describe('merge entries', () => {
  const actions = [...new Set(entryStatusSchema.options.flatMap((status) => allowedActions(entryTransitions, status)))];

  test('random walks stay in the table, end only where it says, and land from wherever work is found on main', () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let walk = 0; walk < 1_000; walk += 1) {
      let status: (typeof entryStatusSchema.options)[number] = 'queued';
      for (let step = 0; step < 30; step += 1) {
        const action = actions[random(actions.length)] as (typeof actions)[number];
        const next = nextEntryStatus(status, action);
        if (next === undefined) continue;
        expect(entryStatusSchema.options).toContain(next);
        if (next === 'landed') expect(action).toBe('land');
        if (next === 'evicted') expect(status).toBe('gating');
        status = next;
      }
      expect([isWaiting(status), isSetAside(status), !isOpen(status)].filter(Boolean)).toHaveLength(1);
      if (isOpen(status)) expect(nextEntryStatus(status, 'land')).toBe('landed');
    }
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
  expect(progressOf(['done', 'open', 'review'])).toMatchObject({
    done: 1,
    total: 3,
    percent: 33,
  });
});
