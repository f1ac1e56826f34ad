/** A convoy's status follows its beads; only `archived` is set by a person. */
import type { BeadStatus } from '../beads/schema.ts';
import type { ConvoyStatus } from './schema.ts';

/** Completed when it has beads and all of them that still exist are done. */
export function convoyStatusOf(current: ConvoyStatus, beads: readonly (BeadStatus | undefined)[]): ConvoyStatus {
  if (current === 'archived') return 'archived';
  const known = beads.filter((status) => status !== undefined);
  return known.length > 0 && known.every((status) => status === 'done') ? 'completed' : 'active';
}

/** Share of beads that are done, in whole percent. */
export function progressOf(statuses: readonly BeadStatus[]): { done: number; total: number; percent: number } {
  const done = statuses.filter((status) => status === 'done').length;
  const total = statuses.length;
  return { done, total, percent: total === 0 ? 0 : Math.floor((100 * done) / total) };
}
