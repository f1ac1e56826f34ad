/** Messages between agents, and from people to agents: one row for each who gets it. */
import { z } from 'zod';

/** `queued`: comes at the end of a turn. `delivered`: its turn began. `kept`: waits to be read. `lost`: could not be handed over. */
export const messageStatusSchema = z.enum(['queued', 'delivered', 'kept', 'read', 'lost']);
export type MessageStatus = z.infer<typeof messageStatusSchema>;

export const messageSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  from: z.string().describe('Name of who sent it'),
  fromId: z.string(),
  fromKind: z.enum(['user', 'agent', 'system']),
  to: z.string().describe('Name of the agent it is for'),
  toId: z.string(),
  text: z.string(),
  sentTo: z.number().int().describe('How many got the same words'),
  hops: z.number().int().describe('Messages of agents that led to it without a person or progress between'),
  status: messageStatusSchema,
  createdAt: z.string(),
  readAt: z.string().optional(),
});
export type Message = z.infer<typeof messageSchema>;
