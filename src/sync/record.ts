/** The records of a conflict and of a replica in git: how their fields merge. */
import { type FieldRule, quiet, type Rules } from '../storage/record/rules.ts';
import type { Conflict } from './schema.ts';

export const conflictRules = {
  id: quiet,
  about: quiet,
  kind: quiet,
  field: quiet,
  kept: quiet,
  lost: quiet,
  createdAt: quiet,
  resolution: quiet,
  resolvedBy: quiet,
  resolvedAt: quiet,
} as const satisfies Record<Exclude<keyof Conflict, 'projectId'>, FieldRule>;

export const replicaRules: Rules = { id: quiet, name: quiet, createdAt: quiet };
