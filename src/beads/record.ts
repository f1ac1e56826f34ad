/** The record of a bead in git: how each of its fields merges, and the bead that a record is. */
import type { Fields } from '../storage/record/record.ts';
import { type FieldRule, list, log, map, quiet, ranked, scalar, tags } from '../storage/record/rules.ts';
import { type StoredBead, storedBeadSchema } from './schema.ts';

/** A field without a rule does not compile. */
export const beadRules = {
  id: quiet,
  uid: quiet,
  type: scalar,
  title: scalar,
  description: scalar,
  // The landing is evidence beside the clock, see `beadOfRecord`.
  status: scalar,
  priority: scalar,
  labels: tags,
  agent: scalar,
  branch: quiet,
  commits: list,
  parentBead: scalar,
  blockedBy: list,
  related: list,
  discoveredFrom: list,
  claim: ranked((claim) => Number(claim.generation ?? 0)),
  dueAt: scalar,
  doneAt: quiet,
  externalId: quiet,
  notes: log,
  proof: quiet,
  landedCommit: quiet,
  reopenedFrom: quiet,
  metadata: map,
  createdAt: quiet,
  updatedAt: quiet,
} as const satisfies Record<KnownField, FieldRule>;

/** `storedBeadSchema` is loose, so its type has an index signature that must not hide a missing rule. */
type KnownField = keyof { [K in keyof StoredBead as string extends K ? never : K]: true };

/** True for the record of a deleted bead. */
export const isDeleted = (fields: Fields): boolean => typeof fields.deletedAt === 'string';

/**
 * The bead a record says. Work that is on the main branch is done whatever a stale clone set later, unless a person
 * who knew of the landing reopened it. @throws ZodError
 */
export function beadOfRecord(fields: Fields): StoredBead {
  const bead = storedBeadSchema.parse(fields);
  const isLanded = bead.landedCommit !== undefined && bead.landedCommit !== bead.reopenedFrom;
  return isLanded && bead.status !== 'done' ? { ...bead, status: 'done' } : bead;
}
