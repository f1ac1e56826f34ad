/** What can be done with claims: take a bead, keep it, give it back. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { beadId, filterFields, generationField } from './fields.ts';
import { beadSchema } from './schema.ts';

const leaseSeconds = z.coerce
  .number()
  .int()
  .min(1)
  .max(86_400)
  .default(900)
  .describe('How long the claim holds unless it is renewed');

const claimOutput = z.object({
  bead: beadSchema,
  holder: z.string(),
  generation: z.number().int().describe('Say it with every write: it is refused once somebody else holds the bead'),
  expiresAt: z.string(),
});
type Claimed = z.infer<typeof claimOutput>;

const claimText = (verb: string) => (claim: Claimed) =>
  `${verb} bead ${claim.bead.id} for ${claim.holder} (generation ${claim.generation}, until ${claim.expiresAt})`;

export const claimOperations = {
  beadClaim: operation({
    name: 'bead claim',
    aliases: ['claim'],
    http: { method: 'POST', path: '/beads/claim' },
    summary: 'Take a bead to work on; without an id the most urgent one that is ready and nobody’s',
    description:
      'Exactly one of several who ask gets it. The claim ends when it is released, when the bead is done, or when its lease runs out; after that the writes of its holder are refused.',
    input: z.object({
      id: beadId.optional(),
      holder: z.string().trim().min(1).max(80).optional().describe('Who takes it; you when left out'),
      leaseSeconds,
      force: z
        .boolean()
        .default(false)
        .describe('Take it from its holder, or although it waits for another; people only'),
      type: filterFields.type,
      label: filterFields.label.describe('Without an id: only beads with this label'),
      convoy: filterFields.convoy,
    }),
    output: claimOutput,
    permission: 'bead:claim',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead claim', 'godel bead claim godel-abc12 --holder worker-7 --lease-seconds 300'],
    text: claimText('Claimed'),
  }),
  beadRenew: operation({
    name: 'bead renew',
    http: { method: 'POST', path: '/beads/:id/renew' },
    summary: 'Keep a claimed bead for longer; agents that run do so by themselves',
    input: z.object({ id: beadId, generation: generationField, leaseSeconds }),
    output: claimOutput,
    permission: 'bead:claim',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead renew godel-abc12 --generation 3'],
    text: claimText('Renewed'),
  }),
  beadRelease: operation({
    name: 'bead release',
    http: { method: 'POST', path: '/beads/:id/release' },
    summary: 'Give a claimed bead back: it is open again and nobody’s',
    input: z.object({ id: beadId, generation: generationField }),
    output: beadSchema,
    permission: 'bead:claim',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead release godel-abc12 --generation 3'],
    text: (bead) => `Released bead ${bead.id}`,
  }),
} as const;
