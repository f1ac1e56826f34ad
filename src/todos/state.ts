/** How lists of todos change, and how they are written in words. Pure. */
import type { Todo, TodoStatus } from '../agents/schema.ts';

export interface TodoInput {
  content: string;
  status?: TodoStatus | undefined;
}

const BOXES: Readonly<Record<string, TodoStatus>> = {
  '[ ]': 'pending',
  '[]': 'pending',
  '[>]': 'in_progress',
  '[-]': 'in_progress',
  '[x]': 'completed',
  '[X]': 'completed',
};
export const BOX: Readonly<Record<TodoStatus, string>> = { pending: '[ ]', in_progress: '[>]', completed: '[x]' };

/** `[x] Write the test` is a todo with its status; words alone are one that is pending. */
export function readTodo(text: string): TodoInput {
  const box = /^\s*(?:[-*]\s+)?(\[[ xX>-]?\])\s*/.exec(text);
  const status = BOXES[box?.[1] ?? ''] ?? 'pending';
  return { content: (box ? text.slice(box[0].length) : text).trim(), status };
}

/** The whole list as it is now; a todo that was known keeps the times at which it began and ended. */
export function nextTodos(before: readonly Todo[], items: readonly TodoInput[], now: string): Todo[] {
  const known = [...before];
  return items.map(({ content, status = 'pending' }) => {
    const index = known.findIndex((todo) => todo.content === content);
    const [old] = index < 0 ? [] : known.splice(index, 1);
    const startedAt = status === 'pending' ? undefined : (old?.startedAt ?? now);
    const completedAt = status === 'completed' ? (old?.completedAt ?? now) : undefined;
    const createdAt = old?.createdAt ?? now;
    return { content, status, createdAt, ...(startedAt ? { startedAt } : {}), ...(completedAt ? { completedAt } : {}) };
  });
}

/** True when a list says what is known already. */
export const isSame = (before: readonly Todo[], items: readonly TodoInput[]): boolean =>
  before.length === items.length &&
  before.every((todo, at) => todo.content === items[at]?.content && todo.status === (items[at]?.status ?? 'pending'));

/** Place of a todo given by its number, counted from 1, or by the beginning of its words; undefined when not one fits. */
export function placeOf(todos: readonly Todo[], wanted: string): number | undefined {
  if (/^\d+$/.test(wanted)) return todos[Number(wanted) - 1] ? Number(wanted) - 1 : undefined;
  const fits = (todo: Todo) => todo.content.toLowerCase().startsWith(wanted.toLowerCase());
  const found = todos.flatMap((todo, at) => (fits(todo) ? [at] : []));
  const exact = todos.findIndex((todo) => todo.content === wanted);
  return exact >= 0 ? exact : found.length === 1 ? found[0] : undefined;
}
