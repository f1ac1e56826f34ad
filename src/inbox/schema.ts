/** The inbox: everything that waits for a person, in one list, with the answer that was given and by whom. */
import { z } from 'zod';

export const inboxKindSchema = z.enum(['permission', 'question', 'review', 'conflict', 'budget', 'failure']);

export const inboxStatusSchema = z.enum(['open', 'answered', 'closed']);
export type InboxStatus = z.infer<typeof inboxStatusSchema>;

export const inboxAnswerSchema = z.object({
  choice: z.string().optional(),
  text: z.string().optional(),
  by: z.string().describe('Who answered; a rule answers in the name of who made it'),
  at: z.string(),
  ruleId: z.string().optional().describe('The rule that answered'),
  outcome: z.string().optional().describe('What came of it'),
});

export const inboxItemSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  key: z.string().describe('What it is about: one open item a key'),
  kind: inboxKindSchema,
  status: inboxStatusSchema,
  title: z.string().describe('The question, in one or more lines'),
  choices: z.array(z.string()),
  askId: z.string().optional().describe('Id by which the agent takes the answer'),
  agentId: z.string().optional(),
  agentName: z.string().optional(),
  beadId: z.string().optional(),
  tool: z.string().optional().describe('Tool that asks for permission'),
  command: z.string().optional().describe('Command or path the tool would be used with'),
  createdAt: z.string(),
  answer: inboxAnswerSchema.optional(),
  closedReason: z.string().optional(),
});
export type InboxItem = z.infer<typeof inboxItemSchema>;

/** Answers permission questions by itself, in one project. */
export const inboxRuleSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  tool: z.string().optional().describe('Only this tool; any when absent'),
  pattern: z.string().describe('The command or path; a * at its end stands for plain arguments'),
  answer: z.enum(['allow', 'deny']),
  by: z.string(),
  createdAt: z.string(),
});
export type InboxRule = z.infer<typeof inboxRuleSchema>;

/** What others hand in. */
export type InboxDraft = Pick<InboxItem, 'key' | 'kind' | 'title' | 'projectId'> &
  Partial<Pick<InboxItem, 'choices' | 'askId' | 'agentId' | 'agentName' | 'beadId' | 'tool' | 'command'>>;
