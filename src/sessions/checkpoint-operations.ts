/** What can be done with checkpoints. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { pageInput, pageOf } from '../base/page.ts';
import { facts, table } from '../base/table.ts';
import { type Checkpoint, checkpointSchema } from './schema.ts';
import { shortId } from './text.ts';

const id = z.string().min(1).describe('Name of the checkpoint, its id, or a unique beginning or end of that');
const called = (checkpoint: Checkpoint) => checkpoint.name ?? shortId(checkpoint.id);

function checkpointText(checkpoint: Checkpoint & { files: string[] }): string {
  const rows: [string, string | undefined][] = [
    ['reason', checkpoint.reason],
    ['agent', checkpoint.agentName],
    ['session', checkpoint.sessionId],
    ['bead', checkpoint.beadId],
    ['turn', `${checkpoint.turns}${checkpoint.turn === null ? '' : ` (${shortId(checkpoint.turn)})`}`],
    ['kept', checkpoint.kept ? 'until it is deleted' : `while it is one of the newest`],
    ['head', checkpoint.code?.head],
    ['files', checkpoint.code?.commit],
    ['changed', checkpoint.files.join(', ')],
    ['ref', checkpoint.ref],
    ['made', `${checkpoint.createdAt} by ${checkpoint.createdBy}`],
  ];
  return [`${checkpoint.id}${checkpoint.name === undefined ? '' : `  ${checkpoint.name}`}`, ...facts(rows, 8)].join(
    '\n',
  );
}

export const checkpointOperations = {
  checkpointCreate: operation({
    name: 'checkpoint create',
    http: { method: 'POST', path: '/checkpoints', status: 201 },
    summary: 'Keep the conversation and the files of an agent as they are now',
    description:
      'Checkpoints are also made by themselves: after checkpoint_turns answers of a model, whenever an agent rests, pauses, stops or hands work over, and before anything is put back. One that is asked for is never deleted by itself.',
    input: z.object({
      id: z.string().min(1).optional().describe('Agent, session or bead; an agent that asks may leave it out'),
      name: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, 'a name is letters, digits, dots, dashes and underscores')
        .optional()
        .describe('Name to call it by'),
    }),
    output: checkpointSchema,
    permission: 'checkpoint:create',
    args: ['id'],
    scope: 'project',
    examples: ['godel checkpoint create worker-1 --name before-refactoring', 'godel checkpoint create'],
    text: (checkpoint) =>
      `Created checkpoint ${called(checkpoint)} of ${checkpoint.agentName} at turn ${checkpoint.turns}`,
  }),
  checkpointList: operation({
    name: 'checkpoint list',
    aliases: ['checkpoints'],
    http: { method: 'GET', path: '/checkpoints' },
    summary: 'List checkpoints, newest first',
    input: z.object({
      session: z.string().optional().describe('Only of this session, or of the newest one of an agent'),
      bead: z.string().optional().describe('Only on this bead'),
      ...pageInput,
    }),
    output: pageOf(checkpointSchema),
    permission: 'session:read',
    scope: 'project',
    examples: ['godel checkpoint list', 'godel checkpoint list --bead godel-abc12'],
    text: ({ items }) =>
      items.length === 0
        ? 'No checkpoints. godel checkpoint create <agent> makes one.'
        : table(
            ['CHECKPOINT', 'AGENT', 'TURN', 'WHY', 'BEAD', 'CODE', 'CREATED'],
            items.map((item) => [
              called(item),
              item.agentName,
              String(item.turns),
              item.reason,
              item.beadId ?? '-',
              item.code?.commit.slice(0, 10) ?? '-',
              item.createdAt,
            ]),
          ),
  }),
  checkpointShow: operation({
    name: 'checkpoint show',
    http: { method: 'GET', path: '/checkpoints/:id' },
    summary: 'Show one checkpoint and the files that were not committed then',
    input: z.object({ id }),
    output: checkpointSchema.extend({ files: z.array(z.string()).describe('Not committed at that time') }),
    permission: 'session:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel checkpoint show before-refactoring'],
    text: checkpointText,
  }),
  checkpointDelete: operation({
    name: 'checkpoint delete',
    http: { method: 'DELETE', path: '/checkpoints/:id' },
    summary: 'Give a checkpoint up',
    input: z.object({ id }),
    output: checkpointSchema,
    permission: 'checkpoint:delete',
    args: ['id'],
    scope: 'project',
    examples: ['godel checkpoint delete before-refactoring'],
    text: (checkpoint) => `Deleted checkpoint ${called(checkpoint)}`,
  }),
} as const;
