/** What the doctor looked at, found and did. */
import { z } from 'zod';

export const findingSchema = z.object({
  check: z.string(),
  project: z.string().optional(),
  status: z.enum(['ok', 'repaired', 'problem']),
  detail: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;
