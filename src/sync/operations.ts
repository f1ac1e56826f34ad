/** What can be done about other clones and about conflicts. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { beadSchema } from '../beads/schema.ts';
import { type Conflict, conflictSchema, syncReportSchema, syncStatusSchema } from './schema.ts';

const value = (side: Conflict['kept']): string => (side.value === undefined ? '(removed)' : JSON.stringify(side.value));
const who = (side: Conflict['kept']): string => `${side.by ?? side.replica}, ${side.at}`;

function conflictText(conflict: Conflict): string {
  return [
    `${conflict.about} ${conflict.field}${conflict.kind === 'cycle' ? ' closes a circle of dependencies' : ''}`,
    `  kept   ${value(conflict.kept)}  (${who(conflict.kept)})`,
    `  lost   ${value(conflict.lost)}  (${who(conflict.lost)})`,
    ...(conflict.resolution ? [`  ${conflict.resolution} by ${conflict.resolvedBy}, ${conflict.resolvedAt}`] : []),
  ].join('\n');
}

export const syncOperations = {
  syncRun: operation({
    name: 'sync run',
    aliases: ['sync'],
    http: { method: 'POST', path: '/sync' },
    summary: 'Exchange beads and convoys with a git remote',
    description:
      'Fetches refs/godel/* of the remote, merges it field by field with what is known here, and pushes the result. Nobody’s change is lost: where two people changed one value, the later one is kept and a conflict tells of the other.',
    input: z.object({
      remote: z.string().optional().describe('Name of a git remote; sync_remote, else origin, else the only one'),
      join: z.boolean().default(false).describe('Also merge with a record that was begun apart from this one'),
      acceptSkew: z.boolean().default(false).describe('Also take changes from a clock that is far ahead'),
    }),
    output: syncReportSchema,
    permission: 'sync:run',
    scope: 'project',
    examples: ['godel sync', 'godel sync --remote backup'],
    text: (report) =>
      [
        `Synced with ${report.remote}: ${report.received} received, ${report.sent ? 'own changes sent' : 'nothing to send'}`,
        ...report.moved.map(({ from, to }) => `${from} is now ${to}: the id was taken by an older bead`),
        ...(report.conflicts > 0 ? [`${report.conflicts} conflicts: godel bead conflicts shows them`] : []),
      ].join('\n'),
  }),
  syncStatus: operation({
    name: 'sync status',
    http: { method: 'GET', path: '/sync' },
    summary: 'Show the last exchange with a remote, and what keeps it from working',
    input: z.object({}),
    output: syncStatusSchema,
    permission: 'sync:read',
    scope: 'project',
    examples: ['godel sync status'],
    text: (status) =>
      [
        `remote      ${status.remote ?? '(none is set: godel config set sync_remote origin)'}`,
        `last        ${status.last ? `${status.last.finishedAt}, commit ${status.last.commit?.slice(0, 10) ?? '-'}` : '-'}`,
        ...(status.problem ? [`problem     ${status.problem} (${status.problemAt})`] : []),
        `conflicts   ${status.openConflicts}`,
      ].join('\n'),
  }),
  beadConflicts: operation({
    name: 'bead conflicts',
    http: { method: 'GET', path: '/conflicts' },
    summary: 'List what two clones changed differently, with both values',
    input: z.object({
      id: z.string().optional().describe('Only of this bead or convoy'),
      all: z.stringbool().or(z.boolean()).default(false).describe('Decided ones as well'),
    }),
    output: z.object({ items: z.array(conflictSchema) }),
    permission: 'bead:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead conflicts', 'godel bead conflicts godel-abc12 --all'],
    text: ({ items }) => (items.length === 0 ? 'No conflicts.' : items.map(conflictText).join('\n')),
  }),
  beadResolve: operation({
    name: 'bead resolve',
    http: { method: 'POST', path: '/conflicts/:id/resolve' },
    summary: 'Decide the conflicts of a bead: keep what is there, or take what was lost',
    description:
      'Taking sets the value that was lost as a change of now; the other one stays in the record of the conflict and in the history.',
    input: z.object({
      id: z.string().min(1).describe('Bead or convoy, or a unique beginning of its id'),
      keep: z.boolean().default(false).describe('The value that is there is right'),
      take: z.boolean().default(false).describe('The value that was lost is right'),
      field: z.string().optional().describe('Only the conflict about this field'),
    }),
    output: z.object({ items: z.array(conflictSchema), bead: beadSchema.optional() }),
    permission: 'bead:resolve',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead resolve godel-abc12 --keep', 'godel bead resolve godel-abc12 --take --field title'],
    text: ({ items }) => `Decided ${items.length} ${items.length === 1 ? 'conflict' : 'conflicts'}`,
  }),
} as const;
