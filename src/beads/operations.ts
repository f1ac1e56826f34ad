/** What can be done with beads. */
import { z } from 'zod';
import { todoListSchema } from '../agents/schema.ts';
import { operation } from '../base/operation.ts';
import { pageInput, pageOf } from '../base/page.ts';
import { facts } from '../base/table.ts';
import { listText } from '../todos/text.ts';
import {
  dueText,
  filterFields,
  generationField as generation,
  beadId as id,
  labelList as labels,
  orderFields,
  toggle,
} from './fields.ts';
import {
  type Bead,
  beadSchema,
  beadStatusSchema,
  beadTypeSchema,
  noteSchema,
  prioritySchema,
  proofSchema,
} from './schema.ts';
import { beadTable } from './text.ts';

/** A bead with what points at it, and until when its claim holds. */
const shownBeadSchema = beadSchema.extend({
  leaseUntil: z.string().optional(),
  todos: z.array(todoListSchema).describe('Todos of its agents, of the running one first'),
  relations: z.object({
    blocks: z.array(z.string()).describe('Beads that wait for it'),
    related: z.array(z.string()).describe('Beads beside it, whichever side was linked'),
    discovered: z.array(z.string()).describe('Beads that its work brought to light'),
    children: z.array(z.string()).describe('Its sub-beads'),
  }),
});

function claimText({ claim, leaseUntil }: z.infer<typeof shownBeadSchema>): string | undefined {
  if (!claim || claim.holder === '') return undefined;
  return `${claim.holder}, generation ${claim.generation}, ${leaseUntil ? `until ${leaseUntil}` : 'lease unknown here'}`;
}

function beadText(bead: z.infer<typeof shownBeadSchema>): string {
  const rows: [string, string | undefined][] = [
    ['title', bead.title],
    ['status', bead.status],
    ['type', bead.type],
    ['priority', bead.priority],
    ['agent', bead.agent],
    ['claim', claimText(bead)],
    ['labels', bead.labels.join(', ')],
    ['parent', bead.parentBead],
    ['sub-beads', bead.relations.children.join(', ')],
    ['blocked by', bead.blockedBy.join(', ')],
    ['blocks', bead.relations.blocks.join(', ')],
    ['related', bead.relations.related.join(', ')],
    ['found in', bead.discoveredFrom.join(', ')],
    ['found here', bead.relations.discovered.join(', ')],
    ['due', bead.dueAt],
    ['imported', bead.externalId],
    ['branch', bead.branch],
    ['worktree', bead.worktree],
    ['commits', bead.commits.map((commit) => commit.slice(0, 10)).join(' ')],
    ['landed', bead.landedCommit],
    [
      'proof',
      bead.proof &&
        `${bead.proof.command || '(none set)'} → exit ${bead.proof.exitCode} on tree ${bead.proof.treeHash.slice(0, 10)}`,
    ],
    ['created', bead.createdAt],
    ['updated', bead.updatedAt],
  ];
  const notes = bead.notes.map((note) => `  ${note.createdAt} ${note.author}: ${note.text}`);
  return [
    bead.id,
    ...facts(rows, 11),
    ...(bead.description ? ['', bead.description] : []),
    ...bead.todos.flatMap((list) => ['', `todos of ${listText(list)}`]),
    ...(notes.length > 0 ? ['', 'notes', ...notes] : []),
  ].join('\n');
}

const idsText = (verb: string) => (bead: Bead) => `${verb} bead ${bead.id}`;

export const beadOperations = {
  beadCreate: operation({
    name: 'bead create',
    http: { method: 'POST', path: '/beads', status: 201 },
    summary: 'Create a bead',
    input: z.object({
      title: z.string().optional().describe('One line, at most 500 characters; may be left out with a template'),
      description: z.string().max(100_000).optional().describe('What is to be done, for the agent'),
      type: beadTypeSchema.default('task'),
      priority: prioritySchema.default('medium'),
      labels: labels.default([]),
      parentBead: z.string().optional().describe('Bead this one is a part of'),
      blockedBy: z.array(z.string()).default([]).describe('Bead that must be done first; may be given several times'),
      related: z.array(z.string()).default([]).describe('Bead that belongs beside it'),
      discoveredFrom: z.array(z.string()).default([]).describe('Bead whose work brought it to light'),
      due: dueText.optional(),
      template: z
        .string()
        .optional()
        .describe('Template to make it of, with everything below it; see godel template list'),
      vars: z
        .array(z.string())
        .default([])
        .describe('Variable of the template: name=value; may be given several times'),
      metadata: z.record(z.string(), z.unknown()).default({}),
    }),
    output: beadSchema,
    permission: 'bead:create',
    args: ['title'],
    scope: 'project',
    examples: [
      'godel bead create "Fix login" --type bug --priority high',
      'godel bead create --template release --var version=1.2.0',
    ],
    text: idsText('Created'),
  }),
  beadList: operation({
    name: 'bead list',
    http: { method: 'GET', path: '/beads' },
    summary: 'List beads',
    input: z.object({
      ...filterFields,
      ready: toggle.default(false).describe('Only open beads without an open blocker'),
      blocked: toggle.default(false).describe('Only open beads that wait for another'),
      ...orderFields,
      ...pageInput,
    }),
    output: pageOf(beadSchema),
    permission: 'bead:read',
    scope: 'project',
    examples: [
      'godel bead list --status review',
      'godel bead list --overdue --sort due',
      'godel bead list --ready --json',
    ],
    text: (page) => (page.items.length === 0 ? 'No beads. godel bead create "…" makes one.' : beadTable(page.items)),
  }),
  beadShow: operation({
    name: 'bead show',
    aliases: ['show'],
    http: { method: 'GET', path: '/beads/:id' },
    summary: 'Show one bead with its notes, commits and proof',
    input: z.object({ id: id.optional().describe('Bead id; an agent may leave it out for its own bead') }),
    output: shownBeadSchema,
    permission: 'bead:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead show godel-abc12'],
    text: beadText,
  }),
  beadUpdate: operation({
    name: 'bead update',
    http: { method: 'PATCH', path: '/beads/:id' },
    summary: 'Change fields of a bead',
    input: z.object({
      id,
      title: z.string().optional(),
      description: z.string().max(100_000).optional(),
      type: beadTypeSchema.optional(),
      priority: prioritySchema.optional(),
      labels: labels.optional().describe('Replaces all labels'),
      parentBead: z.string().optional().describe('Bead this one is a part of; none takes it out'),
      blockedBy: z.array(z.string()).optional().describe('Replaces all blockers'),
      due: dueText.optional(),
      metadata: z.record(z.string(), z.unknown()).optional().describe('Merged into the metadata; null removes a key'),
      generation,
      ifVersion: z.coerce.number().int().optional().describe('Refuse when the bead has another version by now'),
    }),
    output: beadSchema,
    permission: 'bead:update',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead update godel-abc12 --priority critical'],
    text: idsText('Updated'),
  }),
  beadAssign: operation({
    name: 'bead assign',
    http: { method: 'POST', path: '/beads/:id/assign' },
    summary: 'Assign a bead to an agent, or to nobody',
    input: z.object({
      id,
      agent: z.string().optional().describe('Agent name or id; nobody when left out'),
      agentId: z.string().optional().describe('Same as agent'),
    }),
    output: beadSchema,
    permission: 'bead:assign',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead assign godel-abc12 --agent worker-1'],
    text: (bead) => (bead.agent ? `Assigned bead ${bead.id} to ${bead.agent}` : `Unassigned bead ${bead.id}`),
  }),
  beadStatus: operation({
    name: 'bead status',
    http: { method: 'POST', path: '/beads/:id/status' },
    summary: 'Show the status of a bead, or move it',
    input: z.object({
      id,
      status: beadStatusSchema.optional().describe('New status; shown only when left out'),
      force: z.boolean().default(false).describe('Set done although the work is not on the main branch'),
      generation,
    }),
    output: beadSchema,
    permission: 'bead:update',
    args: ['id', 'status'],
    scope: 'project',
    examples: ['godel bead status godel-abc12', 'godel bead status godel-abc12 open'],
    text: (bead) => `${bead.id} ${bead.status}`,
  }),
  beadClose: operation({
    name: 'bead close',
    http: { method: 'POST', path: '/beads/:id/close' },
    summary: 'Close a bead whose work is on the main branch; --force closes any',
    input: z.object({ id, force: z.boolean().default(false).describe('Close without landed work'), generation }),
    output: beadSchema,
    permission: 'bead:close',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead close godel-abc12 --force'],
    text: idsText('Closed'),
  }),
  beadDelete: operation({
    name: 'bead delete',
    http: { method: 'DELETE', path: '/beads/:id' },
    summary: 'Delete a bead; its history stays in git',
    input: z.object({ id }),
    output: z.object({ id: z.string(), deleted: z.literal(true) }),
    permission: 'bead:delete',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead delete godel-abc12'],
    text: (gone) => `Deleted bead ${gone.id}`,
  }),
  beadNote: operation({
    name: 'bead note',
    aliases: ['note'],
    http: { method: 'POST', path: '/beads/:id/notes', status: 201 },
    summary: 'Add a note to a bead; an agent adds to its own',
    input: z.object({
      text: z.string().min(1).max(20_000),
      id: id.optional().describe('Bead id; an agent may leave it out'),
      generation,
    }),
    output: noteSchema,
    permission: 'bead:note',
    args: ['text', 'id'],
    scope: 'project',
    examples: ['godel note "The API needs a token"', 'godel bead note "Ask Ann first" godel-abc12'],
    text: (note) => `Noted by ${note.author}`,
  }),
  beadDone: operation({
    name: 'bead done',
    aliases: ['done'],
    http: { method: 'POST', path: '/beads/:id/done' },
    summary: 'Hand a bead over for review once the proof command passes in its worktree',
    description:
      'Runs the proof command of the project in the worktree of the bead, stores its exit code, tree hash and log, and moves the bead to review when it passed.',
    input: z.object({ id: id.optional().describe('Bead id; an agent may leave it out'), generation }),
    output: z.object({
      bead: beadSchema,
      proof: proofSchema,
      warning: z.string().optional().describe('What speaks against it: todos of the agent that are open'),
    }),
    permission: 'bead:submit',
    args: ['id'],
    scope: 'project',
    examples: ['godel done', 'godel done godel-abc12'],
    text: ({ bead, proof, warning }) =>
      `${warning === undefined ? '' : `Warning: ${warning}.\n`}${bead.id} is in review (${proof.command ? `proof passed in ${Math.round(proof.durationMs)} ms` : 'no proof command is set'}, tree ${proof.treeHash.slice(0, 10)})`,
  }),
} as const;
