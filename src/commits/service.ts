/** One handler per operation on the commits of beads. */
import type { Handlers } from '../access/context.ts';
import { resolveBead } from '../beads/store.ts';
import type { Database } from '../storage/database.ts';
import { listLinks } from './links.ts';
import type { commitOperations } from './operations.ts';

export function createCommitService(database: Database): Handlers<typeof commitOperations> {
  return {
    async beadCommits(input, { projectId }) {
      return listLinks(database.db, projectId, (await resolveBead(database.db, projectId, input.id)).id);
    },
  };
}
