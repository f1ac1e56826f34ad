/** What can be done with the inbox. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { pageInput, pageOf } from '../base/page.ts';
import { facts, table } from '../base/table.ts';
import { type InboxItem, inboxItemSchema, inboxKindSchema, inboxRuleSchema } from './schema.ts';

const id = z.string().min(1).describe('Id of the item, or a unique end of it');

/** Ids are ordered by time, so their ends tell items apart. */
const short = (item: { id: string }) => item.id.slice(-6);
const firstLine = (text: string) => text.split('\n')[0] ?? '';

function itemText(item: InboxItem): string {
  const rows: [string, string | undefined][] = [
    ['kind', item.kind],
    ['status', item.status],
    ['agent', item.agentName],
    ['bead', item.beadId],
    ['tool', item.tool],
    ['command', item.command],
    ['choices', item.choices.map((choice, index) => `${index + 1} ${choice}`).join(', ')],
    ['since', item.createdAt],
    ['answer', item.answer && [item.answer.choice, item.answer.text].filter(Boolean).join(': ')],
    ['by', item.answer && `${item.answer.by}${item.answer.ruleId ? ' (rule)' : ''}, ${item.answer.at}`],
    ['outcome', item.answer?.outcome],
    ['closed', item.closedReason],
  ];
  return [`${short(item)}  ${item.title}`, ...facts(rows, 9)].join('\n');
}

function answerText(item: InboxItem): string {
  const said = item.answer?.choice ?? item.answer?.text ?? '';
  return `Answered ${short(item)}: ${said}${item.answer?.outcome ? ` (${item.answer.outcome})` : ''}`;
}

export const inboxOperations = {
  inboxList: operation({
    name: 'inbox list',
    aliases: ['inbox'],
    http: { method: 'GET', path: '/inbox' },
    summary: 'List everything that waits for a person',
    input: z.object({
      kind: inboxKindSchema.optional(),
      all: z.stringbool().or(z.boolean()).default(false).describe('Answered and closed ones too: the audit'),
      ...pageInput,
    }),
    output: pageOf(inboxItemSchema),
    permission: 'inbox:read',
    scope: 'project',
    examples: ['godel inbox list', 'godel inbox list --all'],
    text: (page) =>
      page.items.length === 0
        ? 'Nothing waits for you.'
        : table(
            ['ID', 'KIND', 'STATUS', 'WHO', 'WHAT', 'CHOICES'],
            page.items.map((item) => [
              short(item),
              item.kind,
              item.answer ? `${item.answer.choice ?? 'answered'} by ${item.answer.by}` : item.status,
              item.agentName ?? item.beadId ?? '-',
              firstLine(item.title).slice(0, 80),
              item.choices.join(' / '),
            ]),
          ),
  }),
  inboxShow: operation({
    name: 'inbox show',
    http: { method: 'GET', path: '/inbox/:id' },
    summary: 'Show one item of the inbox with its answer',
    input: z.object({ id }),
    output: inboxItemSchema,
    permission: 'inbox:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel inbox show 3f9a1c'],
    text: itemText,
  }),
  inboxAnswer: operation({
    name: 'inbox answer',
    http: { method: 'POST', path: '/inbox/:id/answer' },
    summary: 'Answer an item: a choice by its word or number, or a text',
    input: z.object({
      id,
      choice: z.string().max(10_000).optional().describe('A choice or its number; any other words are the answer'),
      text: z.string().max(20_000).optional().describe('Words that go with it'),
      always: z.boolean().default(false).describe('Make a rule of it: this tool with this command, in this project'),
    }),
    output: inboxItemSchema,
    permission: 'inbox:answer',
    args: ['id', 'choice'],
    scope: 'project',
    examples: ['godel inbox answer 3f9a1c allow --always', 'godel inbox answer 3f9a1c "Use the staging key"'],
    text: answerText,
  }),
  inboxDismiss: operation({
    name: 'inbox dismiss',
    http: { method: 'POST', path: '/inbox/:id/dismiss' },
    summary: 'Take an item off the list without an answer',
    input: z.object({ id, reason: z.string().max(1_000).optional() }),
    output: inboxItemSchema,
    permission: 'inbox:answer',
    args: ['id'],
    scope: 'project',
    examples: ['godel inbox dismiss 3f9a1c'],
    text: (item) => `Dismissed ${short(item)}`,
  }),
  inboxAsk: operation({
    name: 'inbox ask',
    aliases: ['ask'],
    http: { method: 'POST', path: '/inbox/questions', status: 201 },
    summary: 'Ask a person and wait for the answer; meant for agents',
    description:
      'The question appears in the inbox of every person. When the time is over the question stays: the same words ask for its answer again.',
    input: z.object({
      question: z.string().min(1).max(20_000),
      choices: z.array(z.string().min(1).max(200)).default([]).describe('Possible answers; any words when left out'),
      wait: z.coerce.number().min(0).max(86_400).default(600).describe('Seconds to wait for the answer'),
    }),
    output: inboxItemSchema,
    permission: 'inbox:ask',
    args: ['question'],
    scope: 'project',
    examples: ['godel ask "Keep the old endpoint?" --choice yes --choice no'],
    text: (item) => {
      if (item.answer) return [item.answer.choice, item.answer.text].filter(Boolean).join('\n');
      return item.status === 'closed'
        ? 'The question was taken back without an answer.'
        : 'No answer yet. Ask with the same words again to go on waiting.';
    },
  }),
  inboxAllow: operation({
    name: 'inbox allow',
    http: { method: 'POST', path: '/inbox/rules', status: 201 },
    summary: 'Always allow (or deny) a command that agents of this project ask for',
    input: z.object({
      pattern: z.string().trim().min(1).max(2_000).describe('The command; a * at its end stands for plain arguments'),
      tool: z.string().optional().describe('Only for this tool'),
      deny: z.boolean().default(false).describe('Always refuse it instead'),
    }),
    output: inboxRuleSchema,
    permission: 'inbox:rule',
    args: ['pattern'],
    scope: 'project',
    examples: ['godel inbox allow "npm test"', 'godel inbox allow "git push *" --deny'],
    text: (rule) => `Rule ${short(rule)}: ${rule.answer} ${rule.pattern}`,
  }),
  inboxRules: operation({
    name: 'inbox rules',
    http: { method: 'GET', path: '/inbox/rules' },
    summary: 'List the rules that answer by themselves',
    input: z.object({}),
    output: z.object({ items: z.array(inboxRuleSchema) }),
    permission: 'inbox:read',
    scope: 'project',
    examples: ['godel inbox rules'],
    text: ({ items }) =>
      items.length === 0
        ? 'No rules. godel inbox allow "npm test" makes one.'
        : table(
            ['ID', 'ANSWER', 'TOOL', 'PATTERN', 'BY', 'SINCE'],
            items.map((rule) => [short(rule), rule.answer, rule.tool ?? 'any', rule.pattern, rule.by, rule.createdAt]),
          ),
  }),
  inboxForget: operation({
    name: 'inbox forget',
    http: { method: 'DELETE', path: '/inbox/rules/:id' },
    summary: 'Remove a rule',
    input: z.object({ id: z.string().min(1).describe('Id of the rule, or a unique end of it') }),
    output: inboxRuleSchema,
    permission: 'inbox:rule',
    args: ['id'],
    scope: 'project',
    examples: ['godel inbox forget 3f9a1c'],
    text: (rule) => `Removed the rule ${rule.answer} ${rule.pattern}`,
  }),
} as const;
