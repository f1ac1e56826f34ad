/** Sessions put elsewhere, with everything that takes: worktrees, programs, the start of agents. */
import { freeNames } from '../agents/names.ts';
import { assertRunnable } from '../agents/runtime.ts';
import type { Agent } from '../agents/schema.ts';
import { isLive } from '../agents/state.ts';
import { queuePrompt } from '../agents/store.ts';
import { newId } from '../base/id.ts';
import { resolveBead } from '../beads/store.ts';
import { cleanText } from '../beads/text.ts';
import { readConversation } from '../sessions/checkpoint-ref.ts';
import type { Checkpoints } from '../sessions/checkpoints.ts';
import { createForking } from '../sessions/forking.ts';
import { createMoveService } from '../sessions/move-service.ts';
import { createMoving } from '../sessions/moving.ts';
import type { Reading } from '../sessions/reading.ts';
import type { Code } from '../sessions/schema.ts';
import type { SessionsPartOptions } from './sessions-part.ts';

export type MoveHandlers = ReturnType<typeof createMoveService>;

interface SessionMovesOptions extends SessionsPartOptions {
  reading: Reading;
  checkpoints: Checkpoints;
  /** Resolves when every session tells what its agent is now. */
  settled: () => Promise<void>;
}

export interface SessionMoves {
  handlers: MoveHandlers;
  /** Does what was not finished when the daemon was killed. */
  finish(): Promise<void>;
}

/** Only a program at rest is asked: some end what runs. */
const compactorOf =
  ({ parts }: SessionMovesOptions) =>
  (agent: Agent): (() => Promise<string | undefined>) | undefined => {
    const { compacts = [] } = parts.runtimes.get(agent.runtime);
    const mode = agent.headless ? 'headless' : 'pane';
    const { state } = parts.observation.fresh(agent).observed;
    if (!compacts.includes(mode) || !isLive(agent.lifecycle) || state !== 'idle') return undefined;
    return () => parts.compaction.ask(agent.id);
  };

async function tellAgent({ core, parts }: SessionMovesOptions, agent: Agent, text: string, by: string): Promise<void> {
  const prompt = { id: newId(), agentId: agent.id, text: cleanText(text), author: by, when: 'after-turn' as const };
  await core.units.run((unit) => queuePrompt(unit.tx, { ...prompt, now: unit.now }));
  await parts.delivery.pump(agent.id);
}

export function createSessionMoves(options: SessionMovesOptions): SessionMoves {
  const { core, parts, repos, worktrees, starter, reading, checkpoints, settled, configOf } = options;
  const { database, units, clock, log } = core;
  const findBead = (projectId: string, id: string) => resolveBead(database.db, projectId, id);
  const historyOf = (runtime: string) => parts.runtimes.get(runtime).history;
  const { homeOf } = parts.launcher;

  async function makeWorktree(projectId: string, beadId: string): Promise<string> {
    const bead = await findBead(projectId, beadId);
    return (await worktrees.ensure(await repos.project(projectId), bead, await configOf(projectId))).path;
  }

  async function putBack(projectId: string, beadId: string, code: Code): Promise<void> {
    await makeWorktree(projectId, beadId);
    const { tree, head, branch } = code;
    await worktrees.putBack(await repos.project(projectId), beadId, { tree, head, branch });
  }

  const moving = createMoving({
    database,
    units,
    reading,
    checkpoints,
    historyOf,
    homeOf,
    keptText: async (projectId, commit) => readConversation((await repos.project(projectId)).gitDir, commit),
    putBack,
    inTheWay: async (projectId, beadId, tree) =>
      worktrees.inTheWay(await repos.project(projectId), beadId, tree).catch(() => []),
    stop: parts.ending.stop,
    restart: starter.restart,
    settled,
    now: clock.now,
    log,
  });

  const choiceFor = async (
    projectId: string,
    runtime: string,
    wanted: { model?: string | undefined; provider?: string | undefined },
  ) => options.chooseModel(await configOf(projectId), parts.runtimes.get(runtime), wanted);

  const forking = createForking({
    units,
    moving,
    historyOf,
    homeOf,
    findBead,
    makeWorktree,
    projectPath: async (projectId) => (await repos.project(projectId)).path,
    putBack,
    takeBead: starter.takeBead,
    begin: async (agent, bead) => starter.begin(agent, bead, await choiceFor(agent.projectId, agent.runtime, agent)),
  });

  return {
    handlers: createMoveService({
      database,
      units,
      reading,
      checkpoints,
      moving,
      forking,
      settled,
      assertRuns: (runtime, agent) => assertRunnable(parts.runtimes.get(runtime), agent),
      modelFor: choiceFor,
      compactor: compactorOf(options),
      tell: (agent, text, by) => tellAgent(options, agent, text, by),
      freeName: (taken, wanted, role) => freeNames(taken, wanted, role, 1)[0] as string,
      runners: [parts.runner.id],
    }),
    finish: moving.finish,
  };
}
