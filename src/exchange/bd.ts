/** JSON lines of the beads tool (`bd`): one issue a line with dependencies and comments. */
import { z } from 'zod';
import { BEAD_ID, type Bead } from '../beads/schema.ts';
import { type Draft, EMPTY_DRAFT, type Format } from './draft.ts';
import { linesOf } from './jsonl.ts';

const text = z.string().nullish();
const dependencySchema = z
  .object({ issue_id: z.string().optional(), depends_on_id: z.string(), type: z.string().default('blocks') })
  .loose();
const commentSchema = z
  .object({ id: z.union([z.string(), z.number()]).optional(), author: text, text: z.string(), created_at: text })
  .loose();

const issueSchema = z
  .object({
    id: z.string().min(1),
    title: z.string().min(1),
    description: text,
    design: text,
    acceptance_criteria: text,
    notes: text,
    status: z.string().default('open'),
    priority: z.number().int().default(2),
    issue_type: z.string().default('task'),
    assignee: text,
    labels: z.array(z.string()).nullish(),
    dependencies: z.array(dependencySchema).nullish(),
    comments: z.array(commentSchema).nullish(),
    created_at: text,
    updated_at: text,
    closed_at: text,
    due_at: text,
  })
  .loose();
type Issue = z.infer<typeof issueSchema>;

/** What a bead has no field for is kept as it came, and goes back the same way. */
const keptSchema = issueSchema
  .pick({ design: true, acceptance_criteria: true, notes: true })
  .extend({ issue_type: z.string().optional(), status: z.string().optional(), priority: z.number().optional() })
  .partial();
type Kept = z.infer<typeof keptSchema>;

const STATUS: Readonly<Record<string, Bead['status']>> = {
  in_progress: 'in-progress',
  closed: 'done',
  review: 'review',
};
const STATUS_BACK: Readonly<Record<Bead['status'], string>> = {
  open: 'open',
  'in-progress': 'in_progress',
  review: 'review',
  done: 'closed',
};
const TYPES: Readonly<Record<string, Bead['type']>> = {
  bug: 'bug',
  feature: 'feature',
  epic: 'feature',
  refactor: 'refactor',
};
const PRIORITIES = ['critical', 'high', 'medium', 'low', 'low'] as const;
const RANK: Readonly<Record<Bead['priority'], number>> = { critical: 0, high: 1, medium: 2, low: 3 };
const SECTIONS = [
  ['design', 'Design'],
  ['acceptance_criteria', 'Acceptance criteria'],
  ['notes', 'Notes'],
] as const;

function sectionsOf(kept: Kept): string {
  return SECTIONS.flatMap(([field, title]) => (kept[field] ? [`## ${title}\n\n${kept[field]}`] : [])).join('\n\n');
}

const statusOf = (status: string): Bead['status'] => STATUS[status] ?? 'open';
const typeOf = (type: string): Bead['type'] => TYPES[type] ?? 'task';
const priorityOf = (priority: number): Bead['priority'] => PRIORITIES[Math.max(0, Math.min(4, priority))] ?? 'medium';

function keptOf(issue: Issue): Kept {
  const kept: Kept = {};
  for (const [field] of SECTIONS) if (issue[field]) kept[field] = issue[field];
  if (STATUS_BACK[statusOf(issue.status)] !== issue.status) kept.status = issue.status;
  if (typeOf(issue.issue_type) !== issue.issue_type) kept.issue_type = issue.issue_type;
  if (RANK[priorityOf(issue.priority)] !== issue.priority) kept.priority = issue.priority;
  return kept;
}

function toDraft(value: unknown, index: number): Draft {
  const parsed = issueSchema.safeParse(value);
  if (!parsed.success) throw new Error(`issue ${index + 1}: ${parsed.error.issues[0]?.message ?? 'cannot be read'}`);
  const issue = parsed.data;
  const kept = keptOf(issue);
  // A bead that was made here has its own id in what was exported.
  const isOwn = BEAD_ID.test(issue.id);
  const to = (type: string) =>
    (issue.dependencies ?? []).filter((each) => each.type === type).map((each) => each.depends_on_id);
  const description = [issue.description ?? '', sectionsOf(kept)].filter((part) => part !== '').join('\n\n');
  return {
    ...EMPTY_DRAFT,
    key: issue.id,
    id: isOwn ? issue.id : undefined,
    externalId: `bd:${issue.id}`,
    title: issue.title,
    description: description === '' ? undefined : description,
    type: typeOf(issue.issue_type),
    status: statusOf(issue.status),
    priority: priorityOf(issue.priority),
    labels: issue.labels ?? [],
    agent: issue.assignee || undefined,
    parent: to('parent-child')[0],
    blockedBy: to('blocks'),
    related: to('related'),
    discoveredFrom: to('discovered-from'),
    dueAt: issue.due_at ?? undefined,
    notes: (issue.comments ?? []).map((comment, place) => ({
      id: isOwn && comment.id !== undefined ? String(comment.id) : `bd:${issue.id}/${comment.id ?? place}`,
      author: comment.author ?? 'bd',
      text: comment.text,
      createdAt: comment.created_at ?? issue.created_at ?? '',
    })),
    createdAt: issue.created_at ?? undefined,
    updatedAt: issue.updated_at ?? undefined,
    doneAt: issue.closed_at ?? undefined,
    metadata: Object.keys(kept).length === 0 ? {} : { bd: kept },
  };
}

function dependenciesOf(bead: Bead, id: string, nameOf: (id: string) => string) {
  const links: [string, readonly string[]][] = [
    ['blocks', bead.blockedBy],
    ['related', bead.related],
    ['discovered-from', bead.discoveredFrom],
    ['parent-child', bead.parentBead === undefined ? [] : [bead.parentBead]],
  ];
  return links.flatMap(([type, ids]) => ids.map((to) => ({ issue_id: id, depends_on_id: nameOf(to), type })));
}

function toIssue(bead: Bead, nameOf: (id: string) => string): object {
  const parsed = keptSchema.safeParse(bead.metadata.bd);
  const kept: Kept = parsed.success ? parsed.data : {};
  const sections = sectionsOf(kept);
  const description = bead.description ?? '';
  // Sections that somebody edited here are part of the description from then on.
  const isWhole = sections !== '' && description.endsWith(sections);
  const id = nameOf(bead.id);
  const dependencies = dependenciesOf(bead, id, nameOf);
  return {
    id,
    title: bead.title,
    description: isWhole ? description.slice(0, -sections.length).trimEnd() : description,
    ...(isWhole ? Object.fromEntries(SECTIONS.flatMap(([field]) => (kept[field] ? [[field, kept[field]]] : []))) : {}),
    status: kept.status && statusOf(kept.status) === bead.status ? kept.status : STATUS_BACK[bead.status],
    priority:
      kept.priority !== undefined && priorityOf(kept.priority) === bead.priority ? kept.priority : RANK[bead.priority],
    issue_type: kept.issue_type && typeOf(kept.issue_type) === bead.type ? kept.issue_type : bead.type,
    ...(bead.agent === undefined ? {} : { assignee: bead.agent }),
    created_at: bead.createdAt,
    updated_at: bead.updatedAt,
    ...(bead.doneAt === undefined ? {} : { closed_at: bead.doneAt }),
    ...(bead.dueAt === undefined ? {} : { due_at: bead.dueAt }),
    ...(bead.labels.length === 0 ? {} : { labels: bead.labels }),
    ...(dependencies.length === 0 ? {} : { dependencies }),
    ...(bead.notes.length === 0
      ? {}
      : {
          comments: bead.notes.map((note) => ({
            id: note.id.replace(/^bd:[^/]*\//, ''),
            author: note.author,
            text: note.text,
            created_at: note.createdAt,
          })),
        }),
  };
}

export const bd: Format = {
  parse: (text) => linesOf(text).map(toDraft),
  render(beads) {
    const names = new Map(beads.map((bead) => [bead.id, /^bd:(.+)$/.exec(bead.externalId ?? '')?.[1] ?? bead.id]));
    const nameOf = (id: string) => names.get(id) ?? id;
    return beads.map((bead) => `${JSON.stringify(toIssue(bead, nameOf))}\n`).join('');
  },
};
