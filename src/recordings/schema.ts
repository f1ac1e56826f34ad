/** What was said between agents and models, kept when a project asks for it. */
import { z } from 'zod';

/** One request with its answer. */
export const recordingSchema = z.object({
  requestId: z.string().describe('As in the ledger and in x-godel-request-id'),
  at: z.string(),
  projectId: z.string(),
  agentId: z.string().optional(),
  agentName: z.string().optional(),
  beadId: z.string().optional(),
  provider: z.string(),
  model: z.string(),
  dialect: z.string().describe('Of the client'),
  stream: z.boolean(),
  status: z.number().int(),
  outcome: z.string(),
  turn: z.string().nullable().describe('Newest turn of the conversation it belongs to'),
  requestBytes: z.number().int(),
  answerBytes: z.number().int(),
});
export type Recording = z.infer<typeof recordingSchema>;

export const recordedBodySchema = recordingSchema.extend({
  system: z.string().describe('System prompt'),
  tools: z.array(z.string()).describe('Names of the tools that were offered'),
  request: z.string(),
  answer: z.string().describe('As the client got it; of a long one the first part'),
});
export type RecordedBody = z.infer<typeof recordedBodySchema>;

export const turnPartSchema = z.union([
  z.object({ text: z.string() }),
  z.object({ media: z.string(), sha256: z.string() }),
  z.object({ call: z.string(), input: z.record(z.string(), z.unknown()) }),
  z.object({ result: z.string(), failed: z.boolean() }),
]);
export type TurnPart = z.infer<typeof turnPartSchema>;

/** A turn is named by what it says and what came before, so the same beginning is one path and a fork is a branch. */
export const turnSchema = z.object({
  id: z.string().describe('SHA-256 of parent, role and parts'),
  parent: z.string().nullable(),
  role: z.enum(['user', 'assistant']),
  at: z.string().describe('When it was first seen'),
  parts: z.array(turnPartSchema),
});
export type Turn = z.infer<typeof turnSchema>;

export const recordingFilterSchema = z.object({
  projectId: z.string(),
  agentId: z.string().optional(),
  beadId: z.string().optional(),
  limit: z.number().int().min(1).max(1000).default(100),
  /** Newest first: id of the last one that is known. */
  cursor: z.string().optional(),
});
export type RecordingFilter = z.infer<typeof recordingFilterSchema>;
