/** Refusals about todos. Pure. */
import type { ErrorSpec } from '../base/error.ts';
import { p } from '../base/error-text.ts';

export const todoRefusals = {
  'todo-not-found': {
    kind: 'not_found',
    message: (a) => `"${p(a, 'item')}" is not one of the ${p(a, 'count')} todos, or the beginning of more than one.`,
    hint: () => 'godel todo list numbers them.',
  },
  'todo-not-yours': {
    kind: 'forbidden',
    message: (a) => `The todos of ${p(a, 'agent')} are its own; ${p(a, 'actor')} may read them.`,
    hint: (a) => `Ask it: godel message send ${p(a, 'agent')} "…"`,
  },
  'todos-open': {
    kind: 'conflict',
    message: (a) => `It was not handed over: ${p(a, 'problem')}.`,
    hint: () => 'Finish them, or say that they are done: godel todo done 1; godel todo write "…" replaces the list.',
  },
} as const satisfies Record<string, ErrorSpec>;
