/** One handler per operation of checkpoints. */
import type { Handlers } from '../access/context.ts';
import { git } from '../base/git.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import type { checkpointOperations } from './checkpoint-operations.ts';
import { allCheckpoints, listCheckpoints, resolveCheckpoint } from './checkpoint-store.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { Checkpoint } from './schema.ts';
import { resolveSession } from './store.ts';

export interface CheckpointServiceOptions {
  database: Database;
  checkpoints: Checkpoints;
  project: (id: string) => Promise<Project>;
  /** Resolves when every session tells what its agent is now. */
  settled: () => Promise<void>;
  beadId: (projectId: string, text: string) => Promise<string>;
}

/** Names of the files that were not committed when it was made. */
async function uncommitted(gitDir: string, { code }: Checkpoint): Promise<string[]> {
  if (!code) return [];
  const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', code.head, code.commit];
  return (await git(gitDir, args)).split('\0').filter((name) => name !== '');
}

export function createCheckpointService(options: CheckpointServiceOptions): Handlers<typeof checkpointOperations> {
  const { database, checkpoints } = options;

  return {
    async checkpointCreate({ id, name }, { projectId, actor }) {
      await options.settled();
      const wanted = id ?? (actor.kind === 'agent' ? actor.id : undefined);
      if (wanted === undefined) {
        const hint = 'godel checkpoint create <agent>; godel agent list shows the names.';
        throw failure('bad-input', { problem: 'It is not said of which agent.', hint });
      }
      const session = await resolveSession(database.db, projectId, wanted);
      const all = name === undefined ? [] : await allCheckpoints(database.db, projectId);
      if (all.some((each) => each.name === name)) throw failure('checkpoint-name-taken', { name });
      return checkpoints.take(session, { reason: 'asked', by: actor.name, name, kept: true });
    },
    async checkpointList(input, { projectId }) {
      await options.settled();
      const { limit, cursor } = input;
      const sessionId =
        input.session === undefined ? undefined : (await resolveSession(database.db, projectId, input.session)).id;
      const beadId = input.bead === undefined ? undefined : await options.beadId(projectId, input.bead);
      return listCheckpoints(database.db, projectId, { sessionId, beadId, limit, cursor });
    },
    async checkpointShow({ id }, { projectId }) {
      const checkpoint = await resolveCheckpoint(database.db, projectId, id);
      const { gitDir } = await options.project(projectId);
      return { ...checkpoint, files: await uncommitted(gitDir, checkpoint) };
    },
    async checkpointDelete({ id }, { projectId }) {
      const checkpoint = await resolveCheckpoint(database.db, projectId, id);
      await checkpoints.remove(checkpoint);
      return checkpoint;
    },
  };
}
