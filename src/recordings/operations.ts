/** Reading what was recorded between agents and models. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { table } from '../base/table.ts';
import { recordedBodySchema, recordingSchema, type Turn, turnSchema } from './schema.ts';
import { partText } from './text.ts';

const LINE_LENGTH = 100;
const whose = {
  agent: z.string().optional().describe('Only this agent'),
  bead: z.string().optional().describe('Only this bead'),
};

function lineOf(turn: Turn): string {
  const text = turn.parts.map(partText).join(' ').replaceAll(/\s+/g, ' ');
  return `${turn.id.slice(0, 8)} ${turn.role}: ${text.length > LINE_LENGTH ? `${text.slice(0, LINE_LENGTH - 1)}…` : text}`;
}

/** One line a turn; what branches is indented. */
function treeText(turns: readonly Turn[]): string {
  const children = Map.groupBy(turns, (turn) => turn.parent);
  const lines: string[] = [];
  const open = (children.get(null) ?? []).toReversed().map((turn) => ({ turn, depth: 0 }));
  for (let next = open.pop(); next; next = open.pop()) {
    const { turn, depth } = next;
    lines.push(`${'  '.repeat(depth)}${lineOf(turn)}`);
    const below = children.get(turn.id) ?? [];
    open.push(...below.toReversed().map((each) => ({ turn: each, depth: below.length > 1 ? depth + 1 : depth })));
  }
  return lines.length > 0 ? lines.join('\n') : 'Nothing is recorded. Switch it on: godel config set record_bodies true';
}

export const recordingOperations = {
  recordingList: operation({
    name: 'recording list',
    http: { method: 'GET', path: '/recordings' },
    summary: 'List recorded requests to models, newest first',
    description:
      'Bodies are recorded only in projects with record_bodies: true, for agents that are started from then on. They stay on this machine.',
    input: z.object({
      ...whose,
      limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Most to list'),
      cursor: z.string().optional().describe('Go on after this one'),
    }),
    output: z.object({
      items: z.array(recordingSchema),
      pagination: z.object({ limit: z.number().int(), cursor: z.string().nullable(), hasMore: z.boolean() }),
    }),
    permission: 'recording:read',
    scope: 'project',
    examples: ['godel recording list --agent worker-1'],
    text: ({ items }) =>
      items.length === 0
        ? treeText([])
        : table(
            ['REQUEST', 'AT', 'AGENT', 'MODEL', 'OUTCOME', 'BYTES'],
            items.map((item) => [
              item.requestId,
              item.at,
              item.agentName ?? '-',
              `${item.provider}/${item.model}`,
              item.outcome,
              `${item.requestBytes} → ${item.answerBytes}`,
            ]),
          ),
  }),
  recordingShow: operation({
    name: 'recording show',
    http: { method: 'GET', path: '/recordings/:requestId' },
    summary: 'Show a recorded request and its answer as they went over the wire',
    input: z.object({ requestId: z.string().describe('Id of the request') }),
    output: recordedBodySchema,
    permission: 'recording:read',
    args: ['requestId'],
    scope: 'project',
    examples: ['godel recording show 0198c1d2-…'],
    text: (body) => `${body.request}\n\n${body.answer}`,
  }),
  recordingTree: operation({
    name: 'recording tree',
    http: { method: 'GET', path: '/recordings/turns' },
    summary: 'Show recorded conversations as a tree of turns',
    description: 'A turn is named by its content and what came before it: a conversation that was forked is a branch.',
    input: z.object(whose),
    output: z.object({ items: z.array(turnSchema) }),
    permission: 'recording:read',
    scope: 'project',
    examples: ['godel recording tree --agent worker-1'],
    text: ({ items }) => treeText(items),
  }),
} as const;
