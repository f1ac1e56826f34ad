/** Todos as lists for people and files. Pure. */
import { openTodos, type Todo, type TodoList, todoProgress } from '../agents/schema.ts';
import { BOX } from './state.ts';

export const todoLines = (items: readonly Todo[]): string[] =>
  items.map((todo, at) => `${String(at + 1).padStart(2)} ${BOX[todo.status]} ${todo.content}`);

export function listText({ agent, items }: TodoList): string {
  if (items.length === 0) return `${agent} has no todos. godel todo write "Read the code" "Write the test" makes some.`;
  return [`${agent}: ${todoProgress(items)} done`, ...todoLines(items)].join('\n');
}

/** A checklist as Markdown has it. */
export function markdownOf(lists: readonly TodoList[]): string {
  const part = ({ agent, beadId, items }: TodoList) => [
    `## ${agent}${beadId ? ` (${beadId})` : ''}`,
    '',
    ...items.map(({ content, status }) => {
      const note = status === 'in_progress' ? ' (in progress)' : '';
      return `- [${status === 'completed' ? 'x' : ' '}] ${content}${note}`;
    }),
    '',
  ];
  return lists.flatMap(part).join('\n');
}

/** What a person or an agent is told who ends work with open todos; undefined when none is open. */
export function openWarning(items: readonly Todo[]): string | undefined {
  const open = openTodos(items);
  if (open.length === 0) return undefined;
  const names = open.slice(0, 3).map(({ content }) => `“${content}”`);
  const more = open.length > 3 ? ` and ${open.length - 3} more` : '';
  return `${open.length} of ${items.length} todos ${open.length === 1 ? 'is' : 'are'} open: ${names.join(', ')}${more}`;
}
