/** What can be done with the todos of agents. */
import { z } from 'zod';
import { todoListSchema, todoStatusSchema } from '../agents/schema.ts';
import { operation } from '../base/operation.ts';
import { listText } from './text.ts';

const agent = z.string().min(1).optional().describe('Agent, by name or id; an agent leaves it out for itself');
const content = z.string().min(1).max(1_000);
const item = z.string().min(1).max(1_000).describe('Number of the todo, or how it begins');

export const todoOperations = {
  todoList: operation({
    name: 'todo list',
    aliases: ['todo'],
    http: { method: 'GET', path: '/todos' },
    summary: 'List the todos of an agent',
    input: z.object({ agent }),
    output: todoListSchema,
    permission: 'todo:read',
    args: ['agent'],
    scope: 'project',
    examples: ['godel todo list worker-1'],
    text: listText,
  }),
  todoWrite: operation({
    name: 'todo write',
    http: { method: 'PUT', path: '/todos' },
    summary: 'Replace the whole list of todos of an agent',
    description:
      'Write the list again whenever something of it changes: what is worked on, what is finished, what was found. A word list item may begin with [ ], [>] (in progress) or [x].',
    input: z.object({
      items: z
        .array(z.union([z.object({ content, status: todoStatusSchema.default('pending') }), content]))
        .max(200)
        .describe('Every todo in order, with its status: pending, in_progress or completed'),
      agent,
    }),
    output: todoListSchema,
    permission: 'todo:write',
    args: ['items'],
    scope: 'project',
    examples: ['godel todo write "[x] Read the code" "[>] Write the test" "Change the code"'],
    text: listText,
  }),
  todoAdd: operation({
    name: 'todo add',
    http: { method: 'POST', path: '/todos', status: 201 },
    summary: 'Add a todo at the end of the list',
    input: z.object({ content, agent }),
    output: todoListSchema,
    permission: 'todo:write',
    args: ['content'],
    scope: 'project',
    examples: ['godel todo add "Update the docs"'],
    text: listText,
  }),
  todoStart: operation({
    name: 'todo start',
    http: { method: 'POST', path: '/todos/start' },
    summary: 'Mark a todo as in progress',
    input: z.object({ item, agent }),
    output: todoListSchema,
    permission: 'todo:write',
    args: ['item'],
    scope: 'project',
    examples: ['godel todo start 2'],
    text: listText,
  }),
  todoDone: operation({
    name: 'todo done',
    http: { method: 'POST', path: '/todos/done' },
    summary: 'Mark a todo as completed',
    input: z.object({ item, agent }),
    output: todoListSchema,
    permission: 'todo:write',
    args: ['item'],
    scope: 'project',
    examples: ['godel todo done 2', 'godel todo done "Write the test"'],
    text: listText,
  }),
  todoExport: operation({
    name: 'todo export',
    http: { method: 'GET', path: '/todos/export' },
    summary: 'Print the todos of an agent, or of all that have some, as Markdown or JSON',
    input: z.object({ agent, format: z.enum(['markdown', 'json']).default('markdown') }),
    output: z.object({ items: z.array(todoListSchema), text: z.string() }),
    permission: 'todo:read',
    args: ['agent'],
    scope: 'project',
    examples: ['godel todo export > todos.md', 'godel todo export worker-1 --format json'],
    text: ({ text }) => text.trimEnd(),
  }),
} as const;
