/** One handler per todo operation. A list belongs to its agent's row: it is there after every restart, and on the board at once. */
import type { Handlers, RequestContext } from '../access/context.ts';
import { changeAgent, loadAgent } from '../agents/changes.ts';
import type { Agent, Todo, TodoList } from '../agents/schema.ts';
import { findAgent, listAgents, resolveAgent } from '../agents/store.ts';
import { cleanText } from '../beads/text.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import type { todoOperations } from './operations.ts';
import { isSame, nextTodos, placeOf, readTodo, type TodoInput } from './state.ts';
import { markdownOf } from './text.ts';

export interface TodoService {
  handlers: Handlers<typeof todoOperations>;
  /** A list that was read from the tool of the agent's own program. */
  fromProgram(agentId: string, items: readonly TodoInput[]): Promise<void>;
}

const MOST_AGENTS = 1_000;

const listOf = (agent: Agent): TodoList => ({
  agent: agent.name,
  agentId: agent.id,
  ...(agent.beadId === undefined ? {} : { beadId: agent.beadId }),
  items: agent.todos ?? [],
});

const cleaned = ({ content, status }: TodoInput): TodoInput => ({
  content: cleanText(content).replaceAll(/\s+/g, ' ').trim().slice(0, 1_000),
  status,
});

/** A list may come as the JSON of `todo_write`, which is one word for a shell. */
function fromWords(items: readonly (TodoInput | string)[]): TodoInput[] {
  const [only] = items;
  if (items.length === 1 && typeof only === 'string' && /^\s*\[\s*[{"\]]/.test(only)) {
    try {
      const parsed = JSON.parse(only) as (TodoInput | string)[];
      return parsed.map((item) => (typeof item === 'string' ? readTodo(item) : item));
    } catch {
      return [readTodo(only)];
    }
  }
  return items.map((item) => (typeof item === 'string' ? readTodo(item) : item));
}

export function createTodoService({ database, units }: { database: Database; units: UnitOfWork }): TodoService {
  /** The agent that is meant: an agent only itself. @throws GodelError bad-input */
  async function agentOf(wanted: string | undefined, { actor, projectId }: RequestContext): Promise<Agent> {
    if (actor.kind === 'agent') {
      const own = await findAgent(database.db, actor.id);
      if (own && (wanted === undefined || [own.id, own.name].includes(wanted))) return own;
    }
    if (wanted === undefined) {
      const hint = 'godel agent list shows who there is; then for example godel todo list worker-1.';
      throw failure('bad-input', { problem: 'Whose todos? Name an agent.', hint });
    }
    return resolveAgent(database.db, projectId, wanted);
  }

  async function ownOf(wanted: string | undefined, context: RequestContext): Promise<Agent> {
    const agent = await agentOf(wanted, context);
    const { actor } = context;
    if (actor.kind !== 'agent' || agent.id === actor.id) return agent;
    throw failure('todo-not-yours', { actor: actor.name, agent: agent.name });
  }

  function change(agentId: string, by: string, next: (before: Todo[], now: string) => Todo[]): Promise<Agent> {
    return units.run(async (unit) => {
      const agent = await loadAgent(unit, agentId);
      const before = agent.todos ?? [];
      const todos = next(before, unit.now);
      if (isSame(before, todos)) return agent;
      return changeAgent(unit, agent, { todos: todos.length === 0 ? undefined : todos }, 'todo:updated', { todos, by });
    });
  }

  async function mark(
    { item, agent }: { item: string; agent?: string | undefined },
    status: Todo['status'],
    context: RequestContext,
  ): Promise<TodoList> {
    const { id } = await ownOf(agent, context);
    const changed = await change(id, context.actor.name, (before, now) => {
      const place = placeOf(before, item);
      if (place === undefined) throw failure('todo-not-found', { item, count: before.length });
      const items = before.map((todo, at) => (at === place ? { ...todo, status } : todo));
      return nextTodos(before, items, now);
    });
    return listOf(changed);
  }

  return {
    handlers: {
      todoList: async ({ agent }, context) => listOf(await agentOf(agent, context)),
      async todoWrite({ items, agent }, context) {
        const { id } = await ownOf(agent, context);
        const wanted = fromWords(items)
          .map(cleaned)
          .filter(({ content }) => content !== '');
        return listOf(await change(id, context.actor.name, (before, now) => nextTodos(before, wanted, now)));
      },
      async todoAdd({ content, agent }, context) {
        const { id } = await ownOf(agent, context);
        const added = cleaned(readTodo(content));
        return listOf(
          await change(id, context.actor.name, (before, now) => nextTodos(before, [...before, added], now)),
        );
      },
      todoStart: (input, context) => mark(input, 'in_progress', context),
      todoDone: (input, context) => mark(input, 'completed', context),
      async todoExport({ agent, format }, context) {
        const all = { all: true, limit: MOST_AGENTS };
        const agents =
          agent === undefined && context.actor.kind !== 'agent'
            ? (await listAgents(database.db, context.projectId, all)).items.filter(({ todos }) => todos)
            : [await agentOf(agent, context)];
        const items = agents.map(listOf);
        return { items, text: format === 'json' ? JSON.stringify(items, null, 2) : markdownOf(items) };
      },
    },
    async fromProgram(agentId, items) {
      const agent = await findAgent(database.db, agentId);
      if (!agent) return;
      const wanted = items.map(cleaned).filter(({ content }) => content !== '');
      await change(agentId, `${agent.name} (${agent.runtime})`, (before, now) => nextTodos(before, wanted, now));
    },
  };
}
