/** Beads: units of work kept in git (prd-v3 section 3.1, spec-v3 section 2). */
import { z } from 'zod';

export const BEAD_ID = /^godel-[a-z0-9]{5}$/;
/** Characters (code points); the schema counts UTF-16 units, of which one character has up to two. */
export const MAX_TITLE_LENGTH = 500;

export const beadTypeSchema = z.enum(['task', 'bug', 'feature', 'refactor']);
export type BeadType = z.infer<typeof beadTypeSchema>;

export const beadStatusSchema = z.enum(['open', 'in-progress', 'review', 'done']);
export type BeadStatus = z.infer<typeof beadStatusSchema>;

export const prioritySchema = z.enum(['critical', 'high', 'medium', 'low']);
export type Priority = z.infer<typeof prioritySchema>;

/** Kinds of links, as `from` sees them: it waits for `to`, belongs beside it, or was found while working on it. */
export const linkKindSchema = z.enum(['blocked-by', 'related', 'discovered-from']);
export type LinkKind = z.infer<typeof linkKindSchema>;

export const beadSortSchema = z.enum(['created', 'updated', 'priority', 'due']);
export type BeadSort = z.infer<typeof beadSortSchema>;

/** A note is a comment. Notes are only ever added; one that was taken back stays, without its words. */
export const noteSchema = z.object({
  id: z.string(),
  author: z.string().describe('Name of the person or agent who wrote it'),
  text: z.string(),
  createdAt: z.string(),
  updatedAt: z.string().optional().describe('When its writer took it back'),
});

export type Note = z.infer<typeof noteSchema>;

/** What ran before an agent's work was accepted for review, and what came of it. */
export const proofSchema = z.object({
  command: z.string().describe('Empty when the project sets no proof command'),
  exitCode: z.number().int(),
  treeHash: z.string().describe('Git tree of the bead branch that was proven'),
  commit: z.string(),
  dirty: z.boolean().describe('True when uncommitted files were present while it ran'),
  log: z.string().describe('Last 64 KB of the output'),
  startedAt: z.string(),
  durationMs: z.number(),
});
export type Proof = z.infer<typeof proofSchema>;

/** Who works on a bead. It merges as a whole: the highest generation wins. */
export const claimSchema = z.object({
  holder: z.string().describe('Name of the agent or person; empty when it was given back'),
  generation: z.number().int().describe('Counts claims; a write under an older one is refused'),
  claimedAt: z.string(),
});
export type Claim = z.infer<typeof claimSchema>;

export const beadSchema = z.object({
  id: z.string().regex(BEAD_ID),
  uid: z.string().describe('128-bit identity that survives a clash of short ids'),
  projectId: z.string(),
  type: beadTypeSchema,
  title: z
    .string()
    .min(1)
    .max(MAX_TITLE_LENGTH * 2),
  description: z.string().optional(),
  status: beadStatusSchema,
  priority: prioritySchema,
  labels: z.array(z.string()),
  agent: z.string().optional().describe('Name of the agent it is assigned to'),
  worktree: z.string().optional().describe('Path of its git worktree'),
  branch: z.string().optional(),
  commits: z.array(z.string()),
  parentBead: z.string().optional(),
  blockedBy: z.array(z.string()).describe('Beads that must be done first'),
  related: z.array(z.string()).default([]).describe('Beads that belong beside it'),
  discoveredFrom: z.array(z.string()).default([]).describe('Beads whose work brought it to light'),
  claim: claimSchema.optional(),
  dueAt: z.string().optional().describe('Date (2026-12-24) or instant (2026-12-24T18:00:00.000Z)'),
  doneAt: z.string().optional().describe('When it became done'),
  externalId: z.string().optional().describe('What it was imported from, for example github:owner/name#12'),
  notes: z.array(noteSchema),
  proof: proofSchema.optional(),
  landedCommit: z.string().optional().describe('Commit on the main branch that carries its work'),
  reopenedFrom: z.string().optional().describe('Landed commit that a person reopened it from'),
  conflicts: z.number().int().optional().describe('Open conflicts with other clones'),
  metadata: z.record(z.string(), z.unknown()),
  createdAt: z.string(),
  updatedAt: z.string(),
  version: z.number().int().describe('Counts changes; compared when it is written'),
});
export type Bead = z.infer<typeof beadSchema>;

/** The part of a bead that is kept in git; `version` and local paths stay in the database. */
export const storedBeadSchema = beadSchema
  .omit({ projectId: true, worktree: true, conflicts: true, version: true })
  .loose();
export type StoredBead = z.infer<typeof storedBeadSchema>;
