/** What handing work over knows of the todos of the agents that did it. */
import type { TodoList } from '../agents/schema.ts';
import { isLive } from '../agents/state.ts';
import { listAgents } from '../agents/store.ts';
import type { BeadServiceOptions } from '../beads/service.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import { openWarning } from '../todos/text.ts';
import type { Core } from './core.ts';

const MOST_AGENTS = 100;

export function createBeadTodos(
  { database }: Pick<Core, 'database'>,
  configOf: (projectId: string) => Promise<Config>,
): Pick<BeadServiceOptions, 'todosOf' | 'openTodos'> {
  const agentsOf = async (projectId: string, bead: string) => {
    const { items } = await listAgents(database.db, projectId, { bead, all: true, limit: MOST_AGENTS });
    const newest = items.toReversed();
    return [...newest.filter(isRunning), ...newest.filter((agent) => !isRunning(agent))];
  };
  return {
    async todosOf({ id, projectId }) {
      const agents = await agentsOf(projectId, id);
      return agents.flatMap(({ id: agentId, name, beadId, todos }): TodoList[] =>
        todos ? [{ agent: name, agentId, ...(beadId === undefined ? {} : { beadId }), items: todos }] : [],
      );
    },
    async openTodos({ id, projectId }) {
      // Only who works on it now, or did so last, can still finish something.
      const [agent] = await agentsOf(projectId, id);
      const problem = openWarning(agent?.todos ?? []);
      if (problem === undefined) return undefined;
      if ((await configOf(projectId)).open_todos === 'refuse') throw failure('todos-open', { problem });
      return problem;
    },
  };
}

const isRunning = ({ lifecycle }: { lifecycle: Parameters<typeof isLive>[0] }) => isLive(lifecycle);
