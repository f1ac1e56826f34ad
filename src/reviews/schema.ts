/** Reviews: the diff of a bead's branch, the gate, and landing on the main branch. */
import { z } from 'zod';

export const changedFileSchema = z.object({
  path: z.string(),
  oldPath: z.string().optional(),
  status: z.enum(['added', 'modified', 'deleted', 'renamed', 'copied', 'type-changed']),
  additions: z.number().int(),
  deletions: z.number().int(),
  binary: z.boolean(),
});
export type ChangedFile = z.infer<typeof changedFileSchema>;

export const beadDiffSchema = z.object({
  beadId: z.string(),
  branch: z.string(),
  base: z.string().describe('Merge base with the main branch; of landed work the commit below it'),
  head: z.string(),
  files: z.array(changedFileSchema),
  patch: z.string().describe('Unified diff'),
  truncated: z.boolean(),
});
export type BeadDiff = z.infer<typeof beadDiffSchema>;
