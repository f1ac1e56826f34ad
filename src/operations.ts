/** The list of all operations: one line per feature. */
import { agentOperations } from './agents/operations.ts';
import { backupOperations } from './backup/operations.ts';
import { bulkOperations } from './beads/bulk-operations.ts';
import { claimOperations } from './beads/claim-operations.ts';
import { graphOperations } from './beads/graph-operations.ts';
import { beadOperations } from './beads/operations.ts';
import { commitOperations } from './commits/operations.ts';
import { convoyOperations } from './convoys/operations.ts';
import { costOperations } from './costs/operations.ts';
import { doctorOperations } from './doctor/operations.ts';
import { exchangeOperations } from './exchange/operations.ts';
import { historyOperations } from './history/operations.ts';
import { inboxOperations } from './inbox/operations.ts';
import { mergeOperations } from './merge/operations.ts';
import { messageOperations } from './messages/operations.ts';
import { recordingOperations } from './recordings/operations.ts';
import { repoOperations } from './repos/operations.ts';
import { reviewOperations } from './reviews/operations.ts';
import { roleOperations } from './roles/operations.ts';
import { secretOperations } from './secrets/operations.ts';
import { checkpointOperations } from './sessions/checkpoint-operations.ts';
import { moveOperations } from './sessions/move-operations.ts';
import { sessionOperations } from './sessions/operations.ts';
import { syncOperations } from './sync/operations.ts';
import { systemOperations } from './system/operations.ts';
import { templateOperations } from './templates/operations.ts';
import { todoOperations } from './todos/operations.ts';
import { worktreeOperations } from './worktrees/operations.ts';

export const operations = {
  ...repoOperations,
  ...worktreeOperations,
  ...beadOperations,
  ...graphOperations,
  ...commitOperations,
  ...claimOperations,
  ...bulkOperations,
  ...exchangeOperations,
  ...templateOperations,
  ...convoyOperations,
  ...agentOperations,
  ...roleOperations,
  ...messageOperations,
  ...todoOperations,
  ...inboxOperations,
  ...reviewOperations,
  ...mergeOperations,
  ...costOperations,
  ...syncOperations,
  ...secretOperations,
  ...recordingOperations,
  ...sessionOperations,
  ...checkpointOperations,
  ...moveOperations,
  ...historyOperations,
  ...backupOperations,
  ...doctorOperations,
  ...systemOperations,
} as const;

export type Operations = typeof operations;
