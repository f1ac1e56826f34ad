/** The record of a convoy in git: how each of its fields merges. */
import { type FieldRule, list, quiet, scalar } from '../storage/record/rules.ts';
import type { StoredConvoy } from './schema.ts';

/** A field without a rule does not compile. The status follows the beads, so it is nothing to argue about. */
export const convoyRules = {
  id: quiet,
  name: scalar,
  description: scalar,
  beads: list,
  status: quiet,
  createdAt: quiet,
  updatedAt: quiet,
  completedAt: quiet,
} as const satisfies Record<KnownField, FieldRule>;

type KnownField = keyof { [K in keyof StoredConvoy as string extends K ? never : K]: true };
