/** The todo lists of programs, whatever their tools call them, as one list. Pure. */

export interface ProgramTodo {
  content: string;
  status: 'pending' | 'in_progress' | 'completed';
}

/** TodoWrite (Claude Code), todowrite (opencode), write_todos (Gemini), update_plan (Codex), todo_write and the like. */
const TOOL = /^(?:todo_?write|write_?todos?|todos?|update_?plan)$/i;
const LISTS = ['todos', 'plan', 'items', 'entries'];
const WORDS = ['content', 'step', 'description', 'title', 'text', 'task'];
const MOST = 200;

const STATUS: Readonly<Record<string, ProgramTodo['status']>> = {
  in_progress: 'in_progress',
  inprogress: 'in_progress',
  active: 'in_progress',
  completed: 'completed',
  complete: 'completed',
  done: 'completed',
};

/** What was given up is not open any more, and is not shown. */
const GONE = new Set(['cancelled', 'canceled', 'deleted']);

function todoIn(entry: unknown): ProgramTodo[] {
  if (typeof entry !== 'object' || entry === null) return [];
  const values = entry as Record<string, unknown>;
  const content = WORDS.map((name) => values[name]).find((value) => typeof value === 'string' && value.trim() !== '');
  const status = String(values.status ?? 'pending').toLowerCase();
  if (typeof content !== 'string' || GONE.has(status)) return [];
  return [{ content, status: STATUS[status.replace('-', '_')] ?? 'pending' }];
}

/** The list of entries, each with words and a status; undefined when it is none. */
export function todosIn(entries: unknown): ProgramTodo[] | undefined {
  return Array.isArray(entries) ? entries.slice(0, MOST).flatMap(todoIn) : undefined;
}

/** The whole list that a call of a todo tool writes; undefined for any other tool. */
export function todosOf(tool: string, input: unknown): ProgramTodo[] | undefined {
  if (!TOOL.test(tool) || typeof input !== 'object' || input === null) return undefined;
  const values = input as Record<string, unknown>;
  return LISTS.map((name) => todosIn(values[name])).find((list) => list !== undefined);
}
