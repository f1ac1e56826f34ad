/** What can be done with the merge queue. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { entrySchema, listedEntrySchema, overlapSchema, queueSchema } from './schema.ts';
import { duration, entriesText, overlapsText, queueText, remark } from './text.ts';

const id = z.string().min(1).describe('Bead or entry id, or a unique beginning of it');
const wait = z.coerce
  .number()
  .min(0)
  .max(86_400)
  .default(0)
  .describe('Most seconds to wait until it landed or was set aside');

const line = (entry: z.output<typeof entrySchema>) => {
  const about = remark(entry);
  return `${entry.beadId} is ${entry.status}${about ? `: ${about}` : ''}`;
};

export const mergeOperations = {
  mergeAdd: operation({
    name: 'merge add',
    http: { method: 'POST', path: '/merge/entries', status: 201 },
    summary: 'Put accepted work into the merge queue',
    description:
      'Pins the commit, so that nothing can lose it, and checks it against the main branch and all that waits. Work that conflicts goes back to its agent at once, with the list of files.',
    input: z.object({ id: z.string().min(1).describe('Bead id, or a unique beginning of it'), wait }),
    output: entrySchema,
    permission: 'merge:add',
    args: ['id'],
    scope: 'project',
    examples: ['godel merge add godel-abc12', 'godel merge add godel-abc12 --wait 600'],
    text: line,
  }),
  mergeList: operation({
    name: 'merge list',
    http: { method: 'GET', path: '/merge/entries' },
    summary: 'Show the merge queue, its order, and when work is expected to land',
    input: z.object({
      all: z.stringbool().or(z.boolean()).default(false).describe('Also what landed or was removed'),
      limit: z.coerce.number().int().min(1).max(1000).default(50).describe('Most entries of those'),
    }),
    output: z.object({ queue: queueSchema, items: z.array(listedEntrySchema) }),
    permission: 'merge:read',
    scope: 'project',
    examples: ['godel merge list', 'godel merge list --all'],
    text: ({ queue, items }) => entriesText(queue, items),
  }),
  mergeShow: operation({
    name: 'merge show',
    http: { method: 'GET', path: '/merge/entries/:id' },
    summary: 'Show an entry of the merge queue with its history and the log of its gate',
    input: z.object({ id }),
    output: listedEntrySchema,
    permission: 'merge:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel merge show godel-abc12'],
    text: (entry) =>
      [
        `${line(entry)}${entry.etaMs === undefined ? '' : `, expected in ~${duration(entry.etaMs)}`}`,
        `pinned at ${entry.pin.slice(0, 10)} by ${entry.author}, ${entry.gateRuns} gates, ${entry.flakes} flakes`,
        ...entry.conflicts.map((conflict) => `conflicts with ${conflict.with}: ${conflict.files.join(' ')}`),
        ...entry.history.map((step) => `${step.at}  ${step.from} -> ${step.to}: ${step.why}`),
        ...(entry.log ? ['', entry.log.trimEnd()] : []),
      ].join('\n'),
  }),
  mergePause: operation({
    name: 'merge pause',
    http: { method: 'POST', path: '/merge/pause' },
    summary: 'Let nothing land until the queue is resumed',
    input: z.object({}),
    output: queueSchema,
    permission: 'merge:control',
    scope: 'project',
    examples: ['godel merge pause'],
    text: queueText,
  }),
  mergeResume: operation({
    name: 'merge resume',
    http: { method: 'POST', path: '/merge/resume' },
    summary: 'Let a paused or held queue go on',
    input: z.object({}),
    output: queueSchema,
    permission: 'merge:control',
    scope: 'project',
    examples: ['godel merge resume'],
    text: queueText,
  }),
  mergeRetry: operation({
    name: 'merge retry',
    http: { method: 'POST', path: '/merge/entries/:id/retry' },
    summary: 'Try an entry again that was set aside, at the newest commit of its branch',
    input: z.object({ id, wait }),
    output: entrySchema,
    permission: 'merge:add',
    args: ['id'],
    scope: 'project',
    examples: ['godel merge retry godel-abc12'],
    text: line,
  }),
  mergeRemove: operation({
    name: 'merge remove',
    http: { method: 'DELETE', path: '/merge/entries/:id' },
    summary: 'Take an entry out of the merge queue; its branch and bead stay as they are',
    input: z.object({ id }),
    output: entrySchema,
    permission: 'merge:control',
    args: ['id'],
    scope: 'project',
    examples: ['godel merge remove godel-abc12'],
    text: line,
  }),
  mergeRollback: operation({
    name: 'merge rollback',
    http: { method: 'POST', path: '/merge/entries/:id/rollback', status: 201 },
    summary: 'Take a landed entry back with a revert commit that passes the same queue and gate',
    input: z.object({ id, wait }),
    output: entrySchema,
    permission: 'merge:add',
    args: ['id'],
    scope: 'project',
    examples: ['godel merge rollback godel-abc12 --wait 600'],
    text: line,
  }),
  mergeConflicts: operation({
    name: 'merge conflicts',
    http: { method: 'GET', path: '/merge/conflicts' },
    summary: 'Show which unfinished work clashes with the main branch or with other work',
    description: 'Trial merges of all branches of beads, with the last snapshot of what is not committed yet.',
    input: z.object({ bead: z.string().optional().describe('Only what concerns this bead') }),
    output: z.object({ items: z.array(overlapSchema), branches: z.number().int(), durationMs: z.number() }),
    permission: 'merge:read',
    args: ['bead'],
    scope: 'project',
    examples: ['godel merge conflicts', 'godel merge conflicts godel-abc12'],
    text: ({ items }) => overlapsText(items),
  }),
} as const;
