/** Sessions: the conversations of agents as trees of turns, and the points they can go back to. */
import { z } from 'zod';

/** Status of spec-v2 section 2.1, and `archived`. */
export const sessionStatusSchema = z.enum(['pending', 'active', 'paused', 'completed', 'failed', 'archived']);
export type SessionStatus = z.infer<typeof sessionStatusSchema>;

/** How a session came to be. */
export const sessionOriginSchema = z.enum(['start', 'fork', 'rewind', 'compact', 'migrate']);
export type SessionOrigin = z.infer<typeof sessionOriginSchema>;

export const sessionSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  agentId: z.string(),
  agentName: z.string(),
  beadId: z.string().optional(),
  status: sessionStatusSchema,
  origin: sessionOriginSchema,
  parentId: z.string().optional().describe('Session it goes on from'),
  parentTurn: z.string().optional().describe('Turn of that session it goes on after'),
  depth: z.number().int().describe('Number of sessions it comes from'),
  runtime: z.string(),
  runner: z.string(),
  model: z.string().optional(),
  worktree: z.string().optional(),
  file: z.string().optional().describe('File the runtime keeps the conversation in'),
  nativeId: z.string().optional().describe("The runtime's own name of the conversation"),
  createdAt: z.string(),
  updatedAt: z.string(),
  completedAt: z.string().optional(),
  archivedAt: z.string().optional(),
  version: z.number().int(),
});
export type Session = z.infer<typeof sessionSchema>;

export const toolCallSchema = z.object({
  id: z.string().optional(),
  tool: z.string(),
  input: z.record(z.string(), z.unknown()),
});

/** One step of a conversation. What a runtime calls it stays its id, so that the runtime understands it. */
export const sessionTurnSchema = z.object({
  id: z.string(),
  parent: z.string().nullable(),
  role: z.enum(['user', 'assistant', 'tool', 'summary']).describe('summary = stands for what was compacted'),
  text: z.string(),
  calls: z.array(toolCallSchema).default([]),
  callId: z.string().optional().describe('Call that a result of a tool answers'),
  tool: z.string().optional(),
  failed: z.boolean().optional(),
  model: z.string().optional(),
  usage: z.object({ inputTokens: z.number(), outputTokens: z.number() }).optional(),
  at: z.string().optional(),
});
export type SessionTurn = z.infer<typeof sessionTurnSchema>;

/** Where the turns were read. */
export const turnSourceSchema = z.enum(['runtime', 'recording', 'checkpoint', 'none']);
export type TurnSource = z.infer<typeof turnSourceSchema>;

export const sessionViewSchema = sessionSchema.extend({
  children: z.array(z.string()).describe('Sessions that go on from it'),
  turns: z.number().int(),
  turn: z.string().optional().describe('Turn it is at'),
  source: turnSourceSchema,
});
export type SessionView = z.infer<typeof sessionViewSchema>;

export const searchHitSchema = z.object({
  sessionId: z.string(),
  agentName: z.string(),
  beadId: z.string().optional(),
  turn: z.string(),
  role: z.string(),
  at: z.string().optional(),
  excerpt: z.string(),
});
export type SearchHit = z.infer<typeof searchHitSchema>;

/** Why a checkpoint was made. */
export const checkpointReasonSchema = z.enum([
  'asked',
  'turns',
  'rest',
  'pause',
  'stop',
  'end',
  'review',
  'landing',
  'before-rewind',
  'before-fork',
  'before-compact',
  'before-migrate',
]);
export type CheckpointReason = z.infer<typeof checkpointReasonSchema>;

/** A turn of a conversation with the files of the worktree as they were then. */
export const checkpointSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  sessionId: z.string(),
  agentId: z.string(),
  agentName: z.string(),
  beadId: z.string().optional(),
  runtime: z.string(),
  name: z.string().optional(),
  reason: checkpointReasonSchema,
  kept: z.boolean().describe('Never deleted by itself: it was asked for, or something was put back after it'),
  turn: z.string().nullable().describe('Turn the conversation was at; none before the first'),
  turns: z.number().int(),
  code: z
    .object({
      commit: z.string().describe('Holds every file that git does not ignore; its parent is HEAD at that time'),
      tree: z.string(),
      head: z.string(),
      branch: z.string().optional(),
    })
    .optional()
    .describe('Absent for agents without a worktree of their own'),
  ref: z.string(),
  commit: z.string().describe('Commit the ref points to: the conversation, on top of the code'),
  createdAt: z.string(),
  createdBy: z.string(),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;
export type Code = NonNullable<Checkpoint['code']>;

/** A session on its way to another place: all that is needed to do it again from the start. */
export interface Move {
  agentId: string;
  agentName: string;
  projectId: string;
  beadId?: string | undefined;
  /** Session it goes on from, and the turn it goes on after; null when it begins anew. */
  from: Session;
  turn: string | null;
  origin: SessionOrigin;
  code?: Code | undefined;
  /** Name of the new conversation, a UUID. */
  id: string;
  /** Commit of a checkpoint that has the conversation, for when the runtime's file has not. */
  kept?: string | undefined;
  /** Begins anew and is told what was before, though its program could take it over. */
  isTold: boolean;
  runtime: string;
  model?: string | undefined;
  provider?: string | undefined;
  /** Starts the agent when it is there. */
  start: boolean;
  prompt?: string | undefined;
  by: string;
  /** Checkpoint of what was there before. */
  safety: string;
  /** The new session of the agent, once its row is written; the text it is to be told. */
  settled?: { sessionId: string; text: string | null } | undefined;
}

export const movedSchema = z.object({
  session: sessionSchema,
  checkpoint: z.string().describe('Checkpoint of what was there before'),
  files: z.string().optional().describe('Checkpoint whose files were put back'),
  carried: z
    .enum(['native', 'told', 'new'])
    .describe('How the conversation came along: the program has it, it was told what was before, or it begins anew'),
  problem: z.string().optional().describe('Why the program did not make it shorter in its own way'),
});
export type Moved = z.infer<typeof movedSchema>;
