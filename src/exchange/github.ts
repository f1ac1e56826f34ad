/** Issues as `gh issue list --json number,title,body,state,labels,assignees,comments,createdAt,updatedAt,closedAt,url` prints them. */
import { z } from 'zod';
import { type Bead, prioritySchema } from '../beads/schema.ts';
import { type Draft, EMPTY_DRAFT, type Format } from './draft.ts';

const person = z.object({ login: z.string() }).nullish();
const issueSchema = z.object({
  number: z.number().int(),
  title: z.string().min(1),
  body: z.string().nullish(),
  state: z.string().default('OPEN'),
  labels: z.array(z.object({ name: z.string() })).default([]),
  assignees: z.array(z.object({ login: z.string() })).default([]),
  comments: z
    .array(z.object({ id: z.string().optional(), author: person, body: z.string(), createdAt: z.string() }))
    .default([]),
  createdAt: z.string().optional(),
  updatedAt: z.string().optional(),
  closedAt: z.string().nullish(),
  url: z.string().optional(),
});
type Issue = z.infer<typeof issueSchema>;

/** What an issue has no field for, in a comment at the end of its body that GitHub does not show. */
const hiddenSchema = z.object({
  id: z.string().optional(),
  uid: z.string().optional(),
  status: z.enum(['open', 'in-progress', 'review', 'done']).optional(),
  parent: z.string().optional(),
  blockedBy: z.array(z.string()).default([]),
  related: z.array(z.string()).default([]),
  discoveredFrom: z.array(z.string()).default([]),
  dueAt: z.string().optional(),
  agent: z.string().optional(),
});
const HIDDEN = /\n*<!-- godel: (\{.*\}) -->\s*$/;

const TYPE_WORDS: Readonly<Record<string, Bead['type']>> = {
  bug: 'bug',
  enhancement: 'feature',
  feature: 'feature',
  refactor: 'refactor',
};
const PRIORITY_WORDS: Readonly<Record<string, Bead['priority']>> = {
  p0: 'critical',
  p1: 'high',
  p2: 'medium',
  p3: 'low',
};

function priorityIn(label: string): Bead['priority'] | undefined {
  const word = label.toLowerCase().replace(/^priority[:/ -]*/, '');
  if (word !== label.toLowerCase() || ['critical'].includes(word)) {
    const parsed = prioritySchema.safeParse(word);
    if (parsed.success) return parsed.data;
  }
  return PRIORITY_WORDS[word];
}

/** Labels that mean a type or a priority become that; the others stay labels. */
function sorted(names: readonly string[]): Pick<Draft, 'type' | 'priority' | 'labels'> {
  const types = names.flatMap((name) => TYPE_WORDS[name.toLowerCase()] ?? []);
  const priorities = names.flatMap((name) => priorityIn(name) ?? []);
  const labels = names.filter((name) => TYPE_WORDS[name.toLowerCase()] === undefined && priorityIn(name) === undefined);
  return { type: types[0] ?? 'task', priority: priorities[0] ?? 'medium', labels };
}

function hiddenIn(body: string): z.infer<typeof hiddenSchema> {
  const text = HIDDEN.exec(body)?.[1];
  try {
    return hiddenSchema.parse(text === undefined ? {} : JSON.parse(text));
  } catch {
    // Somebody edited it on GitHub: what the issue itself says is enough.
    return hiddenSchema.parse({});
  }
}

/** `github:owner/name#12` of an issue's address. */
function externalIdOf(issue: Issue): string {
  const repository = /github\.com\/([^/]+\/[^/]+)\/issues\//.exec(issue.url ?? '')?.[1] ?? '';
  return `github:${repository}#${issue.number}`;
}

function toDraft(issue: Issue): Draft {
  const { status, ...hidden } = hiddenIn(issue.body ?? '');
  const description = (issue.body ?? '').replace(HIDDEN, '').trimEnd();
  const isClosed = issue.state.toUpperCase() === 'CLOSED';
  const isOpenWord = status !== undefined && status !== 'done';
  const externalId = externalIdOf(issue);
  return {
    ...EMPTY_DRAFT,
    ...sorted(issue.labels.map((label) => label.name)),
    ...hidden,
    key: hidden.id ?? externalId,
    externalId,
    title: issue.title,
    description: description === '' ? undefined : description,
    status: isClosed ? 'done' : isOpenWord ? status : 'open',
    agent: hidden.agent,
    notes: issue.comments.map((comment, index) => ({
      id: comment.id ?? `${externalId}/${index}`,
      author: comment.author?.login ?? 'ghost',
      text: comment.body,
      createdAt: comment.createdAt,
    })),
    createdAt: issue.createdAt,
    updatedAt: issue.updatedAt,
    doneAt: isClosed ? (issue.closedAt ?? issue.updatedAt) : undefined,
    metadata: issue.url === undefined ? {} : { url: issue.url },
  };
}

function hiddenOf(bead: Bead): string {
  const { id, uid, status, parentBead: parent, blockedBy, related, discoveredFrom, dueAt, agent } = bead;
  // An HTML comment ends at the first arrow.
  const text = JSON.stringify({ id, uid, status, parent, blockedBy, related, discoveredFrom, dueAt, agent });
  return `<!-- godel: ${text.replaceAll('>', '\\u003e')} -->`;
}

const LABELS: Readonly<Record<Bead['type'], string[]>> = {
  task: [],
  bug: ['bug'],
  feature: ['enhancement'],
  refactor: ['refactor'],
};

function toIssue(bead: Bead, index: number): Issue {
  const known = /^github:(.*)#(\d+)$/.exec(bead.externalId ?? '');
  const labels = [
    ...bead.labels,
    ...LABELS[bead.type],
    ...(bead.priority === 'medium' ? [] : [`priority: ${bead.priority}`]),
  ];
  const url = bead.metadata.url;
  return {
    number: known ? Number(known[2]) : index + 1,
    title: bead.title,
    body: `${bead.description ? `${bead.description}\n\n` : ''}${hiddenOf(bead)}`,
    state: bead.status === 'done' ? 'CLOSED' : 'OPEN',
    labels: labels.map((name) => ({ name })),
    assignees: [],
    comments: bead.notes.map(({ id, author, text, createdAt }) => ({
      id,
      author: { login: author },
      body: text,
      createdAt,
    })),
    createdAt: bead.createdAt,
    updatedAt: bead.updatedAt,
    closedAt: bead.doneAt ?? null,
    ...(typeof url === 'string' ? { url } : {}),
  };
}

export const github: Format = {
  parse(text) {
    const parsed = z.array(issueSchema).safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data.map(toDraft);
    const [issue] = parsed.error.issues;
    throw new Error(`issue ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'cannot be read'}`);
  },
  render: (beads) => `${JSON.stringify(beads.map(toIssue), null, 2)}\n`,
};
