/** What puts sessions elsewhere: back, beside, into less, onto another runtime, away. */
import { z } from 'zod';
import { agentSchema } from '../agents/schema.ts';
import { operation } from '../base/operation.ts';
import { type Moved, movedSchema, sessionSchema } from './schema.ts';
import { shortId } from './text.ts';

const id = z
  .string()
  .min(1)
  .describe('Session id, or a unique beginning or end of it; the name of an agent or a bead id for its newest one');
const prompt = z.string().min(1).max(1_000_000).optional().describe('What the agent is told then');
const stopped = z.boolean().default(false).describe('Leave the agent stopped');
const keepFiles = z.boolean().default(false).describe('Put the conversation back only; files stay as they are');

const CARRIED = {
  native: '',
  told: '; it is told what was said before, as its program cannot take the conversation over',
  new: '; its conversation begins anew',
} as const;

function movedText(verb: string, { session, checkpoint, files, carried }: Moved): string {
  const code = files === undefined ? '' : `, files of checkpoint ${files}`;
  return [
    `${verb} ${session.agentName}: session ${shortId(session.id)}${code}${CARRIED[carried]}`,
    `What was there before is checkpoint ${checkpoint}: godel checkpoint restore ${checkpoint}`,
  ].join('\n');
}

export const moveOperations = {
  sessionRewind: operation({
    name: 'session rewind',
    http: { method: 'POST', path: '/sessions/:id/rewind' },
    summary: 'Put the conversation and the files of an agent back to an earlier turn',
    description:
      'The agent is stopped, what is there is kept as a checkpoint, files and branch become what they were at the nearest checkpoint on the way to the turn, and the agent goes on in a new session that ends there. It waits for a prompt, unless one is given. Ignored files stay.',
    input: z.object({
      id,
      to: z.string().min(1).describe('Turn (see session tree) or checkpoint'),
      prompt,
      keepFiles,
      stopped,
    }),
    output: movedSchema,
    permission: 'session:move',
    args: ['id', 'to'],
    scope: 'project',
    examples: [
      'godel session rewind worker-1 2b9abeb3',
      'godel session rewind worker-1 before-refactoring --prompt "Try again"',
    ],
    text: (moved) => movedText('Rewound', moved),
  }),
  checkpointRestore: operation({
    name: 'checkpoint restore',
    http: { method: 'POST', path: '/checkpoints/:id/restore' },
    summary: 'Put the conversation and the files of an agent back to a checkpoint',
    description: 'As session rewind, for a checkpoint of any session. What is there now is kept as a checkpoint first.',
    input: z.object({
      id: z.string().min(1).describe('Name of the checkpoint, its id, or a unique beginning or end of that'),
      prompt,
      keepFiles,
      stopped,
    }),
    output: movedSchema,
    permission: 'session:move',
    args: ['id'],
    scope: 'project',
    examples: ['godel checkpoint restore before-refactoring'],
    text: (moved) => movedText('Restored', moved),
  }),
  sessionFork: operation({
    name: 'session fork',
    http: { method: 'POST', path: '/sessions/:id/fork', status: 201 },
    summary: 'Go on with a copy of a conversation and its files: another agent, bead and branch',
    description: 'The agent it is copied from goes on by itself. Without a turn the copy is of what is there now.',
    input: z.object({
      id,
      at: z.string().min(1).optional().describe('Turn (see session tree) or checkpoint'),
      title: z.string().min(1).max(500).optional().describe('Title of the new bead'),
      name: z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,39}$/, 'a name is lower-case letters, digits and dashes')
        .optional()
        .describe('Name of the new agent'),
      runtime: z.string().optional().describe('Program of the new agent; the same when not given'),
      prompt,
    }),
    output: z.object({
      agent: agentSchema,
      beadId: z.string().optional(),
      files: z.string().optional().describe('Checkpoint whose files it has'),
      carried: movedSchema.shape.carried,
    }),
    permission: 'agent:create',
    args: ['id'],
    scope: 'project',
    examples: [
      'godel session fork worker-1',
      'godel session fork worker-1 --at before-refactoring --prompt "Try it with a queue"',
    ],
    text: ({ agent, beadId, carried }) =>
      `Forked ${agent.name}${beadId === undefined ? '' : ` on ${beadId}`}${CARRIED[carried]}`,
  }),
  sessionCompact: operation({
    name: 'session compact',
    http: { method: 'POST', path: '/sessions/:id/compact' },
    summary: 'Make the conversation of an agent shorter',
    description:
      'A program that can does it in its own way, at rest, with a summary that its model writes; the session stays, with that summary in its tree. Otherwise, and with --own, the agent goes on in a new session that begins with what was asked, written, run and said last: that is taken from the conversation itself, so no model is asked and nothing is paid. The long one is kept: as a checkpoint, and as a file the agent can read.',
    input: z.object({
      id,
      prompt,
      stopped,
      own: z.boolean().default(false).describe("Godel's own summary, although the program could write one"),
    }),
    output: movedSchema,
    permission: 'session:move',
    args: ['id'],
    scope: 'project',
    examples: ['godel session compact worker-1'],
    text: ({ session, checkpoint, carried, problem }) =>
      `Compacted ${session.agentName}: session ${shortId(session.id)}${carried === 'native' ? ', by its program' : ''}${problem === undefined ? '' : `, not by its program (${problem})`}; the long one is checkpoint ${checkpoint}`,
  }),
  sessionMigrate: operation({
    name: 'session migrate',
    http: { method: 'POST', path: '/sessions/:id/migrate' },
    summary: 'Let an agent go on with another program or model, in its worktree',
    description:
      'Between agents of one program the conversation itself comes along. Another program is told what was asked, written, run and said last, and where all of it can be read.',
    input: z.object({
      id,
      runtime: z.string().optional().describe('Program that is the agent from now on'),
      model: z.string().optional().describe('Model, or provider/model'),
      runner: z.string().optional().describe('Where it runs from now on'),
      prompt,
      stopped,
    }),
    output: movedSchema,
    permission: 'session:move',
    args: ['id'],
    scope: 'project',
    examples: [
      'godel session migrate worker-1 --runtime claude',
      'godel session migrate worker-1 --model demo/demo-large',
    ],
    text: (moved) => movedText('Migrated', moved),
  }),
  sessionArchive: operation({
    name: 'session archive',
    http: { method: 'POST', path: '/sessions/:id/archive' },
    summary: 'Put an ended session away; it is kept with everything in it, and not listed',
    input: z.object({ id }),
    output: sessionSchema,
    permission: 'session:move',
    args: ['id'],
    scope: 'project',
    examples: ['godel session archive 3f9a1c2b'],
    text: (session) => `Archived session ${shortId(session.id)} of ${session.agentName}`,
  }),
  sessionUnarchive: operation({
    name: 'session unarchive',
    http: { method: 'POST', path: '/sessions/:id/unarchive' },
    summary: 'Take an archived session back',
    input: z.object({ id }),
    output: sessionSchema,
    permission: 'session:move',
    args: ['id'],
    scope: 'project',
    examples: ['godel session unarchive 3f9a1c2b'],
    text: (session) => `Took session ${shortId(session.id)} of ${session.agentName} back`,
  }),
  sessionPrime: operation({
    name: 'session prime',
    aliases: ['prime'],
    http: { method: 'GET', path: '/sessions/prime' },
    summary: 'Tell what an agent needs to know to go on: what was asked, written, run and said last',
    input: z.object({ id: id.optional().describe('Agent, session or bead; an agent that asks may leave it out') }),
    output: z.object({ session: sessionSchema, text: z.string() }),
    permission: 'session:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel prime', 'godel session prime worker-1'],
    text: ({ text }) => text,
  }),
} as const;
