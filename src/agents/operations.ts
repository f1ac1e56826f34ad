/** What can be done with agents. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { pageInput, pageOf } from '../base/page.ts';
import { facts, table } from '../base/table.ts';
import {
  type Agent,
  agentSchema,
  agentStateSchema,
  historyEntrySchema,
  openTodos,
  promptSchema,
  recoveryItemSchema,
  runtimeModeSchema,
  todoProgress,
} from './schema.ts';
import { capsText } from './text.ts';

const id = z.string().min(1).describe('Agent name or id, or a unique beginning of it');

function ageText(since: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return `${Math.floor(seconds / 3600)}h`;
}

function agentText(agent: Agent): string {
  const rows: [string, string | undefined][] = [
    ['id', agent.id],
    ['state', `${agent.observed.state} (by ${agent.observed.source}, ${ageText(agent.observed.at)} ago)`],
    ['detail', agent.observed.detail],
    ['attention', agent.attention && `${agent.attention.kind}: ${agent.attention.detail}`],
    ['lifecycle', agent.lifecycle],
    ['role', agent.role],
    ['runtime', agent.runtime],
    ['runner', agent.runner],
    ['model', agent.model && `${agent.provider}/${agent.model}`],
    ['bead', agent.beadId],
    ['worktree', agent.worktree],
    ['pane', agent.pane],
    ['pid', agent.pid === undefined ? undefined : String(agent.pid)],
    ['todos', agent.todos && `${todoProgress(agent.todos)} done`],
    ['unread', agent.unread === undefined ? undefined : `${agent.unread} messages`],
    ['error', agent.lastError],
    ['retries', `${agent.retryCount} of ${agent.maxRetries}${agent.retryAt ? `, again at ${agent.retryAt}` : ''}`],
    ['caps', agent.caps && capsText(agent.caps)],
    ['deadline', agent.deadlineAt],
    ['created', agent.createdAt],
    ...(agent.observed.evidence ?? []).map((each): [string, string] => [
      `by ${each.source}`,
      `${each.state}, ${ageText(each.at)} ago${each.detail ? ` (${each.detail})` : ''}`,
    ]),
  ];
  return [agent.name, ...facts(rows, 11)].join('\n');
}

const verb = (word: string) => (agent: Agent) => `${word} agent ${agent.name}`;

export const agentOperations = {
  agentSpawn: operation({
    name: 'agent spawn',
    aliases: ['spawn'],
    http: { method: 'POST', path: '/agents', status: 201 },
    summary: 'Start agents, on a bead or with a prompt',
    input: z.object({
      prompt: z.string().max(1_000_000).optional().describe('First prompt'),
      bead: z.string().optional().describe('Bead to work on; it moves to in-progress'),
      runtime: z.string().optional().describe('Program that is the agent; godel runtime list shows them'),
      model: z.string().optional().describe('Model, or provider/model'),
      provider: z.string().optional().describe('LLM provider, for example anthropic, openai or demo'),
      name: z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,39}$/, 'a name is lower-case letters, digits and dashes')
        .optional(),
      role: z.string().default('worker').describe('What it is told to be and may do; godel role list shows them'),
      count: z.coerce.number().int().min(1).max(50).default(1).describe('How many agents'),
      headless: z
        .boolean()
        .default(false)
        .describe('Off the board, over its protocol where the runtime has one; attach shows a transcript'),
      command: z.string().optional().describe('Command for the runtimes shell and acp'),
      budget: z.coerce.number().positive().optional().describe('Most to spend, in USD'),
      maxMinutes: z.coerce.number().positive().optional().describe('Most minutes at work; then it is paused'),
      maxMemory: z.coerce.number().positive().optional().describe('Most memory of it with all it starts, in MB'),
      maxProcesses: z.coerce
        .number()
        .int()
        .positive()
        .optional()
        .describe('Most processes and threads of it with all it starts'),
      retries: z.coerce.number().int().min(0).max(100).optional().describe('Restarts after a failure, with backoff'),
      force: z.boolean().default(false).describe('Begin although the bead waits for another; people only'),
    }),
    output: z.object({ items: z.array(agentSchema) }),
    permission: 'agent:create',
    args: ['prompt'],
    scope: 'project',
    examples: ['godel agent spawn --bead godel-abc12', 'godel agent spawn "Explain the build" --model demo/demo-small'],
    text: ({ items }) =>
      items.map((agent) => `Spawned agent ${agent.name}${agent.beadId ? ` on ${agent.beadId}` : ''}`).join('\n'),
  }),
  agentList: operation({
    name: 'agent list',
    http: { method: 'GET', path: '/agents' },
    summary: 'List agents',
    input: z.object({
      state: agentStateSchema.optional(),
      bead: z.string().optional(),
      all: z.stringbool().or(z.boolean()).default(false).describe('Ended agents too'),
      ...pageInput,
    }),
    output: pageOf(agentSchema),
    permission: 'agent:read',
    scope: 'project',
    examples: ['godel agent list'],
    text: (page) =>
      page.items.length === 0
        ? 'No agents. godel agent spawn --bead <id> starts one.'
        : table(
            ['NAME', 'ROLE', 'STATE', 'FOR', 'SOURCE', 'BEAD', 'RUNTIME', 'MODEL'],
            page.items.map((agent) => [
              agent.name,
              agent.role,
              agent.attention ? `${agent.observed.state}, ${agent.attention.kind}` : agent.observed.state,
              ageText(agent.observed.since),
              agent.observed.source,
              agent.beadId ?? '-',
              agent.runtime,
              agent.model ?? '-',
            ]),
          ),
  }),
  agentShow: operation({
    name: 'agent show',
    http: { method: 'GET', path: '/agents/:id' },
    summary: 'Show one agent',
    input: z.object({ id }),
    output: agentSchema,
    permission: 'agent:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel agent show worker-1'],
    text: agentText,
  }),
  agentHistory: operation({
    name: 'agent history',
    http: { method: 'GET', path: '/agents/:id/history' },
    summary: 'Show every transition of the life of an agent',
    input: z.object({ id }),
    output: z.object({ items: z.array(historyEntrySchema) }),
    permission: 'agent:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel agent history worker-1'],
    text: ({ items }) =>
      table(
        ['AT', 'LIFE', 'FROM', 'ACTION', 'TO', 'WHY'],
        items.map((entry) => [
          entry.at,
          String(entry.generation),
          entry.from,
          entry.action,
          entry.to,
          entry.reason ?? '',
        ]),
      ),
  }),
  agentAttachment: operation({
    name: 'agent attachment',
    http: { method: 'GET', path: '/agents/:id/attachment' },
    summary: 'Show the command that attaches a terminal to an agent',
    input: z.object({ id }),
    output: z.object({ agent: agentSchema, command: z.array(z.string()) }),
    permission: 'agent:attach',
    args: ['id'],
    scope: 'project',
    examples: ['godel agent attachment worker-1 --json'],
    text: ({ command }) => command.join(' '),
  }),
  agentSend: operation({
    name: 'agent send',
    http: { method: 'POST', path: '/agents/:id/prompts', status: 201 },
    summary: 'Send a prompt to an agent; it arrives exactly once',
    input: z.object({
      id,
      text: z.string().min(1).max(1_000_000),
      key: z.string().max(200).optional().describe('Idempotency key: the same key is sent once'),
      when: z.enum(['now', 'after-tool', 'after-turn']).default('after-tool'),
      wait: z.coerce.number().min(0).max(600).default(0).describe('Seconds to wait for the turn to start'),
    }),
    output: promptSchema,
    permission: 'agent:send',
    args: ['id', 'text'],
    scope: 'project',
    examples: ['godel agent send worker-1 "Use the new API" --wait 10'],
    text: (prompt) => `Prompt ${prompt.id} ${prompt.status}`,
  }),
  agentPrompts: operation({
    name: 'agent prompts',
    http: { method: 'GET', path: '/agents/:id/prompts' },
    summary: 'List the prompts sent to an agent and what became of them',
    input: z.object({ id, ...pageInput }),
    output: pageOf(promptSchema),
    permission: 'agent:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel agent prompts worker-1'],
    text: (page) =>
      table(
        ['STATUS', 'ATTEMPTS', 'CREATED', 'TEXT'],
        page.items.map((prompt) => [
          prompt.status,
          String(prompt.attempts),
          prompt.createdAt,
          prompt.text.slice(0, 80),
        ]),
      ),
  }),
  agentPause: operation({
    name: 'agent pause',
    http: { method: 'POST', path: '/agents/:id/pause' },
    summary: 'Pause an agent: its processes are stopped where they are',
    input: z.object({ id }),
    output: agentSchema,
    permission: 'agent:control',
    args: ['id'],
    scope: 'project',
    examples: ['godel agent pause worker-1'],
    text: verb('Paused'),
  }),
  agentResume: operation({
    name: 'agent resume',
    http: { method: 'POST', path: '/agents/:id/resume' },
    summary: 'Let a paused agent go on',
    input: z.object({ id }),
    output: agentSchema,
    permission: 'agent:control',
    args: ['id'],
    scope: 'project',
    examples: ['godel agent resume worker-1'],
    text: verb('Resumed'),
  }),
  agentStop: operation({
    name: 'agent stop',
    http: { method: 'POST', path: '/agents/:id/kill' },
    summary: 'Stop an agent; its work is snapshotted and no process is left',
    input: z.object({ id }),
    output: agentSchema,
    permission: 'agent:control',
    args: ['id'],
    scope: 'project',
    examples: ['godel agent stop worker-1'],
    text: (agent) => {
      const open = openTodos(agent.todos ?? []).length;
      return `Stopped agent ${agent.name}${open > 0 ? `; ${open} of its ${agent.todos?.length} todos are open` : ''}`;
    },
  }),
  agentRestart: operation({
    name: 'agent restart',
    http: { method: 'POST', path: '/agents/:id/restart' },
    summary: 'Start an agent again in its worktree, with its conversation',
    input: z.object({ id }),
    output: agentSchema,
    permission: 'agent:control',
    args: ['id'],
    scope: 'project',
    examples: ['godel agent restart worker-1'],
    text: verb('Restarted'),
  }),
  agentRecover: operation({
    name: 'agent recover',
    aliases: ['recover'],
    http: { method: 'POST', path: '/agents/recover' },
    summary: 'Bring agents that ended against their will back, each in its worktree with its conversation',
    description:
      'The daemon does the same by itself at its start and when a terminal is lost, a few at a time; asked for by a person, attempts that are used up do not count.',
    input: z.object({ dryRun: z.boolean().default(false).describe('Only tell what would be done') }),
    output: z.object({ items: z.array(recoveryItemSchema) }),
    permission: 'agent:control',
    scope: 'project',
    examples: ['godel recover --dry-run', 'godel recover'],
    text: ({ items }) =>
      items.length === 0
        ? 'No agents to recover.'
        : table(
            ['AGENT', 'ACTION', 'BEAD', 'WHY'],
            items.map((item) => [item.agent, item.action, item.beadId ?? '-', item.reason]),
          ),
  }),
  agentLogs: operation({
    name: 'agent logs',
    http: { method: 'GET', path: '/agents/:id/logs' },
    summary: 'Show what an agent printed',
    input: z.object({ id, lines: z.coerce.number().int().min(1).max(100_000).default(200) }),
    output: z.object({ text: z.string(), file: z.string() }),
    permission: 'agent:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel agent logs worker-1 --lines 50'],
    text: (log) => log.text,
  }),
  agentScreen: operation({
    name: 'agent screen',
    http: { method: 'GET', path: '/agents/:id/screen' },
    summary: 'Show what is on the screen of an agent now',
    input: z.object({ id }),
    output: z.object({ text: z.string() }),
    permission: 'agent:read',
    args: ['id'],
    scope: 'project',
    examples: ['godel agent screen worker-1'],
    text: (screen) => screen.text,
  }),
  runtimeList: operation({
    name: 'runtime list',
    http: { method: 'GET', path: '/runtimes' },
    summary: 'List the programs that can be agents, and whether they run here',
    input: z.object({}),
    output: z.object({
      items: z.array(
        z.object({
          id: z.string(),
          summary: z.string(),
          modes: z.array(runtimeModeSchema).describe('pane: its own screen; headless: over its protocol'),
          ok: z.boolean(),
          version: z.string().optional(),
          problem: z.string().optional(),
        }),
      ),
    }),
    permission: 'runtime:read',
    scope: 'home',
    examples: ['godel runtime list'],
    text: ({ items }) =>
      table(
        // A program that does not start says why at length, so that stands last.
        ['RUNTIME', 'VERSION', 'MODES', 'WHAT', 'STATE'],
        items.map((item) => [
          item.id,
          item.version ?? '-',
          item.modes.join(', '),
          item.summary,
          item.ok ? 'ready' : (item.problem ?? 'missing'),
        ]),
      ),
  }),
} as const;
