/** Lists of todos: replaced whole, with the times kept; and what the todo tools of programs write, in one form. */
import { describe, expect, test } from 'vitest';
import { reportHook } from '../../../runners/runtimes/host/hook-events.ts';
import { type ProgramTodo, todosIn, todosOf } from '../../../runners/runtimes/todos.ts';
import { isSame, nextTodos, placeOf, readTodo } from '../../../src/todos/state.ts';
import { markdownOf, openWarning } from '../../../src/todos/text.ts';

const [first, later] = ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'];

test('a list is replaced whole; what stays keeps when it began and ended, also twice the same words', () => {
  const before = nextTodos([], [{ content: 'a', status: 'in_progress' }, { content: 'b' }, { content: 'b' }], first);
  expect(before.map(({ status }) => status)).toEqual(['in_progress', 'pending', 'pending']);
  const after = nextTodos(
    before,
    [{ content: 'b', status: 'completed' }, { content: 'a', status: 'completed' }, { content: 'c' }],
    later,
  );
  expect(after).toEqual([
    { content: 'b', status: 'completed', createdAt: first, startedAt: later, completedAt: later },
    { content: 'a', status: 'completed', createdAt: first, startedAt: first, completedAt: later },
    { content: 'c', status: 'pending', createdAt: later },
  ]);
  expect(isSame(after, after)).toBe(true);
  expect(isSame(after, before)).toBe(false);
});

test('words say their status with a box, and a todo is found by number or beginning', () => {
  expect(readTodo('[x] Read')).toEqual({ content: 'Read', status: 'completed' });
  expect(readTodo('- [ ] Read')).toEqual({ content: 'Read', status: 'pending' });
  expect(readTodo('[>] Read')).toEqual({ content: 'Read', status: 'in_progress' });
  expect(readTodo('[wip] Read')).toEqual({ content: '[wip] Read', status: 'pending' });
  const todos = nextTodos([], [{ content: 'Write the test' }, { content: 'Write' }, { content: 'Wait' }], first);
  expect(['2', '9', 'wai', 'Write', 'w'].map((wanted) => placeOf(todos, wanted))).toEqual([
    1,
    undefined,
    2,
    1,
    undefined,
  ]);
});

test('what is open is named, and a list is a checklist in Markdown', () => {
  const items = nextTodos([], ['[x] a', '[>] b', 'c', 'd', 'e'].map(readTodo), first);
  expect(openWarning(items)).toBe('4 of 5 todos are open: “b”, “c”, “d” and 1 more');
  expect(openWarning(items.slice(0, 1))).toBeUndefined();
  expect(markdownOf([{ agent: 'w-1', agentId: 'x', beadId: 'godel-abc12', items: items.slice(0, 2) }])).toBe(
    '## w-1 (godel-abc12)\n\n- [x] a\n- [ ] b (in progress)\n',
  );
});

describe('the todo tool of a program', () => {
  const b: ProgramTodo = { content: 'b', status: 'in_progress' };
  test.each([
    [
      'TodoWrite',
      {
        todos: [
          { content: 'a', status: 'completed', activeForm: 'Doing a' },
          { content: 'b', status: 'in_progress' },
        ],
      },
    ],
    [
      'todowrite',
      {
        todos: [
          { content: 'a', status: 'completed', priority: 'high' },
          { content: 'b', status: 'in_progress' },
        ],
      },
    ],
    [
      'write_todos',
      {
        todos: [
          { description: 'a', status: 'completed' },
          { description: 'b', status: 'in_progress' },
          { description: 'x', status: 'cancelled' },
        ],
      },
    ],
    [
      'update_plan',
      {
        explanation: 'why',
        plan: [
          { step: 'a', status: 'completed' },
          { step: 'b', status: 'in_progress' },
        ],
      },
    ],
  ])('%s is read', (tool, input) => {
    expect(todosOf(tool, input)).toEqual([{ content: 'a', status: 'completed' }, b]);
  });
  test('is told by a hook before the call, and other tools and broken input are not taken for one', () => {
    const told: unknown[] = [];
    const sink = { todos: (items: unknown) => told.push(items), toolStarted: () => {} } as never;
    reportHook({ hook_event_name: 'PreToolUse', tool_name: 'TodoWrite', tool_input: { todos: [b] } }, sink);
    reportHook({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_input: { todos: [b] } }, sink);
    expect(told).toEqual([[b]]);
    expect([
      todosOf('TodoWrite', null),
      todosOf('TodoWrite', { todos: 'x' }),
      todosOf('TodoRead', { todos: [b] }),
    ]).toEqual([undefined, undefined, undefined]);
    // Codex and ACP tell their plan beside the call.
    expect(todosIn([{ step: 'b', status: 'inProgress' }, null, { status: 'pending' }])).toEqual([b]);
  });
});
