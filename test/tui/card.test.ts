/** The row of an agent: what is left out first when there is little room. */
import { expect, test } from 'vitest';
import { nextTodos, readTodo } from '../../src/todos/state.ts';
import { agentSpans } from '../../tui/views/card.ts';
import { makeAgent } from '../support/board-data.ts';

const EPOCH = Date.parse('2026-11-21T10:00:00.000Z');

test('todos and unread messages stand before since when, and the state before both', () => {
  const todos = nextTodos([], ['[x] a', '[x] b', 'c'].map(readTodo), new Date(EPOCH).toISOString());
  const agent = makeAgent(1, 'busy', { todos, unread: 2 }, EPOCH);
  const at = (cells: number, shown = agent) =>
    agentSpans(shown, EPOCH + 20_000, cells)
      .map(({ text }) => text)
      .join('');
  expect(at(60)).toMatch(/worker-1 busy 20s ☑ 2\/3 ✉ 2$/);
  expect(at(28)).toMatch(/worker-1 busy ☑ 2\/3 ✉ 2$/);
  expect(at(22)).toMatch(/worker-1 busy ☑ 2\/3$/);
  expect(at(16)).toMatch(/worker-1 ☑ 2\/3$/);
  expect(at(15)).toMatch(/worker-1 busy$/);
  // Who waits for a person says so first.
  expect(at(20, makeAgent(1, 'waiting', { todos }, EPOCH))).toMatch(/worker-1 waiting!$/);
});
