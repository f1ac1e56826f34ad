/** Projects (repositories known to this home), worktrees, and snapshots of uncommitted work. */
import { z } from 'zod';

export const projectSchema = z.object({
  id: z.string(),
  tenantId: z.string(),
  name: z.string(),
  path: z.string().describe('Top of the main worktree, or the git directory of a bare repository'),
  gitDir: z.string().describe('Common git directory, shared by all worktrees'),
  mainBranch: z.string(),
  createdAt: z.string(),
});
export type Project = z.infer<typeof projectSchema>;

export const worktreeSchema = z.object({
  beadId: z.string(),
  path: z.string(),
  branch: z.string(),
  head: z.string(),
  dirty: z.boolean(),
  exists: z.boolean(),
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
