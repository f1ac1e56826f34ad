/** Backups of a home: databases, the record of every project, settings without secrets. */
import { z } from 'zod';

export const backupFileSchema = z.object({ name: z.string(), bytes: z.number().int(), sha256: z.string() });

export const backupSchema = z.object({
  name: z.string(),
  path: z.string(),
  createdAt: z.string(),
  version: z.string().describe('Version of Godel that made it'),
  files: z.array(backupFileSchema),
  projects: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      path: z.string(),
      commit: z.string().optional(),
      bundle: z.string().optional(),
    }),
  ),
});
export type Backup = z.infer<typeof backupSchema>;
