/** Projects: repositories known to this home. */
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
