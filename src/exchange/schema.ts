/** Import and export: formats, and what became of each bead. */
import { z } from 'zod';

export const formatSchema = z.enum(['jsonl', 'markdown', 'github', 'bd']);
export type FormatName = z.infer<typeof formatSchema>;

export const outcomeSchema = z.enum(['created', 'updated', 'unchanged', 'kept']);

export const importedSchema = z.object({
  externalId: z.string(),
  id: z.string(),
  title: z.string(),
  outcome: outcomeSchema.describe('kept: it was here, differs, and --update was not said'),
});
export type Imported = z.infer<typeof importedSchema>;

export const importReportSchema = z.object({
  format: formatSchema,
  dryRun: z.boolean(),
  items: z.array(importedSchema),
  warnings: z.array(z.string()),
});
export type ImportReport = z.infer<typeof importReportSchema>;
