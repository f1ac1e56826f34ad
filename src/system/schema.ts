/** The daemon itself: status, health, settings, the board's snapshot. */
import { z } from 'zod';
import { agentSchema } from '../agents/schema.ts';
import { beadSchema } from '../beads/schema.ts';
import { convoySchema } from '../convoys/schema.ts';
import { inboxItemSchema } from '../inbox/schema.ts';
import { mergeViewSchema } from '../merge/schema.ts';
import { projectSchema } from '../repos/schema.ts';

export const checkSchema = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  latencyMs: z.number(),
  detail: z.string().optional(),
});

export const healthSchema = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  checks: z.record(z.string(), checkSchema),
  timestamp: z.string(),
});
export type Health = z.infer<typeof healthSchema>;

export const daemonStatusSchema = z.object({
  pid: z.number().int(),
  version: z.string(),
  startedAt: z.string(),
  restarts: z.number().int().describe('How often it was killed or crashed, and was started again by itself'),
  home: z.string(),
  socket: z.string(),
  url: z.string(),
  proxyUrl: z.string().optional(),
  proxyPid: z.number().int().optional(),
  projects: z.number().int(),
  agents: z.number().int(),
  health: healthSchema,
});

/** Everything the board draws, with the event position it is true for. */
export const snapshotSchema = z.object({
  seq: z.number().int(),
  project: projectSchema,
  beads: z.array(beadSchema),
  convoys: z.array(convoySchema),
  agents: z.array(agentSchema),
  inbox: z.array(inboxItemSchema).describe('Open items'),
  merge: mergeViewSchema.describe('The merge queue, and work that clashes'),
  spentUsd: z.number(),
  needsSetup: z.boolean().describe('No provider is configured yet'),
});
export type BoardSnapshot = z.infer<typeof snapshotSchema>;

export const settingSchema = z.object({
  key: z.string(),
  value: z.unknown(),
  origin: z.string().describe('default, a file, or an environment variable'),
  description: z.string(),
});
