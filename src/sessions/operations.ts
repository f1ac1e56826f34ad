/** What can be done with sessions. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { pageInput, pageOf } from '../base/page.ts';
import { facts, table } from '../base/table.ts';
import { searchHitSchema, sessionSchema, sessionStatusSchema, sessionTurnSchema, sessionViewSchema } from './schema.ts';
import { shortId, treeText } from './text.ts';

const id = z
  .string()
  .min(1)
  .describe('Session id, or a unique beginning or end of it; the name of an agent or a bead id for its newest one');

function sessionText(session: z.output<typeof sessionViewSchema>): string {
  const rows: [string, string | undefined][] = [
    ['status', session.status],
    ['agent', session.agentName],
    ['bead', session.beadId],
    ['runtime', session.runtime],
    ['model', session.model],
    [
      'from',
      session.parentId &&
        `${session.origin} of ${session.parentId}${session.parentTurn ? ` at ${shortId(session.parentTurn)}` : ''}`,
    ],
    ['turns', `${session.turns}${session.turn ? `, at ${shortId(session.turn)}` : ''}`],
    ['read from', session.source],
    ['file', session.file],
    ['native id', session.nativeId],
    ['worktree', session.worktree],
    ['led to', session.children.join(', ')],
    ['created', session.createdAt],
    ['completed', session.completedAt],
    ['archived', session.archivedAt],
  ];
  return [session.id, ...facts(rows, 10)].join('\n');
}

export const sessionOperations = {
  sessionList: operation({
    name: 'session list',
    aliases: ['sessions'],
    http: { method: 'GET', path: '/sessions' },
    summary: 'List the conversations of agents, newest first',
    input: z.object({
      status: sessionStatusSchema.optional(),
      agent: z.string().optional().describe('Only of this agent'),
      bead: z.string().optional().describe('Only on this bead'),
      all: z.stringbool().or(z.boolean()).default(false).describe('Archived ones too'),
      ...pageInput,
    }),
    output: pageOf(sessionSchema),
    permission: 'session:read',
    scope: 'project',
    examples: ['godel session list', 'godel session list --bead godel-abc12 --all'],
    text: ({ items }) =>
      items.length === 0
        ? 'No sessions. An agent has one as soon as it starts: godel agent spawn'
        : table(
            ['SESSION', 'AGENT', 'STATUS', 'FROM', 'BEAD', 'RUNTIME', 'CREATED'],
            items.map((item) => [
              shortId(item.id),
              item.agentName,
              item.status,
              item.parentId === undefined ? item.origin : `${item.origin} of ${shortId(item.parentId)}`,
              item.beadId ?? '-',
              item.runtime,
              item.createdAt,
            ]),
          ),
  }),
  sessionShow: operation({
    name: 'session show',
    http: { method: 'GET', path: '/sessions/:id' },
    summary: 'Show one session: where its conversation is kept, how long it is, what it came from',
    input: z.object({ id }),
    output: sessionViewSchema,
    permission: 'session:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel session show worker-1'],
    text: sessionText,
  }),
  sessionTree: operation({
    name: 'session tree',
    http: { method: 'GET', path: '/sessions/:id/tree' },
    summary: 'Show the conversation of an agent as a tree of turns',
    description:
      'Branches are indented. Below a turn stand its checkpoints and the sessions that go on from it. A turn is named by the last characters of its id.',
    input: z.object({ id }),
    output: z.object({
      session: sessionSchema,
      turns: z.array(sessionTurnSchema),
      marks: z
        .array(z.object({ turn: z.string().nullable(), text: z.string(), checkpoint: z.string().optional() }))
        .describe('What hangs on which turn'),
      source: sessionViewSchema.shape.source,
    }),
    permission: 'session:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel session tree worker-1'],
    text: ({ turns, marks, session, source }) =>
      turns.length + marks.length > 0
        ? treeText(turns, marks)
        : source === 'none'
          ? `Nothing is known of what ${session.agentName} said. Where a runtime keeps no file of its own, this records: godel config set record_bodies true`
          : 'Nothing was said yet.',
  }),
  sessionSearch: operation({
    name: 'session search',
    http: { method: 'GET', path: '/sessions/search' },
    summary: 'Find words in the conversations of all agents, newest first',
    input: z.object({
      text: z.string().min(1).max(1_000).describe('Words that stand together in a turn, whatever their case'),
      agent: z.string().optional().describe('Only of this agent'),
      bead: z.string().optional().describe('Only on this bead'),
      limit: z.coerce.number().int().min(1).max(1000).default(50).describe('Most turns to return'),
    }),
    output: z.object({
      items: z.array(searchHitSchema),
      searched: z.number().int().describe('Sessions that were looked through'),
      complete: z.boolean().describe('False when the time or the limit was over before all of them'),
    }),
    permission: 'session:read',
    args: ['text'],
    scope: 'project',
    examples: ['godel session search "race condition"'],
    text: ({ items, searched, complete }) =>
      items.length === 0
        ? `Nothing found in ${searched} sessions${complete ? '' : '; there are more'}.`
        : table(
            ['SESSION', 'AGENT', 'TURN', 'ROLE', 'TEXT'],
            items.map((hit) => [shortId(hit.sessionId), hit.agentName, shortId(hit.turn), hit.role, hit.excerpt]),
          ),
  }),
  sessionExport: operation({
    name: 'session export',
    http: { method: 'GET', path: '/sessions/:id/export' },
    summary: 'Write a whole conversation as JSON, JSON lines or Markdown',
    input: z.object({
      id,
      format: z
        .enum(['json', 'jsonl', 'markdown', 'native'])
        .default('markdown')
        .describe('native = the file of the runtime as it is'),
    }),
    output: z.object({ session: sessionSchema, format: z.string(), text: z.string() }),
    permission: 'session:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel session export worker-1 > worker-1.md', 'godel session export worker-1 --format json'],
    text: ({ text }) => text.replace(/\n$/, ''),
  }),
} as const;
