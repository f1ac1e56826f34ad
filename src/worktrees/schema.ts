/** Worktrees of beads, the files they share with the main one, and snapshots of uncommitted work. */
import { z } from 'zod';

export const worktreeStates = ['making', 'ready', 'missing', 'elsewhere', 'foreign', 'removing'] as const;

export const portBlockSchema = z.object({
  base: z.number().int().describe('First port'),
  end: z.number().int().describe('Last port'),
});
export type PortBlock = z.infer<typeof portBlockSchema>;

export const worktreeSchema = z.object({
  beadId: z.string().describe('Bead it belongs to; the name of the folder when it is foreign'),
  path: z.string(),
  branch: z.string(),
  head: z.string(),
  dirty: z.boolean(),
  exists: z.boolean(),
  state: z
    .enum(worktreeStates)
    .describe(
      'missing = git knows it, the folder is gone; elsewhere = a person has the branch checked out; foreign = not made by Godel',
    ),
  lock: z.string().optional().describe('Reason of a lock that Godel did not set'),
  ports: portBlockSchema.optional(),
  sparse: z.array(z.string()).optional().describe('Patterns of a sparse checkout'),
  bytes: z.number().int().optional().describe('Size on disk when it was measured last'),
  measuredAt: z.string().optional(),
  usedAt: z.string().optional(),
});
export type Worktree = z.infer<typeof worktreeSchema>;

export const snapshotSchema = z.object({
  beadId: z.string(),
  ref: z.string(),
  commit: z.string(),
  head: z.string().describe('Commit of the bead branch it was taken on'),
  createdAt: z.string(),
  files: z.array(z.string()),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

export const sharedFileSchema = z.object({
  path: z.string(),
  action: z.enum(['copy', 'link']),
  kind: z.enum(['file', 'folder']),
  there: z.boolean().describe('Already in the worktree; it is left as it is'),
  note: z.string().optional(),
});
export type SharedFile = z.infer<typeof sharedFileSchema>;

export const repairSchema = z.object({
  subject: z.string().describe('Bead id or folder'),
  found: z.string(),
  done: z.string().describe('What was done about it, or the command that helps'),
});
export type Repair = z.infer<typeof repairSchema>;

export const removalSchema = z.object({
  beadId: z.string(),
  reason: z.string(),
  bytes: z.number().int().optional(),
  removed: z.boolean(),
  kept: z.string().optional().describe('Why it was kept'),
});
export type Removal = z.infer<typeof removalSchema>;
