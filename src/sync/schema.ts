/** Exchange between clones, and what two people said of one thing at the same time. */
import { z } from 'zod';

export const syncReportSchema = z.object({
  remote: z.string(),
  ref: z.string().describe('Ref of the remote that holds the record: refs/godel/state, or the fallback branch'),
  received: z.number().int().describe('Records that came from the remote'),
  sent: z.boolean().describe('Whether the remote learned something'),
  conflicts: z.number().int().describe('New conflicts'),
  moved: z.array(z.object({ from: z.string(), to: z.string() })).describe('Beads that had to take another id'),
  attempts: z.number().int(),
  commit: z.string().optional().describe('Commit both have now'),
  finishedAt: z.string(),
});
export type SyncReport = z.infer<typeof syncReportSchema>;

export const syncStatusSchema = z.object({
  remote: z.string().optional().describe('Remote that is synchronised with by itself'),
  last: syncReportSchema.optional(),
  problem: z.string().optional().describe('Why the last attempt failed'),
  problemAt: z.string().optional(),
  openConflicts: z.number().int(),
});

const sideSchema = z.object({
  value: z.unknown().optional().describe('Absent when that side removed it'),
  replica: z.string().describe('Replica that wrote it'),
  by: z.string().optional().describe('Name of that replica'),
  at: z.string(),
});

export const conflictSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  about: z.string().describe('Bead or convoy'),
  kind: z.enum(['field', 'cycle']),
  field: z.string(),
  kept: sideSchema,
  lost: sideSchema,
  createdAt: z.string(),
  resolution: z.enum(['keep', 'take']).optional().describe('How it was decided; open when absent'),
  resolvedBy: z.string().optional(),
  resolvedAt: z.string().optional(),
});
export type Conflict = z.infer<typeof conflictSchema>;

export const storedConflictSchema = conflictSchema.omit({ projectId: true }).loose();
