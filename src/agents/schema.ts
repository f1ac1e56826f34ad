/** Agents: named workers, the state a person sees, and the prompts sent to them. */
import { z } from 'zod';

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
  'paused',
  'exited',
  'failed',
  'unknown',
]);
export type AgentState = z.infer<typeof agentStateSchema>;

/** Where a verdict comes from, best first. */
export const stateSourceSchema = z.enum(['protocol', 'hook', 'proxy', 'title', 'screen', 'process']);
export type StateSource = z.infer<typeof stateSourceSchema>;

export const observedStateSchema = z.object({
  state: agentStateSchema,
  source: stateSourceSchema,
  at: z.string().describe('When it was last observed'),
  since: z.string().describe('When this state began'),
  detail: z.string().optional().describe('The question when waiting, the tool when busy, the reason when failed'),
});
export type ObservedState = z.infer<typeof observedStateSchema>;

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
  headless: z.boolean(),
  lifecycle: lifecycleSchema,
  observed: observedStateSchema,
  generation: z.number().int().describe('Counts lives; late events of an older life are refused'),
  pane: z.string().optional().describe('tmux pane id'),
  pid: z.number().int().optional(),
  exitCode: z.number().int().optional(),
  sessionFile: z.string().optional(),
  retryCount: z.number().int(),
  maxRetries: z.number().int(),
  lastError: z.string().optional(),
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
