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

export const suggestionSchema = z.object({
  file: z.string().optional().describe('The file it was read from'),
  setupCommand: z.string().optional().describe('Makes a fresh checkout ready: setting setup_command'),
  proofCommand: z.string().optional().describe('Proves that work is good: setting proof_command'),
});
export type Suggestion = z.infer<typeof suggestionSchema>;
