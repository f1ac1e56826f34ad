/** Who is asking. Every operation runs for an actor; agents act under their own name. */
import { z } from 'zod';

export const actorSchema = z.object({
  kind: z.enum(['user', 'agent', 'system']),
  id: z.string(),
  name: z.string(),
});
export type Actor = z.infer<typeof actorSchema>;
