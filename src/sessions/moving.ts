/**
 * Puts the session of an agent elsewhere: back to an earlier turn with its files, into a shorter conversation, onto another
 * runtime. What is there is kept as a checkpoint first. Then the wish is written down, and everything after that is done again
 * from the start when the daemon was killed: either all of it has happened in the end, or nothing.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changeAgent, loadAgent } from '../agents/changes.ts';
import type { NativeHistory } from '../agents/runtime.ts';
import { SESSION_ID_FILE } from '../agents/runtime.ts';
import type { Agent } from '../agents/schema.ts';
import { isLive } from '../agents/state.ts';
import { findAgent } from '../agents/store.ts';
import { messageOf } from '../base/error.ts';
import { jsonLines } from '../base/json-lines.ts';
import type { Log } from '../base/log.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { createSession, moveSession } from './changes.ts';
import type { Checkpoints } from './checkpoints.ts';
import { deleteMove, findMove, insertMove, openMoves, saveMove } from './move-store.ts';
import type { Reading } from './reading.ts';
import type { Checkpoint, CheckpointReason, Code, Move, Session, SessionTurn } from './schema.ts';
import { nextSessionStatus } from './state.ts';
import { findSession, newestSession } from './store.ts';
import { markdown, shortId } from './text.ts';
import { pathTo } from './turns.ts';
import { carriedOver } from './words.ts';

export interface MovingOptions {
  database: Database;
  units: UnitOfWork;
  reading: Reading;
  checkpoints: Checkpoints;
  historyOf: (runtime: string) => NativeHistory | undefined;
  homeOf: (agentId: string) => string;
  /** Conversation of a checkpoint. */
  keptText: (projectId: string, commit: string) => Promise<string | undefined>;
  /** Makes the worktree when it is missing, and its files what they were. */
  putBack: (projectId: string, beadId: string, code: Code) => Promise<void>;
  /** Ignored files that this would overwrite. */
  inTheWay: (projectId: string, beadId: string, tree: string) => Promise<string[]>;
  stop: (agent: Agent) => Promise<Agent>;
  restart: (agent: Agent, by: string, text: string | null) => Promise<Agent>;
  /** Resolves when every session tells what its agent is now. */
  settled: () => Promise<void>;
  now: () => number;
  log: Log;
}

export type Wish = Omit<Move, 'safety' | 'settled' | 'agentName'> & { reason: CheckpointReason };

export type Carried = 'native' | 'told' | 'new';

export interface Moving {
  /** @throws GodelError session-moving, session-move-failed */
  move(agent: Agent, wish: Wish): Promise<{ session: Session; safety: Checkpoint; carried: Carried }>;
  /** Does what was not finished when the daemon was killed. */
  finish(): Promise<void>;
  /** How the conversation of a move comes along. */
  carriedBy(move: Pick<Move, 'from' | 'runtime' | 'turn' | 'isTold'>): Carried;
  /** Turns up to where a session goes on, and the file of the runtime they are in. */
  load(
    move: Pick<Move, 'from' | 'turn' | 'kept' | 'projectId'>,
  ): Promise<{ turns: SessionTurn[]; text?: string | undefined }>;
  /** Writes what was said before beside an agent. */
  writeTranscript(agentId: string, from: Session, turns: readonly SessionTurn[]): Promise<string>;
}

export function createMoving(options: MovingOptions): Moving {
  const { database, units, checkpoints, log } = options;

  const carriedBy: Moving['carriedBy'] = ({ from, runtime, turn, isTold }) => {
    if (turn === null) return 'new';
    return !isTold && runtime === from.runtime && options.historyOf(runtime)?.plant ? 'native' : 'told';
  };

  const load: Moving['load'] = async ({ from, turn, kept, projectId }) => {
    if (turn === null) return { turns: [] };
    const { turns, native } = await options.reading.read(from);
    const path = pathTo(turns, turn);
    if (path.length > 0) return { turns: path, text: native?.text };
    // The file of the runtime is gone, or was made anew: the checkpoint has it as it was.
    const text = kept === undefined ? undefined : await options.keptText(projectId, kept);
    const history = options.historyOf(from.runtime);
    if (text === undefined || !history) return { turns: [], text: undefined };
    return { turns: pathTo(history.read(jsonLines(text)), turn), text };
  };

  const writeTranscript: Moving['writeTranscript'] = async (agentId, from, turns) => {
    const folder = join(options.homeOf(agentId), 'history');
    const file = join(folder, `${from.id}.md`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(file, markdown(from, turns), { mode: 0o600 });
    return file;
  };

  /** The conversation at its new place, and what the agent has to be told. */
  async function carry(
    move: Move,
    cwd: string,
  ): Promise<{ place: Pick<Agent, 'sessionFile' | 'sessionId'>; text: string | null }> {
    const home = options.homeOf(move.agentId);
    const history = options.historyOf(move.runtime);
    const loaded = await load(move);
    const how = carriedBy(move);
    if (how === 'native' && history?.plant && loaded.text !== undefined && move.turn !== null) {
      const spec = { home, cwd, text: loaded.text, turn: move.turn, id: move.id, atMs: options.now() };
      return { place: await history.plant(spec), text: move.prompt ?? null };
    }
    await rm(join(home, SESSION_ID_FILE), { force: true });
    const place = history?.fresh({ home, cwd, id: move.id }) ?? {};
    if (how === 'new') return { place, text: move.prompt ?? null };
    const file = await writeTranscript(move.agentId, move.from, loaded.turns);
    return { place, text: carriedOver(loaded.turns, file, move.prompt) };
  }

  /** Rows: the agent in its new conversation, the one before ended. */
  async function settle(
    move: Move,
    place: Pick<Agent, 'sessionFile' | 'sessionId'>,
    text: string | null,
  ): Promise<Move> {
    return units.run(async (unit) => {
      const known = await loadAgent(unit, move.agentId);
      const { runtime, model, provider } = move;
      const change = { runtime, model, provider, sessionFile: undefined, sessionId: undefined, ...place };
      const agent = await changeAgent(unit, known, change, 'agent:state');
      const before = await newestSession(unit.tx, move.agentId);
      if (before && nextSessionStatus(before.status, 'complete')) await moveSession(unit, before, 'complete');
      const from = { origin: move.origin, parent: move.from, parentTurn: move.turn ?? undefined };
      const session = await createSession(unit, agent, from);
      const settled = { ...move, settled: { sessionId: session.id, text } };
      await saveMove(unit.tx, settled);
      return settled;
    });
  }

  async function execute(move: Move): Promise<Session> {
    let settled = move;
    const agent = await findAgent(database.db, move.agentId);
    if (!agent) throw failure('agent-not-found', { id: move.agentName });
    if (!settled.settled) {
      // Nothing may work in the files, or write on, while they are put back.
      if (isLive(agent.lifecycle)) await options.stop(agent);
      if (move.code && move.beadId !== undefined) await options.putBack(move.projectId, move.beadId, move.code);
      const { place, text } = await carry(move, agent.worktree ?? '');
      settled = await settle(move, place, text);
    }
    const fresh = (await findAgent(database.db, move.agentId)) ?? agent;
    if (move.start && !isLive(fresh.lifecycle)) await options.restart(fresh, move.by, settled.settled?.text ?? null);
    await database.transact((tx) => deleteMove(tx, move.agentId));
    await options.settled();
    const session = await findSession(database.db, settled.settled?.sessionId ?? '');
    if (!session) throw failure('session-not-found', { id: move.agentName });
    return session;
  }

  async function tryToExecute(move: Move): Promise<Session> {
    try {
      return await execute(move);
    } catch (error) {
      await database.transact((tx) => deleteMove(tx, move.agentId));
      const params = { name: move.agentName, problem: messageOf(error), checkpoint: shortId(move.safety) };
      throw failure('session-move-failed', params, error);
    }
  }

  /** What is there now, with the files that will be overwritten although git ignores them. */
  async function keep(agent: Agent, { code, beadId, reason, by }: Wish): Promise<Checkpoint> {
    await options.settled();
    const session = await newestSession(database.db, agent.id);
    if (!session) throw failure('session-not-found', { id: agent.name });
    const forced = code && beadId !== undefined ? await options.inTheWay(agent.projectId, beadId, code.tree) : [];
    return checkpoints.take(session, { reason, by, kept: true, forced });
  }

  return {
    async move(agent, { reason, ...wish }) {
      if (await findMove(database.db, agent.id)) throw failure('session-moving', { name: agent.name });
      if (isLive(agent.lifecycle) || agent.pane !== undefined) await options.stop(agent);
      const safety = await keep(agent, { ...wish, reason });
      const move: Move = { ...wish, agentName: agent.name, safety: safety.id };
      await units.run((unit) => insertMove(unit.tx, move, unit.now));
      return { session: await tryToExecute(move), safety, carried: carriedBy(move) };
    },
    async finish() {
      for (const move of await openMoves(database.db)) {
        await tryToExecute(move).then(
          (session) =>
            log.info({ agentId: move.agentId, sessionId: session.id }, 'a session was put where it was to go'),
          (error: unknown) => log.error({ agentId: move.agentId, problem: messageOf(error) }, 'a session was left'),
        );
      }
    },
    carriedBy,
    load,
    writeTranscript,
  };
}
