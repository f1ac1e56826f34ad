/** Agents: named workers, the state a person sees, and the prompts sent to them. */
import { z } from 'zod';

/** What an agent uses of its program, in words that every program has its own names for. */
export const toolSchema = z.enum(['read', 'edit', 'shell', 'web']);
export type Tool = z.infer<typeof toolSchema>;

/** Stored lifecycle, the machine of spec-v2 section 2.3. */
export const lifecycleSchema = z.enum([
  'initializing',
  'spawning',
  'executing',
  'waiting',
  'paused',
  'completing',
  'completed',
  'failed',
  'killed',
]);
export type Lifecycle = z.infer<typeof lifecycleSchema>;

/** What the agent is doing now, as shown. `unknown` is a state, not an error. */
export const agentStateSchema = z.enum([
  'starting',
  'busy',
  'waiting',
  'idle',
  'parked',
  'paused',
  'exited',
  'failed',
  'unknown',
]);
export type AgentState = z.infer<typeof agentStateSchema>;

/** Where a verdict comes from, best first. */
/** `pane`: its own full screen, which a person watches and types into. `headless`: over its protocol. */
export const runtimeModeSchema = z.enum(['pane', 'headless']);
export type RuntimeMode = z.infer<typeof runtimeModeSchema>;

export const stateSourceSchema = z.enum(['protocol', 'hook', 'proxy', 'title', 'screen', 'process']);
export type StateSource = z.infer<typeof stateSourceSchema>;

/** What an agent waits for. It can be answered from the inbox when it has an id, or by typing when it has none. */
export const questionSchema = z.object({
  id: z.string().optional().describe('Id by which the agent takes the answer'),
  item: z.string().optional().describe('Item of the inbox that takes the answer, where the agent asked by it'),
  kind: z.enum(['permission', 'question', 'error']),
  text: z.string(),
  choices: z.array(z.string()).default([]),
  tool: z.string().optional().describe('Tool that asks for permission'),
  command: z.string().optional().describe('Command or path the tool would be used with'),
});
export type Question = z.infer<typeof questionSchema>;

/** What one source says. The shown state is the verdict of the best source that is fresh. */
export const verdictSchema = z.object({
  source: stateSourceSchema,
  state: agentStateSchema,
  at: z.string().describe('When it was last confirmed'),
  since: z.string().describe('When the source first said so'),
  detail: z.string().optional(),
});

export const observedStateSchema = z.object({
  state: agentStateSchema,
  source: stateSourceSchema,
  at: z.string().describe('When it was last observed'),
  since: z.string().describe('When this state began'),
  detail: z
    .string()
    .optional()
    .describe('The question when waiting, the tool when busy, the reason when failed or parked'),
  question: questionSchema.optional().describe('What it waits for, with its choices'),
  evidence: z.array(verdictSchema).optional().describe('What every source says, best first'),
});
export type ObservedState = z.infer<typeof observedStateSchema>;

/**
 * Who holds an agent to its caps. `cgroup`: the kernel, its whole tree. `rlimit`: the kernel holds each process to somewhat more,
 * and the daemon measures the tree. `watch`: the daemon measures.
 */
export const capKeeperSchema = z.enum(['cgroup', 'rlimit', 'watch']);
export type CapKeeper = z.infer<typeof capKeeperSchema>;

/** What the process tree of one life may use. */
export const capsSchema = z.object({
  memoryMb: z.number().optional(),
  processes: z.number().int().optional().describe('Processes and their threads'),
  by: capKeeperSchema.describe('Who holds it to them'),
  groups: z.array(z.string()).default([]).describe('Its control groups'),
  killed: z.number().int().optional().describe('Processes that the kernel ended for want of memory'),
  refused: z.number().int().optional().describe('Processes and threads that the kernel did not start'),
});
export type AgentCaps = z.infer<typeof capsSchema>;

/** What a process tree may use; absent = as much as there is. */
export interface Caps {
  memoryMb?: number | undefined;
  processes?: number | undefined;
}

/** How often a tree ran into its caps so far. */
export interface CapHits {
  /** Processes that the kernel ended for want of memory. */
  killed: number;
  /** Processes and threads that were not started. */
  refused: number;
  /** True when nothing is in its groups. */
  isEmpty: boolean;
}

/** How agents that are launched now would be held to caps. */
export interface CapReport {
  by: CapKeeper;
  detail: string;
}

/** Something that a person should look at although the agent goes on; found without asking any model. */
export const attentionSchema = z.object({
  kind: z.enum(['stuck', 'looping', 'capped']),
  since: z.string(),
  detail: z.string(),
});
export type Attention = z.infer<typeof attentionSchema>;

export const todoStatusSchema = z.enum(['pending', 'in_progress', 'completed']);
export type TodoStatus = z.infer<typeof todoStatusSchema>;

/** One step of an agent's own plan. */
export const todoSchema = z.object({
  content: z.string(),
  status: todoStatusSchema,
  createdAt: z.string(),
  startedAt: z.string().optional(),
  completedAt: z.string().optional(),
});
export type Todo = z.infer<typeof todoSchema>;

export const todoListSchema = z.object({
  agent: z.string(),
  agentId: z.string(),
  beadId: z.string().optional(),
  items: z.array(todoSchema),
});
export type TodoList = z.infer<typeof todoListSchema>;

export const openTodos = (items: readonly Todo[]): Todo[] => items.filter(({ status }) => status !== 'completed');

/** `3/7` */
export const todoProgress = (items: readonly Todo[]): string =>
  `${items.length - openTodos(items).length}/${items.length}`;

export const agentSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  name: z.string(),
  role: z.string(),
  runtime: z.string(),
  runner: z.string(),
  model: z.string().optional(),
  provider: z.string().optional(),
  task: z.string().optional().describe('First prompt'),
  beadId: z.string().optional(),
  worktree: z.string().optional(),
  headless: z.boolean().describe('Off the board, and over its protocol where the runtime has one'),
  command: z.string().optional().describe('Command of the runtimes that run any'),
  lifecycle: lifecycleSchema,
  observed: observedStateSchema,
  generation: z.number().int().describe('Counts lives; late events of an older life are refused'),
  pane: z.string().optional().describe('tmux pane id'),
  pid: z.number().int().optional(),
  exitCode: z.number().int().optional(),
  sessionFile: z.string().optional().describe('File the runtime keeps the conversation in'),
  sessionId: z.string().optional().describe("The runtime's own name of the conversation"),
  retryCount: z.number().int(),
  maxRetries: z.number().int(),
  lastError: z.string().optional(),
  retryAt: z.string().optional().describe('When it starts again by itself'),
  interrupted: z.boolean().optional().describe('It ended, or was paused, in the middle of a turn'),
  userId: z.string().optional().describe("Person it works for: that person's limits and budgets hold for it"),
  budgetUsd: z.number().optional().describe('Most to spend'),
  timeLimitMinutes: z.number().optional().describe('Most time at work, without pauses'),
  memoryCapMb: z.number().optional().describe('Most memory of its process tree'),
  processCap: z.number().int().optional().describe('Most processes and threads of its tree'),
  caps: capsSchema.optional().describe('Caps of this life, and what became of them'),
  deadlineAt: z.string().optional().describe('When its time is over; moved on by pauses'),
  startedAt: z.string().optional().describe('When its program was started last'),
  todos: z.array(todoSchema).optional().describe('Its own plan, as it wrote it last'),
  unread: z.number().int().optional().describe('Messages for it that have neither arrived nor been read'),
  attention: attentionSchema.optional().describe('Stuck or looping, with what shows it'),
  createdAt: z.string(),
  updatedAt: z.string(),
  version: z.number().int(),
});
export type Agent = z.infer<typeof agentSchema>;

export const promptStatusSchema = z.enum(['queued', 'delivered', 'acknowledged', 'dead']);

/** One text for an agent, delivered exactly once and acknowledged when its turn was seen to start. */
export const promptSchema = z.object({
  id: z.string(),
  agentId: z.string(),
  text: z.string(),
  author: z.string(),
  status: promptStatusSchema,
  attempts: z.number().int(),
  reason: z.string().optional().describe('Why it is dead, or why the last attempt failed'),
  createdAt: z.string(),
  deliveredAt: z.string().optional(),
  acknowledgedAt: z.string().optional(),
});
export type Prompt = z.infer<typeof promptSchema>;

/** One transition of an agent's lifecycle. */
export const historyEntrySchema = z.object({
  generation: z.number().int(),
  from: lifecycleSchema,
  to: lifecycleSchema,
  action: z.string(),
  at: z.string(),
  reason: z.string().optional(),
});
export type HistoryEntry = z.infer<typeof historyEntrySchema>;

/** What becomes of an agent after a crash. */
export const recoveryItemSchema = z.object({
  agentId: z.string(),
  agent: z.string(),
  action: z.enum(['running', 'revive', 'wait', 'paused', 'leave']),
  reason: z.string(),
  beadId: z.string().optional(),
});
export type RecoveryItem = z.infer<typeof recoveryItemSchema>;
