/**
 * Whether work on a bead may begin. Whatever cannot be read counts as an open blocker: it is better to wait for nothing
 * than to build on what is not there.
 */
import { messageOf } from '../base/error.ts';
import { failure } from '../errors.ts';
import type { Reader } from '../storage/database.ts';
import type { Bead } from './schema.ts';
import { beadStatuses } from './store.ts';

export interface Blocking {
  /** Beads that are not done, or do not exist. */
  open: string[];
  /** Why they could not be read. */
  problem?: string;
}

/** What a bead waits for. Never throws: a failed read blocks. */
export async function blockingOf(db: Reader, bead: Bead): Promise<Blocking> {
  if (bead.blockedBy.length === 0) return { open: [] };
  try {
    const statuses = await beadStatuses(db, bead.projectId, bead.blockedBy);
    return { open: bead.blockedBy.filter((id) => statuses.get(id) !== 'done') };
  } catch (error) {
    return { open: bead.blockedBy, problem: messageOf(error) };
  }
}

/**
 * Refuses to begin on a bead that waits for another one.
 * @throws GodelError bead-blocked
 */
export async function assertStartable(db: Reader, bead: Bead): Promise<void> {
  const { open, problem } = await blockingOf(db, bead);
  if (open.length > 0) throw failure('bead-blocked', { id: bead.id, blockers: open, problem });
}
