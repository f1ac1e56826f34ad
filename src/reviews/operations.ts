/** What a person does with finished work: look, accept, or send back. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { beadSchema } from '../beads/schema.ts';
import { entrySchema, gateVerdictSchema } from '../merge/schema.ts';
import { beadDiffSchema } from './schema.ts';

const id = z.string().min(1).describe('Bead id, or a unique beginning of it');

export const reviewOperations = {
  reviewDiff: operation({
    name: 'review diff',
    http: { method: 'GET', path: '/beads/:id/diff' },
    summary: 'Show what the branch of a bead changes, or what it changed when it landed',
    input: z.object({
      id,
      context: z.coerce.number().int().min(0).max(10_000).default(3).describe('Lines around a change'),
    }),
    output: beadDiffSchema,
    permission: 'review:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel review diff godel-abc12', 'godel review diff godel-abc12 > work.patch'],
    text: (diff) => diff.patch,
  }),
  reviewAccept: operation({
    name: 'review accept',
    http: { method: 'POST', path: '/beads/:id/accept' },
    summary: 'Land a bead on the main branch when the gate command passes',
    description:
      'Puts the work into the merge queue and waits until it has landed: merged without a checkout, gated at the exact commit that will land, moved by compare-and-swap. Conflicts are refused with the list of files. Ctrl-C ends the waiting, not the landing.',
    input: z.object({
      id,
      wait: z.coerce
        .number()
        .min(0)
        .max(86_400)
        .default(86_400)
        .describe('Most seconds to wait for the landing; 0 only puts it into the queue'),
    }),
    output: z.object({
      bead: beadSchema,
      entry: entrySchema.describe('Its entry of the merge queue'),
      commit: z.string().optional().describe('Commit on the main branch; absent while it waits'),
      gate: gateVerdictSchema.optional(),
    }),
    permission: 'review:accept',
    args: ['id'],
    scope: 'project',
    examples: ['godel review accept godel-abc12', 'godel review accept godel-abc12 --wait 0'],
    text: ({ bead, commit, gate }) =>
      commit === undefined
        ? `${bead.id} is in the merge queue`
        : `Landed ${bead.id} as ${commit.slice(0, 10)}${gate ? ` (gate passed in ${Math.round(gate.durationMs)} ms)` : ' (no gate command is set)'}`,
  }),
  reviewReturn: operation({
    name: 'review return',
    http: { method: 'POST', path: '/beads/:id/return' },
    summary: 'Send a bead back to its agent with a comment',
    input: z.object({ id, comment: z.string().min(1).max(20_000) }),
    output: z.object({
      bead: beadSchema,
      delivery: z.enum(['queued', 'kept']).describe('kept: no agent is running; the next one reads it'),
    }),
    permission: 'review:return',
    args: ['id'],
    scope: 'project',
    examples: ['godel review return godel-abc12 --comment "Add a test"'],
    text: ({ bead, delivery }) =>
      `${bead.id} is in progress again; ${delivery === 'queued' ? `the comment goes to ${bead.agent}` : 'the comment waits for its next agent'}`,
  }),
} as const;
