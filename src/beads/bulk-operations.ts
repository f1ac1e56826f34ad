/** One change for many beads. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { beadIds, dueText, filterFields, labelList } from './fields.ts';
import { beadSchema } from './schema.ts';

export const bulkOperations = {
  beadBulk: operation({
    name: 'bead bulk',
    http: { method: 'POST', path: '/beads/bulk' },
    summary: 'Change many beads at once: all of them or none',
    description: 'When one bead cannot be changed so, none is, and every refusal is named.',
    input: z.object({
      ids: beadIds.min(1).max(500),
      type: filterFields.type,
      priority: filterFields.priority,
      status: filterFields.status.describe('New status'),
      force: z.boolean().default(false).describe('Set done although the work is not on the main branch'),
      agent: z.string().optional().describe('Agent to assign them to; none for nobody'),
      addLabel: labelList.default([]).describe('Label to add; may be given several times'),
      removeLabel: labelList.default([]).describe('Label to take off; may be given several times'),
      parentBead: z.string().optional().describe('Bead they are a part of; none takes them out'),
      due: dueText.optional(),
    }),
    output: z.object({ items: z.array(z.object({ id: z.string(), changed: z.boolean(), bead: beadSchema })) }),
    permission: 'bead:bulk',
    args: ['ids'],
    scope: 'project',
    examples: ['godel bead bulk godel-abc12 godel-def34 --priority high --add-label release'],
    text: ({ items }) => items.map(({ id, changed }) => `${id} ${changed ? 'changed' : 'already so'}`).join('\n'),
  }),
} as const;
