/** Looking at work, landing it, sending it back. Landing is serialised per project. */
import type { Handlers, RequestContext } from '../access/context.ts';
import { returnPrompt } from '../agents/briefing.ts';
import { GodelError } from '../base/error.ts';
import { newId } from '../base/id.ts';
import { changeBead, decideStatus, moveBead } from '../beads/changes.ts';
import type { Bead } from '../beads/schema.ts';
import { resolveBead } from '../beads/store.ts';
import { cleanText } from '../beads/text.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { beadDiff } from './diff.ts';
import { landCommit, prepareLanding, runGate } from './landing.ts';
import type { reviewOperations } from './operations.ts';

export interface ReviewServiceOptions {
  database: Database;
  units: UnitOfWork;
  project: (id: string) => Promise<Project>;
  configOf: (projectPath: string) => Promise<Config>;
  gateLogFile: (beadId: string) => string;
  gateEnvironment: () => Record<string, string>;
  /** Queues a prompt for the live agent of a bead; false when there is none. */
  tellAgent: (projectId: string, beadId: string, text: string, author: string) => Promise<boolean>;
  /** Frees what the bead held: its agent and its worktree. */
  release: (project: Project, bead: Bead) => Promise<void>;
}

type Service = Handlers<typeof reviewOperations>;

/** Landings tried again because the main branch moved while the gate ran. */
const MAX_LANDING_TRIES = 3;

interface Gate {
  command: string;
  exitCode: number;
  durationMs: number;
}

export function createReviewService(options: ReviewServiceOptions): Service {
  const { database, units } = options;
  const landings = new Map<string, Promise<unknown>>();

  /** One landing at a time in a project. */
  function serialised<T>(projectId: string, work: () => Promise<T>): Promise<T> {
    const next = (landings.get(projectId) ?? Promise.resolve()).then(work, work);
    landings.set(
      projectId,
      next.catch(() => undefined),
    );
    return next;
  }

  async function gate(
    project: Project,
    bead: Bead,
    commit: string,
    config: Config,
    signal: AbortSignal,
  ): Promise<Gate> {
    const command = config.gate_command || config.proof_command;
    if (command === '') return { command, exitCode: 0, durationMs: 0 };
    const logFile = options.gateLogFile(bead.id);
    const started = performance.now();
    const { exitCode } = await runGate({
      gitDir: project.gitDir,
      top: project.path,
      commit,
      command,
      logFile,
      env: options.gateEnvironment(),
      timeoutMs: config.proof_timeout_seconds * 1000,
      signal,
    });
    if (exitCode !== 0) throw failure('gate-failed', { command, exitCode, logFile });
    return { command, exitCode, durationMs: performance.now() - started };
  }

  async function landOnce(
    project: Project,
    bead: Bead,
    context: RequestContext,
  ): Promise<{ commit: string; gate: Gate }> {
    const config = await options.configOf(project.path);
    const prepared = await prepareLanding({
      gitDir: project.gitDir,
      main: project.mainBranch,
      branch: bead.branch ?? `bead/${bead.id}`,
      beadId: bead.id,
      title: bead.title,
      author: context.actor.name,
      strategy: config.merge_strategy,
    });
    const passed = await gate(project, bead, prepared.commit, config, context.signal);
    const { gitDir, path: top, mainBranch: main } = project;
    await landCommit({ gitDir, top, main, commit: prepared.commit, expected: prepared.expected });
    return { commit: prepared.commit, gate: passed };
  }

  async function land(project: Project, bead: Bead, context: RequestContext): Promise<{ commit: string; gate: Gate }> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await landOnce(project, bead, context);
      } catch (error) {
        const moved = error instanceof GodelError && error.reason === 'main-moved';
        if (!moved || attempt >= MAX_LANDING_TRIES) throw error;
      }
    }
  }

  const accept: Service['reviewAccept'] = (input, context) =>
    serialised(context.projectId, async () => {
      const bead = await resolveBead(database.db, context.projectId, input.id);
      decideStatus(bead, 'land');
      const project = await options.project(context.projectId);
      const landed = await land(project, bead, context);
      const event = { type: 'bead:landed' as const, extra: { commit: landed.commit } };
      const done = await units.run((unit) =>
        moveBead(unit, bead.projectId, bead.id, 'land', context.actor.name, { landedCommit: landed.commit }, event),
      );
      await options.release(project, done);
      return { bead: done, ...landed };
    });

  const sendBack: Service['reviewReturn'] = async (input, { actor, projectId }) => {
    const comment = cleanText(input.comment);
    const bead = await units.run(async (unit) => {
      const moved = await moveBead(unit, projectId, input.id, 'send-back', actor.name);
      const note = { id: newId(), author: actor.name, text: comment, createdAt: unit.now };
      return changeBead(unit, moved, { notes: [...moved.notes, note] }, `sent back by ${actor.name}`);
    });
    const told = await options.tellAgent(projectId, bead.id, returnPrompt(bead.id, comment, actor.name), actor.name);
    return { bead, delivery: told ? ('queued' as const) : ('kept' as const) };
  };

  return {
    async reviewDiff(input, { projectId }) {
      const bead = await resolveBead(database.db, projectId, input.id);
      const project = await options.project(projectId);
      const branch = bead.branch ?? `bead/${bead.id}`;
      const diff = await beadDiff({
        gitDir: project.gitDir,
        main: project.mainBranch,
        branch,
        contextLines: input.context,
      });
      return { beadId: bead.id, branch, ...diff };
    },
    reviewAccept: accept,
    reviewReturn: sendBack,
  };
}
