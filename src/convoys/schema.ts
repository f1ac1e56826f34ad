/** Convoys: named sets of beads delivered together (prd-v3 B3, B4). */
import { z } from 'zod';
import { beadSchema } from '../beads/schema.ts';

export const convoyStatusSchema = z.enum(['active', 'completed', 'archived']);
export type ConvoyStatus = z.infer<typeof convoyStatusSchema>;

export const convoySchema = z.object({
  id: z.string().regex(/^convoy-\d{8}-[a-z0-9]{3}$/),
  projectId: z.string(),
  name: z.string().min(1).max(200),
  description: z.string().optional(),
  beads: z.array(z.string()),
  status: convoyStatusSchema,
  createdAt: z.string(),
  updatedAt: z.string(),
  completedAt: z.string().optional(),
  version: z.number().int(),
});
export type Convoy = z.infer<typeof convoySchema>;

export const storedConvoySchema = convoySchema.omit({ projectId: true, version: true }).loose();
export type StoredConvoy = z.infer<typeof storedConvoySchema>;

export const convoyReportSchema = z.object({
  convoy: convoySchema,
  beads: z.array(beadSchema),
  progress: z.object({ done: z.number().int(), total: z.number().int(), percent: z.number() }),
});
