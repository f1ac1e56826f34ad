import { newId } from '../base/id.ts';
import { createInTurn } from '../base/in-turn.ts';
import type { Log } from '../base/log.ts';
import { putNewest } from '../base/newest.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import { createPruning } from './checkpoint-pruning.ts';
import {
  checkpointRefs,
  deleteCheckpointRefs,
  headOf,
  readCheckpoint,
  type StoredCheckpoint,
} from './checkpoint-ref.ts';
import { allCheckpoints, deleteCheckpoint, insertCheckpoint, lastCheckpoint } from './checkpoint-store.ts';
import { createCheckpointWriter } from './checkpoint-writer.ts';
import type { Reading } from './reading.ts';
import type { Checkpoint, CheckpointReason, Code, Session } from './schema.ts';
import { findSession, insertSession } from './store.ts';
import { currentTurn } from './turns.ts';

export interface CheckpointOptions {
  database: Database;
  units: UnitOfWork;
  reading: Reading;
  project: (id: string) => Promise<Project>;
  /** Worktree of a bead, when it is there. */
  worktreeOf: (project: Project, beadId: string) => Promise<string | undefined>;
  /** Tree of all files that git does not ignore, and of `forced` ones that it does. */
  workingTree: (worktree: string, forced?: readonly string[]) => Promise<string>;
  /** Automatic checkpoints of a session that are kept. */
  keep: (projectId: string) => Promise<number>;
  now: () => number;
  log: Log;
}

export interface TakeSpec {
  reason: CheckpointReason;
  by: string;
  name?: string | undefined;
  /** Never deleted by itself, and made although nothing changed. */
  kept?: boolean | undefined;
  /** Ignored files to take along. */
  forced?: readonly string[] | undefined;
}

export interface Checkpoints {
  /** The newest checkpoint when nothing has changed since it was made. */
  take(session: Session, spec: TakeSpec): Promise<Checkpoint>;
  remove(checkpoint: Checkpoint): Promise<void>;
  /** Does work during which none waits to be written together with others. */
  urgently<T>(work: () => Promise<T>): Promise<T>;
  /** Makes rows and refs of a project the same; refs count. */
  rebuild(project: Project): Promise<void>;
  stop(): Promise<void>;
}

/** Sessions whose newest checkpoint is kept in memory. */
const MOST_NEWEST = 500;

/** Nobody waits for these, and the files they hold were read when they began. */
const isPatient = ({ reason }: TakeSpec) => reason === 'rest' || reason === 'turns';

export function createCheckpoints(options: CheckpointOptions): Checkpoints {
  const { database, units, reading, now, log } = options;
  const writer = createCheckpointWriter();
  const pruning = createPruning({ db: database.db, keep: options.keep, remove, log });
  /** Newest checkpoint of a session, where it is known. */
  const newest = new Map<string, Checkpoint>();
  /** One after the other for each session. */
  const alone = createInTurn();

  /** The files of the session's bead; an agent without one works in a folder that is not Godel's to put back. */
  async function codeOf(
    project: Project,
    session: Session,
    forced?: readonly string[],
  ): Promise<Omit<Code, 'commit'> | undefined> {
    const worktree = session.beadId === undefined ? undefined : await options.worktreeOf(project, session.beadId);
    if (worktree === undefined) return undefined;
    return { tree: await options.workingTree(worktree, forced), ...(await headOf(project.gitDir, worktree)) };
  }

  const isSame = (last: Checkpoint | undefined, turn: string | null, code: Omit<Code, 'commit'> | undefined) =>
    last !== undefined && last.turn === turn && last.code?.tree === code?.tree && last.code?.head === code?.head;

  async function take(session: Session, spec: TakeSpec): Promise<Checkpoint> {
    const project = await options.project(session.projectId);
    const { turns, native } = await reading.read(session);
    const found = await codeOf(project, session, spec.forced);
    const turn = currentTurn(turns)?.id ?? null;
    const last = newest.get(session.id) ?? (await lastCheckpoint(database.db, session.id));
    if (!spec.kept && last && isSame(last, turn, found)) return last;
    const createdAt = new Date(now()).toISOString();
    const { id: sessionId, projectId, agentId, agentName, beadId, runtime } = session;
    const checkpoint = await writer.write({
      code: found,
      gitDir: project.gitDir,
      session,
      conversation: native?.text ?? turns.map((each) => `${JSON.stringify(each)}\n`).join(''),
      checkpoint: {
        id: newId(),
        ...{ projectId, sessionId, agentId, agentName, ...(beadId === undefined ? {} : { beadId }), runtime },
        ...(spec.name === undefined ? {} : { name: spec.name }),
        reason: spec.reason,
        kept: spec.kept ?? false,
        turn,
        turns: turns.length,
        createdAt,
        createdBy: spec.by,
      },
    });
    await note(checkpoint, !spec.kept);
    pruning.grown(projectId, sessionId);
    return checkpoint;
  }

  /** The ref is on disk: without its row it is found at the next start. */
  async function note(checkpoint: Checkpoint, lazy: boolean): Promise<void> {
    const { projectId, agentId, beadId } = checkpoint;
    const work = async (unit: Unit) => {
      await insertCheckpoint(unit.tx, checkpoint);
      await unit.emit({
        type: 'checkpoint:created',
        component: 'sessions',
        payload: { checkpoint },
        metadata: { projectId, agentId, ...(beadId === undefined ? {} : { beadId }) },
      });
    };
    await units.note(work, { lazy });
    putNewest(newest, checkpoint.sessionId, checkpoint, MOST_NEWEST);
  }

  /** Refs first: a row without a ref is taken away by the next rebuild, a ref without a row would come back. */
  async function remove(projectId: string, checkpoints: readonly Checkpoint[]): Promise<void> {
    for (const { sessionId } of checkpoints) newest.delete(sessionId);
    const { gitDir } = await options.project(projectId);
    await deleteCheckpointRefs(
      gitDir,
      checkpoints.map(({ ref }) => ref),
    );
    await units.run(async (unit) => {
      for (const checkpoint of checkpoints) {
        const { agentId, beadId } = checkpoint;
        await deleteCheckpoint(unit.tx, checkpoint.id);
        await unit.emit({
          type: 'checkpoint:deleted',
          component: 'sessions',
          payload: { checkpoint },
          metadata: { projectId, agentId, ...(beadId === undefined ? {} : { beadId }) },
        });
      }
    });
  }

  /** Ids of projects are local: what was written under another one belongs to this. */
  async function takeIn({ checkpoint, session }: StoredCheckpoint, projectId: string): Promise<void> {
    await database.transact(async (tx) => {
      if (!(await findSession(tx, session.id))) {
        const isOver = ['completed', 'failed', 'archived'].includes(session.status);
        const status = isOver ? session.status : 'completed';
        await insertSession(tx, { ...session, projectId, status, version: 1 });
      }
      await insertCheckpoint(tx, { ...checkpoint, projectId });
    });
  }

  return {
    take(session, spec) {
      const inTurn = () => alone(session.id, () => take(session, spec));
      return isPatient(spec) ? inTurn() : writer.urgently(inTurn);
    },
    urgently: writer.urgently,
    remove: (checkpoint) => alone(checkpoint.sessionId, () => remove(checkpoint.projectId, [checkpoint])),
    async rebuild(project) {
      newest.clear();
      const refs = await checkpointRefs(project.gitDir);
      const known = await allCheckpoints(database.db, project.id);
      for (const checkpoint of known)
        if (!refs.delete(checkpoint.ref)) await database.transact((tx) => deleteCheckpoint(tx, checkpoint.id));
      for (const [ref, commit] of refs) {
        const stored = await readCheckpoint(project.gitDir, ref, commit);
        if (stored) await takeIn(stored, project.id);
        else log.warn({ ref }, 'a checkpoint cannot be read; left alone');
      }
    },
    async stop() {
      pruning.stop();
      await writer.stop();
    },
  };
}
