/** One handler per operation that puts a session elsewhere. */
import type { Handlers, RequestContext } from '../access/context.ts';
import type { Agent } from '../agents/schema.ts';
import { agentNames, findAgent } from '../agents/store.ts';
import { newId } from '../base/id.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { moveSession } from './changes.ts';
import { checkpointsOf, resolveCheckpoint } from './checkpoint-store.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Forking } from './forking.ts';
import type { moveOperations } from './move-operations.ts';
import type { Moving, Wish } from './moving.ts';
import type { Reading } from './reading.ts';
import type { Moved, Session } from './schema.ts';
import { findSession, resolveSession } from './store.ts';
import { type Target, targetOf } from './target.ts';
import { shortId, summaryOf } from './text.ts';
import { currentTurn, safeTurn } from './turns.ts';

export interface MoveServiceOptions {
  database: Database;
  units: UnitOfWork;
  reading: Reading;
  checkpoints: Checkpoints;
  moving: Moving;
  forking: Forking;
  settled: () => Promise<void>;
  /** Refuses a program that could not be launched for this agent. @throws GodelError */
  assertRuns: (runtime: string, agent: Agent) => Promise<void>;
  /** Model and provider for a program, of what was asked for. */
  modelFor: (
    projectId: string,
    runtime: string,
    wanted: { model?: string | undefined; provider?: string | undefined },
  ) => Promise<{ model: string; provider: string } | undefined>;
  /** Lets the program make the conversation shorter; resolves with why it did not. Undefined: it has no way to, or is not at rest. */
  compactor: (agent: Agent) => (() => Promise<string | undefined>) | undefined;
  tell: (agent: Agent, text: string, by: string) => Promise<void>;
  freeName: (taken: ReadonlySet<string>, wanted: string | undefined, role: string) => string;
  runners: readonly string[];
}

type Service = Handlers<typeof moveOperations>;

interface Options {
  prompt?: string | undefined;
  stopped: boolean;
}

export function createMoveService(options: MoveServiceOptions): Service {
  const { database, units, reading, checkpoints, moving } = options;

  async function resolve(projectId: string, text: string): Promise<Session> {
    await options.settled();
    return resolveSession(database.db, projectId, text);
  }

  /** @throws GodelError agent-not-found when only its session is left */
  async function agentOf(session: Session): Promise<Agent> {
    const agent = await findAgent(database.db, session.agentId);
    if (!agent) throw failure('agent-not-found', { id: session.agentName });
    return agent;
  }

  /** What all moves of an agent have in common. */
  function wishOf(agent: Agent, from: Session, input: Options, context: RequestContext) {
    return {
      agentId: agent.id,
      projectId: agent.projectId,
      beadId: agent.beadId,
      from,
      id: newId(),
      isTold: false,
      model: agent.model,
      provider: agent.provider,
      start: !input.stopped,
      prompt: input.prompt,
      by: context.actor.name,
    };
  }

  async function run(agent: Agent, wish: Wish, files?: string): Promise<Moved> {
    const { session, safety, carried } = await moving.move(agent, wish);
    const moved = { session, checkpoint: shortId(safety.id), carried };
    return files === undefined ? moved : { ...moved, files };
  }

  interface Back extends Options {
    keepFiles: boolean;
  }

  async function putBack(from: Session, target: Target, input: Back, context: RequestContext): Promise<Moved> {
    const agent = await agentOf(from);
    await options.assertRuns(from.runtime, agent);
    const { turn, checkpoint } = target;
    const code = input.keepFiles ? undefined : checkpoint?.code;
    const model = from.runtime === agent.runtime ? agent : await options.modelFor(agent.projectId, from.runtime, {});
    const wish: Wish = {
      ...wishOf(agent, from, input, context),
      model: model?.model,
      provider: model?.provider,
      runtime: from.runtime,
      origin: 'rewind',
      reason: 'before-rewind',
      turn,
      code,
      kept: checkpoint?.commit,
    };
    return run(agent, wish, code && checkpoint ? (checkpoint.name ?? shortId(checkpoint.id)) : undefined);
  }

  const rewind: Service['sessionRewind'] = async (input, context) => {
    const session = await resolve(context.projectId, input.id);
    const { turns } = await reading.read(session);
    const known = await checkpointsOf(database.db, session.id);
    return putBack(session, targetOf(session, turns, known, input.to), input, context);
  };

  const restore: Service['checkpointRestore'] = async (input, context) => {
    await options.settled();
    const checkpoint = await resolveCheckpoint(database.db, context.projectId, input.id);
    const session = await findSession(database.db, checkpoint.sessionId);
    if (!session) throw failure('session-not-found', { id: checkpoint.sessionId });
    const { turns } = await moving.load({
      from: session,
      turn: checkpoint.turn,
      kept: checkpoint.commit,
      projectId: session.projectId,
    });
    const turn = checkpoint.turn === null ? null : safeTurn(turns, checkpoint.turn);
    return putBack(session, { turn, checkpoint }, input, context);
  };

  /** What is there now, as a point to fork from. */
  async function present(session: Session, by: string): Promise<Target> {
    const checkpoint = await checkpoints.take(session, { reason: 'before-fork', by, kept: true });
    const { turns } = await reading.read(session);
    return { turn: checkpoint.turn === null ? null : safeTurn(turns, checkpoint.turn), checkpoint };
  }

  const fork: Service['sessionFork'] = async (input, { projectId, actor }) => {
    const session = await resolve(projectId, input.id);
    const agent = await agentOf(session);
    const runtime = input.runtime ?? session.runtime;
    await options.assertRuns(runtime, agent);
    const { turns } = await reading.read(session);
    const known = await checkpointsOf(database.db, session.id);
    const target =
      input.at === undefined ? await present(session, actor.name) : targetOf(session, turns, known, input.at);
    const name = options.freeName(await agentNames(database.db, projectId), input.name, agent.role);
    const { title, prompt } = input;
    const { turn, checkpoint } = target;
    const wish = { from: session, turn, kept: checkpoint?.commit, code: checkpoint?.code, agent, name, runtime };
    const forked = await options.forking.fork({ ...wish, title, prompt, actor });
    return {
      agent: forked.agent,
      ...(forked.bead ? { beadId: forked.bead.id } : {}),
      ...(checkpoint?.code ? { files: checkpoint.name ?? shortId(checkpoint.id) } : {}),
      carried: forked.carried,
    };
  };

  /** What was there is kept first; the session stays the same one. */
  async function compactedBy(
    native: () => Promise<string | undefined>,
    session: Session,
    by: string,
  ): Promise<{ done?: Moved; problem?: string }> {
    const kept = await checkpoints.take(session, { reason: 'before-compact', by, kept: true });
    const problem = await native();
    if (problem !== undefined) return { problem };
    await options.settled();
    const now = (await findSession(database.db, session.id)) ?? session;
    return { done: { session: now, checkpoint: shortId(kept.id), carried: 'native' } };
  }

  const compact: Service['sessionCompact'] = async (input, context) => {
    const session = await resolve(context.projectId, input.id);
    const agent = await agentOf(session);
    const last = currentTurn((await reading.read(session)).turns);
    if (!last) throw failure('nothing-to-compact', { name: agent.name });
    const { runtime } = session;
    const native = input.own || input.stopped ? undefined : options.compactor(agent);
    const { done, problem } = native ? await compactedBy(native, session, context.actor.name) : {};
    if (done) {
      if (input.prompt !== undefined) await options.tell(agent, input.prompt, context.actor.name);
      return done;
    }
    const common = wishOf(agent, session, input, context);
    const wish = {
      ...common,
      runtime,
      turn: last.id,
      isTold: true,
      origin: 'compact',
      reason: 'before-compact',
    } as const;
    return { ...(await run(agent, wish)), ...(problem === undefined ? {} : { problem }) };
  };

  const migrate: Service['sessionMigrate'] = async (input, context) => {
    const session = await resolve(context.projectId, input.id);
    const agent = await agentOf(session);
    const known = options.runners.join(', ');
    if (input.runner !== undefined && !options.runners.includes(input.runner))
      throw failure('runner-unknown', { runner: input.runner, known });
    const runtime = input.runtime ?? session.runtime;
    await options.assertRuns(runtime, agent);
    const wanted = input.model === undefined && runtime === session.runtime ? agent : { model: input.model };
    const model = await options.modelFor(agent.projectId, runtime, wanted);
    const { turns } = await reading.read(session);
    const last = currentTurn(turns);
    const turn = last ? safeTurn(turns, last.id) : null;
    const common = wishOf(agent, session, input, context);
    const place = { runtime, model: model?.model, provider: model?.provider };
    return run(agent, { ...common, ...place, turn, origin: 'migrate', reason: 'before-migrate' });
  };

  async function change(projectId: string, id: string, action: 'archive' | 'unarchive'): Promise<Session> {
    const session = await resolve(projectId, id);
    return units.run((unit) => moveSession(unit, session, action));
  }

  return {
    sessionRewind: rewind,
    checkpointRestore: restore,
    sessionFork: fork,
    sessionCompact: compact,
    sessionMigrate: migrate,
    sessionArchive: ({ id }, { projectId }) => change(projectId, id, 'archive'),
    sessionUnarchive: ({ id }, { projectId }) => change(projectId, id, 'unarchive'),
    async sessionPrime({ id }, { projectId, actor }) {
      const wanted = id ?? (actor.kind === 'agent' ? actor.id : undefined);
      if (wanted === undefined)
        throw failure('bad-input', { problem: 'It is not said of which agent.', hint: 'godel session prime <agent>' });
      const session = await resolve(projectId, wanted);
      const { turns } = await reading.read(session);
      return { session, text: turns.length === 0 ? 'Nothing was said yet.' : summaryOf(turns) };
    },
  };
}
