/** What can be done with messages. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { pageInput, pageOf } from '../base/page.ts';
import { messageSchema } from './schema.ts';
import { messagesText, messageText, readText, sentText } from './text.ts';

const flag = z.stringbool().or(z.boolean()).default(false);

export const messageOperations = {
  messageSend: operation({
    name: 'message send',
    aliases: ['message'],
    http: { method: 'POST', path: '/messages', status: 201 },
    summary: 'Write to an agent, to all of a role, or to all; it arrives when their turn ends',
    description:
      'It comes to the agent as a prompt with the name of who sent it, exactly once. Agents that only answer each other, without a person or progress between, are cut off (message_hops).',
    input: z.object({
      to: z.string().min(1).max(20_000).optional().describe('Agent, by name or id; left out with --all or --role'),
      text: z.string().min(1).max(20_000).optional().describe('What to say'),
      all: flag.describe('To every agent that runs in this project'),
      role: z.string().min(1).optional().describe('To every agent of this role that runs'),
    }),
    output: z.object({ items: z.array(messageSchema) }),
    permission: 'message:send',
    args: ['to', 'text'],
    scope: 'project',
    examples: ['godel message send worker-1 "The API has moved to v2"', 'godel message send --all "Pull main first"'],
    text: ({ items }) => sentText(items),
  }),
  messageList: operation({
    name: 'message list',
    http: { method: 'GET', path: '/messages' },
    summary: 'List messages, newest first: an agent its own, a person those of all',
    input: z.object({
      agent: z.string().optional().describe('Of this agent, sent or received'),
      unread: flag.describe('Only what has not arrived or was not read'),
      ...pageInput,
    }),
    output: pageOf(messageSchema),
    permission: 'message:read',
    scope: 'project',
    examples: ['godel message list --unread', 'godel message list --agent worker-1'],
    text: ({ items }) => messagesText(items),
  }),
  messageShow: operation({
    name: 'message show',
    http: { method: 'GET', path: '/messages/:id' },
    summary: 'Show one message',
    input: z.object({ id: z.string().min(1).describe('Id of the message, or a unique end of it') }),
    output: messageSchema,
    permission: 'message:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel message show 3f9a1c'],
    text: messageText,
  }),
  messageRead: operation({
    name: 'message read',
    http: { method: 'POST', path: '/messages/read' },
    summary: 'Show what is kept for you, and mark it as read; meant for agents',
    input: z.object({}),
    output: z.object({ items: z.array(messageSchema) }),
    permission: 'message:read',
    scope: 'project',
    examples: ['godel message read'],
    text: ({ items }) => readText(items),
  }),
} as const;
