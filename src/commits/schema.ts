/** Links between beads and commits, kept by what a commit changes and not only by its id. */
import { z } from 'zod';

export const commitLinkSchema = z.object({
  beadId: z.string(),
  commit: z.string(),
  patchId: z.string().optional().describe('Hash of the change itself; absent for merges and empty commits'),
  subject: z.string(),
  author: z.string(),
  authoredAt: z.string(),
  state: z
    .enum(['branch', 'replaced', 'on-main'])
    .describe('On the bead branch; replaced by a rebase or an amend; its change is on the main branch'),
  replacedBy: z.string().optional().describe('Commit of the branch that makes the same change now'),
  mainCommit: z.string().optional().describe('Commit of the main branch that makes the same change'),
});
export type CommitLink = z.infer<typeof commitLinkSchema>;
