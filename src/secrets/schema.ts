/** Provider keys as secrets, and virtual keys for people and programs. No value is ever in one of these. */
import { z } from 'zod';

/** `anthropic`, or `anthropic/backup` for a further key of the same provider. */
export const secretNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]*(\/[a-z0-9][a-z0-9_-]*)?$/, 'use the id of a provider, or provider/label');

export const secretInfoSchema = z.object({
  name: z.string(),
  provider: z.string(),
  fingerprint: z.string().describe('First digits of its SHA-256, as reports show it'),
  createdAt: z.string(),
  rotatedAt: z.string().optional(),
  ageDays: z.number().int(),
  due: z.boolean().describe('Older than 90 days: rotate it'),
});
export type SecretInfo = z.infer<typeof secretInfoSchema>;

export const keyInfoSchema = z.object({
  id: z.string().describe('First digits of its hash'),
  name: z.string().optional(),
  agentName: z.string().optional(),
  projectId: z.string(),
  beadId: z.string().optional(),
  convoyId: z.string().optional(),
  userId: z.string().optional(),
  models: z.array(z.string()).optional(),
  expiresAt: z.string().optional(),
  createdAt: z.string(),
});
export type KeyInfo = z.infer<typeof keyInfoSchema>;
