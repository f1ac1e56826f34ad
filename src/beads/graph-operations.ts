/** What can be done with the graph of beads: links, labels, sub-beads, comments, ready work, search. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { pageInput, pageOf } from '../base/page.ts';
import { table } from '../base/table.ts';
import { beadId, beadIds, filterFields, generationField, labelList } from './fields.ts';
import { type Bead, beadSchema, linkKindSchema, noteSchema } from './schema.ts';
import { beadTable } from './text.ts';

const kind = z.enum(['blocks', ...linkKindSchema.options]);
const WORDS = {
  blocks: 'blocks',
  'blocked-by': 'waits for',
  related: 'is related to',
  'discovered-from': 'was found in',
};

const linkInput = z.object({
  id: beadId,
  to: beadIds.min(1).max(100),
  kind: kind.default('blocked-by').describe('How the first bead stands to the others'),
  generation: generationField,
});

const linkOutput = z.object({ bead: beadSchema, kind, to: z.array(z.string()) });
type Linked = z.infer<typeof linkOutput>;

const linkText = (not: string) => (linked: Linked) =>
  linked.to.map((id) => `${linked.bead.id} ${not}${WORDS[linked.kind]} ${id}`).join('\n');

const hitSchema = z.object({
  bead: beadSchema,
  excerpt: z.string().describe('Where the words were found'),
});

const nodeSchema = z.object({ bead: beadSchema, depth: z.number().int(), openBlockers: z.array(z.string()) });
type TreeNode = z.infer<typeof nodeSchema>;

const MARK: Readonly<Record<Bead['status'], string>> = { open: '○', 'in-progress': '◐', review: '◑', done: '●' };

function treeLine({ bead, depth, openBlockers }: TreeNode): string {
  const waits = openBlockers.length > 0 ? `  (waits for ${openBlockers.join(', ')})` : '';
  return `${'  '.repeat(depth)}${MARK[bead.status]} ${bead.id} ${bead.title}${waits}`;
}

const idAndLabels = z.object({ id: beadId, labels: labelList.min(1).max(100), generation: generationField });
const labelsText = (bead: Bead) => `${bead.id} has ${bead.labels.length > 0 ? bead.labels.join(', ') : 'no labels'}`;

export const graphOperations = {
  beadLink: operation({
    name: 'bead link',
    http: { method: 'POST', path: '/beads/:id/links' },
    summary: 'Link a bead to others: by default it waits for them',
    description: 'A link that would make a bead wait for itself is refused, and the cycle is shown.',
    input: linkInput,
    output: linkOutput,
    permission: 'bead:update',
    args: ['id', 'to'],
    scope: 'project',
    examples: [
      'godel bead link godel-abc12 godel-def34',
      'godel bead link godel-abc12 godel-def34 --kind discovered-from',
    ],
    text: linkText(''),
  }),
  beadUnlink: operation({
    name: 'bead unlink',
    http: { method: 'POST', path: '/beads/:id/unlink' },
    summary: 'Take links between beads away',
    input: linkInput,
    output: linkOutput,
    permission: 'bead:update',
    args: ['id', 'to'],
    scope: 'project',
    examples: ['godel bead unlink godel-abc12 godel-def34'],
    text: linkText('no longer '),
  }),
  beadLabel: operation({
    name: 'bead label',
    http: { method: 'POST', path: '/beads/:id/labels' },
    summary: 'Add labels to a bead',
    input: idAndLabels,
    output: beadSchema,
    permission: 'bead:update',
    args: ['id', 'labels'],
    scope: 'project',
    examples: ['godel bead label godel-abc12 ui urgent'],
    text: labelsText,
  }),
  beadUnlabel: operation({
    name: 'bead unlabel',
    http: { method: 'POST', path: '/beads/:id/unlabel' },
    summary: 'Take labels off a bead',
    input: idAndLabels,
    output: beadSchema,
    permission: 'bead:update',
    args: ['id', 'labels'],
    scope: 'project',
    examples: ['godel bead unlabel godel-abc12 urgent'],
    text: labelsText,
  }),
  beadComment: operation({
    name: 'bead comment',
    http: { method: 'POST', path: '/beads/:id/comments', status: 201 },
    summary: 'Comment on a bead; the same as a note, with the bead named first',
    input: z.object({ id: beadId, text: z.string().min(1).max(20_000), generation: generationField }),
    output: noteSchema,
    permission: 'bead:note',
    args: ['id', 'text'],
    scope: 'project',
    examples: ['godel bead comment godel-abc12 "Ask Ann first"'],
    text: (note) => `Commented by ${note.author}`,
  }),
  beadComments: operation({
    name: 'bead comments',
    http: { method: 'GET', path: '/beads/:id/comments' },
    summary: 'List the comments on a bead, oldest first',
    input: z.object({ id: beadId, ...pageInput }),
    output: pageOf(noteSchema),
    permission: 'bead:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead comments godel-abc12'],
    text: (page) =>
      page.items.map((note) => `${note.createdAt} ${note.author}: ${note.text}`).join('\n') || 'No comments.',
  }),
  beadTree: operation({
    name: 'bead tree',
    http: { method: 'GET', path: '/beads/tree' },
    summary: 'Show a bead with its sub-beads, or every bead that has some',
    input: z.object({
      id: beadId.optional(),
      limit: pageInput.limit.describe('Most beads to show'),
    }),
    output: z.object({ items: z.array(nodeSchema), hasMore: z.boolean() }),
    permission: 'bead:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel bead tree godel-abc12', 'godel bead tree'],
    text: ({ items, hasMore }) =>
      items.length === 0
        ? 'No bead has sub-beads. godel bead create "…" --parent-bead <id> makes one.'
        : [...items.map(treeLine), ...(hasMore ? ['…'] : [])].join('\n'),
  }),
  beadReady: operation({
    name: 'bead ready',
    aliases: ['ready'],
    http: { method: 'GET', path: '/beads/ready' },
    summary: 'List what can be begun now, most urgent first: open beads that wait for nothing',
    input: z.object({
      type: filterFields.type,
      priority: filterFields.priority,
      agent: filterFields.agent,
      label: filterFields.label,
      parent: filterFields.parent,
      convoy: filterFields.convoy,
      ...pageInput,
    }),
    output: pageOf(beadSchema),
    permission: 'bead:read',
    scope: 'project',
    examples: ['godel bead ready', 'godel bead ready --agent none --limit 1 --json'],
    text: (page) => (page.items.length === 0 ? 'Nothing is ready.' : beadTable(page.items)),
  }),
  beadSearch: operation({
    name: 'bead search',
    http: { method: 'GET', path: '/beads/search' },
    summary: 'Search titles, descriptions and comments, best first',
    description:
      'Every word is the beginning of a word that must be there; "in quotes" an exact phrase; -word must not be there.',
    input: z.object({
      text: z.string().min(1).max(400).describe('Words to look for'),
      status: filterFields.status,
      type: filterFields.type,
      label: filterFields.label,
      limit: pageInput.limit.default(20),
    }),
    output: z.object({ items: z.array(hitSchema), hasMore: z.boolean() }),
    permission: 'bead:read',
    args: ['text'],
    scope: 'project',
    examples: ['godel bead search "login token"', `godel bead search '"exact phrase" -draft' --status open`],
    text: ({ items }) =>
      items.length === 0
        ? 'Nothing found.'
        : table(
            ['ID', 'STATUS', 'TITLE', 'FOUND'],
            items.map(({ bead, excerpt }) => [bead.id, bead.status, bead.title, excerpt]),
          ),
  }),
} as const;
