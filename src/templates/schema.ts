/** Templates: a bead, or a tree of beads with dependencies, written down in .godel/templates/<name>.yaml. */
import { z } from 'zod';
import { beadTypeSchema, prioritySchema } from '../beads/schema.ts';

const text = z.string().max(100_000);

export const templateBeadSchema = z.strictObject({
  key: z
    .string()
    .regex(/^[\w-]+$/)
    .optional()
    .describe('Name for blockedBy of others in the same template'),
  title: z.string().min(1).max(500),
  description: text.optional(),
  type: beadTypeSchema.default('task'),
  priority: prioritySchema.default('medium'),
  labels: z.array(z.string().min(1).max(60)).default([]),
  due: z.string().max(60).optional().describe('As for bead create: 3d, tomorrow, 2026-12-24'),
  blockedBy: z.array(z.string()).default([]).describe('Keys of this template'),
  get children() {
    return z.optional(z.array(templateBeadSchema));
  },
});
export type TemplateBead = z.infer<typeof templateBeadSchema>;

const variableSchema = z.strictObject({
  description: z.string().default(''),
  default: z.string().optional().describe('Needed with --var when it has none'),
});

export const templateFileSchema = z.strictObject({
  description: z.string().default(''),
  variables: z.record(z.string().regex(/^[a-zA-Z]\w*$/), variableSchema).default({}),
  bead: templateBeadSchema,
});

export const templateSchema = templateFileSchema.extend({
  name: z.string(),
  file: z.string(),
  beads: z.number().int().describe('How many beads it makes'),
});
export type Template = z.infer<typeof templateSchema>;
