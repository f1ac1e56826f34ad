/** What happened to a bead, read from git. */
import { z } from 'zod';

export const historyEntrySchema = z.object({
  commit: z.string(),
  at: z.string(),
  by: z.string().describe('Person or agent, else the home that wrote it'),
  replica: z.string().optional(),
  subject: z.string(),
  changes: z.array(z.object({ field: z.string(), from: z.unknown().optional(), to: z.unknown().optional() })),
});
export type HistoryEntry = z.infer<typeof historyEntrySchema>;
