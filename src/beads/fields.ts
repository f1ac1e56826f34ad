/** Input fields that several bead operations take. */
import { z } from 'zod';
import { beadSortSchema, beadStatusSchema, beadTypeSchema, prioritySchema } from './schema.ts';

export const toggle = z.stringbool().or(z.boolean());

export const beadId = z.string().min(1).describe('Bead id, or a unique beginning of it');
export const beadIds = z.array(z.string().min(1)).describe('Bead ids, or unique beginnings of them');
export const labelList = z.array(z.string().trim().min(1).max(60)).describe('Label; may be given several times');
export const dueText = z
  .string()
  .max(60)
  .describe('When it is due: 2026-12-24, tomorrow, 3d, an instant; none removes it');

/** With it, a write is refused once somebody else holds the bead or the lease ran out. */
export const generationField = z.coerce
  .number()
  .int()
  .min(1)
  .optional()
  .describe('Generation of your claim: refuse this when you no longer hold the bead');

/** What a list can be narrowed by. */
export const filterFields = {
  status: beadStatusSchema.optional(),
  type: beadTypeSchema.optional(),
  priority: prioritySchema.optional(),
  agent: z.string().optional().describe('Only beads assigned to this agent; none for those without one'),
  label: labelList.default([]).describe('Only beads with this label; several must all be there'),
  parent: z.string().optional().describe('Only sub-beads of this bead'),
  convoy: z.string().optional().describe('Only beads of this convoy'),
  dueBefore: z.string().optional().describe('Only beads due before: 2026-12-24, tomorrow, 3d'),
  overdue: toggle.default(false).describe('Only beads whose due date has passed'),
  updatedSince: z.string().optional().describe('Only beads changed since: 2026-12-24, 2h, 3d'),
  text: z.string().max(400).optional().describe('Only beads with these words in title, description or comments'),
};

export const orderFields = {
  sort: beadSortSchema.default('created').describe('What the list is ordered by'),
  reverse: toggle.default(false).describe('The other way round'),
};
