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

export const progressSchema = z.object({
  done: z.number().int(),
  total: z.number().int(),
  percent: z.number().describe('Of those that are done, rounded down'),
  open: z.number().int(),
  inProgress: z.number().int(),
  review: z.number().int(),
  blocked: z.number().int().describe('Open beads that wait for another'),
});
export type Progress = z.infer<typeof progressSchema>;

export const estimateSchema = z.object({
  basis: z.enum(['convoy', 'project', 'none']).describe('Whose pace it goes by; none when it is not known'),
  at: z.string().optional().describe('When the rest is done if it goes on like that'),
  perDay: z.number().optional(),
  reason: z.string().optional().describe('Why it is not known'),
});
export type Estimate = z.infer<typeof estimateSchema>;

export const listedConvoySchema = convoySchema.extend({ progress: progressSchema });

export const convoyReportSchema = z.object({
  convoy: convoySchema,
  beads: z.array(beadSchema),
  progress: progressSchema,
  estimate: estimateSchema,
});
