/** Pure decisions: which worktrees may go by themselves, and in which order space is taken back. */
import type { BeadStatus } from '../beads/schema.ts';
import type { Config } from '../config.ts';

export interface Candidate {
  beadId: string;
  /** Undefined when the bead is gone. */
  status: BeadStatus | undefined;
  hasAgent: boolean;
  /** An agent worked in it and has ended. */
  isUsed: boolean;
  /** When it was used or its bead changed last. */
  lastMs: number;
  bytes: number;
}

type Policy = Pick<Config, 'worktree_cleanup' | 'worktree_cleanup_days'>;
const DAY_MS = 86_400_000;

/** Why the policy lets this worktree go now; undefined when it stays. */
export function cleanupReason(candidate: Candidate, policy: Policy, nowMs: number): string | undefined {
  const { status, hasAgent, isUsed, lastMs } = candidate;
  if (hasAgent) return undefined;
  const isOver = status === 'done' || status === undefined;
  switch (policy.worktree_cleanup) {
    case 'never':
      return undefined;
    case 'immediate':
      if (isOver) return 'its work is done';
      return isUsed ? 'its agent ended' : undefined;
    case 'on-success':
      return isOver ? 'its work is done' : undefined;
    case 'after-days':
      if (!isOver || nowMs - lastMs < policy.worktree_cleanup_days * DAY_MS) return undefined;
      return `its work has been done for ${policy.worktree_cleanup_days} days`;
  }
}

const RANK: Readonly<Record<BeadStatus, number>> = { done: 0, open: 1, review: 2, 'in-progress': 3 };

/** Worktrees that may be taken to free space: never one with an agent; finished work first, then what rested longest. */
export function reclaimOrder(candidates: readonly Candidate[], which: 'finished' | 'all'): Candidate[] {
  const rank = (each: Candidate) => (each.status === undefined ? 0 : RANK[each.status]);
  return candidates
    .filter((each) => !each.hasAgent && (which === 'all' || rank(each) === 0))
    .sort((a, b) => rank(a) - rank(b) || a.lastMs - b.lastMs || a.beadId.localeCompare(b.beadId));
}

/** Those of `ordered` that must go so that `used` fits into `limit` bytes. */
export function untilFits(ordered: readonly Candidate[], used: number, limit: number): Candidate[] {
  const chosen: Candidate[] = [];
  let left = used;
  for (const each of ordered) {
    if (left <= limit) break;
    chosen.push(each);
    left -= each.bytes;
  }
  return chosen;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}
