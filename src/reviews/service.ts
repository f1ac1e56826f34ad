/** Looking at work, accepting it, sending it back. What is accepted lands through the merge queue. */
import type { Handlers, RequestContext } from '../access/context.ts';
import { returnPrompt } from '../agents/briefing.ts';
import { newId } from '../base/id.ts';
import { changeBead, moveBead } from '../beads/changes.ts';
import { resolveBead } from '../beads/store.ts';
import { cleanText } from '../beads/text.ts';
import { failure } from '../errors.ts';
import type { Entry } from '../merge/schema.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { beadDiff } from './diff.ts';
import type { reviewOperations } from './operations.ts';

export interface ReviewServiceOptions {
  database: Database;
  units: UnitOfWork;
  project: (id: string) => Promise<Project>;
  /** Puts accepted work into the merge queue and waits for what becomes of it. */
  enqueue: (beadId: string, waitMs: number, context: RequestContext) => Promise<Entry>;
  /** Queues a prompt for the live agent of a bead; false when there is none. */
  tellAgent: (projectId: string, beadId: string, text: string, author: string) => Promise<boolean>;
}

type Service = Handlers<typeof reviewOperations>;

/** What became of an entry that did not land, as a refusal. */
function refusal(entry: Entry, main: string) {
  const { beadId: id, status } = entry;
  if (status === 'conflicted') {
    return failure('merge-conflict', { id, main, files: [...new Set(entry.conflicts.flatMap((each) => each.files))] });
  }
  if (status === 'evicted') {
    const { command, exitCode } = entry.gate ?? { command: '', exitCode: 1 };
    return failure('gate-failed', { command, exitCode, logFile: entry.logFile, output: entry.log });
  }
  const reason = entry.reason ?? (entry.waitsFor.length > 0 ? `it waits for ${entry.waitsFor.join(', ')}.` : '');
  return failure('entry-waits', { id, reason: reason || 'the queue is paused.', hint: entry.command });
}

export function createReviewService(options: ReviewServiceOptions): Service {
  const { database, units } = options;

  const accept: Service['reviewAccept'] = async (input, context) => {
    const entry = await options.enqueue(input.id, input.wait * 1000, context);
    const project = await options.project(context.projectId);
    const moves = ['queued', 'gating', 'landing'].includes(entry.status);
    const stands = entry.reason !== undefined || entry.waitsFor.length > 0;
    if (entry.status !== 'landed' && (!moves || stands)) throw refusal(entry, project.mainBranch);
    const bead = await resolveBead(database.db, context.projectId, entry.beadId);
    const { landedCommit: commit, gate } = entry;
    return { bead, entry, ...(commit === undefined ? {} : { commit }), ...(gate === undefined ? {} : { gate }) };
  };

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
        beadId: bead.id,
        branch,
        commits: bead.commits,
        ...(bead.landedCommit === undefined ? {} : { landedCommit: bead.landedCommit }),
        contextLines: input.context,
      });
      return { beadId: bead.id, branch, ...diff };
    },
    reviewAccept: accept,
    reviewReturn: sendBack,
  };
}
