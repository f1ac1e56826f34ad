/** Merge queue: entries (one accepted piece of work each), the state of a queue, and overlaps between unfinished work. */
import { z } from 'zod';
import { prioritySchema } from '../beads/schema.ts';

export const entryStatusSchema = z.enum([
  'queued',
  'gating',
  'landing',
  'held',
  'landed',
  'conflicted',
  'evicted',
  'removed',
]);
export type EntryStatus = z.infer<typeof entryStatusSchema>;

export const conflictSchema = z.object({
  with: z.string().describe('Name of the main branch, or the bead whose work clashes'),
  files: z.array(z.string()),
});
export type Conflict = z.infer<typeof conflictSchema>;

export const strategySchema = z.enum(['merge', 'squash', 'rebase']);
export type Strategy = z.infer<typeof strategySchema>;

export const gateVerdictSchema = z.object({
  command: z.string(),
  exitCode: z.number().int(),
  durationMs: z.number(),
  commit: z.string().describe('Commit the gate ran at'),
  cached: z.boolean().describe('True when this very tree had passed this very gate before'),
});
export type GateVerdict = z.infer<typeof gateVerdictSchema>;

export const stepSchema = z.object({
  at: z.string(),
  from: entryStatusSchema,
  to: entryStatusSchema,
  why: z.string(),
});

/** What the pin in git carries, so that a lost database loses no entry. */
export const pinnedSchema = z.object({
  beadId: z.string(),
  kind: z.enum(['work', 'rollback']),
  title: z.string(),
  author: z.string().describe('Who accepted it'),
  priority: prioritySchema,
  enqueuedAt: z.string(),
  mainAt: z.string().describe('Tip of main when it was pinned: a landing of it can only lie above'),
  reverts: z.string().optional().describe('Landing commit that a rollback takes back'),
});
export type Pinned = z.infer<typeof pinnedSchema>;

export const entrySchema = pinnedSchema.extend({
  id: z.string(),
  projectId: z.string(),
  pin: z.string().describe('Commit that lands, kept by refs/godel/queue/<id>'),
  status: entryStatusSchema,
  reason: z.string().optional().describe('Why it is held, conflicted, evicted or removed'),
  command: z.string().optional().describe('The command that continues'),
  conflicts: z.array(conflictSchema),
  waitsFor: z.array(z.string()).describe('Beads that must land before it'),
  gate: gateVerdictSchema.optional(),
  logFile: z.string().optional().describe('Output of the gate that failed'),
  log: z.string().optional().describe('The end of that output'),
  gateRuns: z.number().int(),
  flakes: z.number().int().describe('Red gates that were green when run once more'),
  landedCommit: z.string().optional(),
  landedBase: z.string().optional().describe('Commit of main below the landing'),
  released: z.boolean().describe('Branch, pin and worktree are let go'),
  intent: z
    .object({ from: z.string(), to: z.string(), at: z.string() })
    .optional()
    .describe('The move of main that is being made; what a stop in the middle leaves to be mended'),
  history: z.array(stepSchema),
  updatedAt: z.string(),
  version: z.number().int(),
});
export type Entry = z.infer<typeof entrySchema>;

export const holdSchema = z.object({
  kind: z.enum(['main-dirty', 'main-locked', 'diverged', 'remote-refused', 'gate-broken', 'error']),
  message: z.string(),
  command: z.string().describe('The command that continues'),
  since: z.string(),
});
export type Hold = z.infer<typeof holdSchema>;

export const queueSchema = z.object({
  projectId: z.string(),
  paused: z.boolean(),
  pausedBy: z.string().optional(),
  hold: holdSchema.optional(),
  failureRate: z.number().describe('Share of entries that failed the gate, recent ones weigh more'),
  flakeRate: z.number().describe('Share of red gates that were green when run once more'),
  batchSize: z.number().int().describe('Entries that are tried together'),
  gateRuns: z.number().int(),
  reruns: z.number().int().describe('Gate runs made only to tell a flake from a fault'),
  cacheHits: z.number().int(),
  flakes: z.number().int(),
  landed: z.number().int(),
  evicted: z.number().int(),
  gateMs: z.number().describe('How long a gate takes, recent ones weigh more'),
});
export type Queue = z.infer<typeof queueSchema>;

export const overlapSchema = z.object({
  a: z.string().describe('Bead'),
  b: z.string().describe('Bead, or the name of the main branch'),
  files: z.array(z.string()),
});
export type Overlap = z.infer<typeof overlapSchema>;

/** An entry with its place in the queue. */
export const listedEntrySchema = entrySchema.extend({
  position: z.number().int().optional().describe('From 1, of those that wait to land'),
  etaMs: z.number().optional().describe('Expected time until it lands'),
});
export type ListedEntry = z.infer<typeof listedEntrySchema>;

/** What the board draws of the queue. */
export const mergeViewSchema = z.object({
  queue: queueSchema,
  slots: z.number().int().describe('Gates side by side'),
  entries: z.array(entrySchema),
  overlaps: z.array(overlapSchema),
});
export type MergeView = z.infer<typeof mergeViewSchema>;
