/** Beads in and out as text. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { filterFields } from '../beads/fields.ts';
import { formatSchema, type ImportReport, importReportSchema } from './schema.ts';

function reportText({ items, warnings, dryRun, format }: ImportReport): string {
  const count = (outcome: string) => items.filter((item) => item.outcome === outcome).length;
  const counts = ['created', 'updated', 'unchanged', 'kept']
    .map((outcome) => `${count(outcome)} ${outcome}`)
    .join(', ');
  const changed = items.filter((item) => item.outcome === 'created' || item.outcome === 'updated');
  return [
    `${dryRun ? 'Would import' : 'Imported'} ${format}: ${counts}`,
    ...changed.map((item) => `${item.outcome} ${item.id} ${item.title}`),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}

/** Whole projects pass through one request. */
const MAX_BYTES = 64 * 1024 * 1024;

export const exchangeOperations = {
  beadImport: operation({
    name: 'bead import',
    http: { method: 'POST', path: '/beads/import', maxBytes: MAX_BYTES },
    summary: 'Make beads of a file: JSON lines, a Markdown checklist, GitHub issues, or the beads tool’s JSON lines',
    description:
      'Everything or nothing is imported. A bead that was imported before is found again and left as it is; --update takes the newer text over. Links are kept; what they name and is not there is told.',
    input: z.object({
      text: z.string().meta({ description: 'File to read, - for standard input', file: true }),
      format: formatSchema.optional().describe('Found by the content when left out'),
      update: z.boolean().default(false).describe('Change beads that were imported before and differ'),
      dryRun: z.boolean().default(false).describe('Only say what would be done'),
    }),
    output: importReportSchema,
    permission: 'bead:import',
    args: ['text'],
    scope: 'project',
    examples: [
      'godel bead import TODO.md --dry-run',
      'gh issue list --state all --json number,title,body,state,labels,comments,createdAt,closedAt,url | godel bead import -',
      'godel bead import .beads/issues.jsonl --format bd',
    ],
    text: reportText,
  }),
  beadExport: operation({
    name: 'bead export',
    http: { method: 'GET', path: '/beads/export' },
    summary: 'Print beads as JSON lines, a Markdown checklist, GitHub issues, or the beads tool’s JSON lines',
    description: 'JSON lines keep everything. The other formats keep what they have a place for.',
    input: z.object({
      format: formatSchema.default('jsonl'),
      status: filterFields.status,
      type: filterFields.type,
      label: filterFields.label,
      convoy: filterFields.convoy,
      parent: filterFields.parent,
    }),
    output: z.object({ format: formatSchema, count: z.number().int(), text: z.string() }),
    permission: 'bead:read',
    scope: 'project',
    examples: ['godel bead export > beads.jsonl', 'godel bead export --format markdown --convoy "Sprint 1"'],
    text: ({ text }) => text,
  }),
} as const;
