/**
 * Bridge between the daemon and an extension that runs inside an agent program: JSON lines over
 * the Unix socket `run/bridge.sock` (mode 0600). The agent side reconnects for ever with backoff
 * and sends again every event the daemon has not confirmed; the daemon sends again every prompt
 * that was not seen to start. A prompt id is delivered to the model at most once: the agent side keeps
 * accepted ids in `<home>/delivered.jsonl`, flushed before it hands the text over.
 */
import { z } from 'zod';

/** Something is still asked: this event changes nothing about that. */
const asking = z.boolean().optional();

export const agentEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('session'), file: z.string().optional(), sessionId: z.string().optional() }),
  z.object({ kind: z.literal('idle') }),
  z.object({
    kind: z.literal('turn-start'),
    promptId: z.string().optional(),
    text: z.string().optional().describe('The text that began it, where only that tells which prompt it was'),
  }),
  z.object({
    kind: z.literal('tool-start'),
    tool: z.string(),
    summary: z.string().optional(),
    digest: z.string().optional().describe('Stands for the whole input: equal for equal calls'),
    asking,
  }),
  z.object({ kind: z.literal('tool-end'), tool: z.string(), isError: z.boolean(), asking }),
  z.object({ kind: z.literal('turn-end'), stopReason: z.string().optional() }),
  z.object({
    kind: z.literal('ask'),
    id: z.string().optional().describe('Given when the agent takes an answer by this id'),
    question: z.string(),
    choices: z.array(z.string()).optional(),
    ask: z.enum(['permission', 'question']).default('question'),
    tool: z.string().optional(),
    command: z.string().optional(),
  }),
  /** The whole list that the program's own todo tool wrote. */
  z.object({
    kind: z.literal('todos'),
    items: z.array(z.object({ content: z.string(), status: z.enum(['pending', 'in_progress', 'completed']) })),
  }),
  /** Answered in the agent's own terminal, or withdrawn. */
  z.object({ kind: z.literal('answered'), id: z.string().optional(), choice: z.string().optional(), asking }),
  z.object({
    kind: z.literal('settled'),
    error: z.string().optional().describe('Last error of the model, if it ended in one'),
  }),
  /** The program made its conversation shorter, or says why not. */
  z.object({ kind: z.literal('compacted'), id: z.string(), problem: z.string().optional() }),
  z.object({ kind: z.literal('shutdown') }),
]);
export type AgentEvent = z.infer<typeof agentEventSchema>;
/** As the agent's side writes it: defaults may be left out. */
export type AgentEventInput = z.input<typeof agentEventSchema>;

/** From the agent to the daemon. */
export const bridgeUpSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    agentId: z.string(),
    generation: z.number().int(),
    token: z.string().describe('Agent token, the same as GODEL_TOKEN in its environment'),
    pid: z.number().int(),
    idle: z
      .boolean()
      .optional()
      .describe('True when no turn is running; left out by those that say what they said last'),
    last: agentEventSchema.optional().describe('What was said last of its state; absent while it starts'),
    source: z.enum(['protocol', 'hook']).default('hook').describe('What verdicts of this connection count as'),
  }),
  z.object({ type: z.literal('event'), seq: z.number().int(), at: z.number(), event: agentEventSchema }),
  /** `started`: its turn was seen to start. `refused`: will never be. Agents of an older version also say `accepted`. */
  z.object({
    type: z.literal('prompt-status'),
    id: z.string(),
    status: z.enum(['accepted', 'started', 'refused']),
    reason: z.string().optional(),
  }),
  z.object({ type: z.literal('alive') }),
]);
export type BridgeUp = z.infer<typeof bridgeUpSchema>;
export type BridgeUpInput = z.input<typeof bridgeUpSchema>;

/** From the daemon to the agent. */
export const bridgeDownSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('welcome'), confirmedSeq: z.number().int() }),
  z.object({ type: z.literal('refused'), reason: z.string() }),
  z.object({ type: z.literal('confirm'), seq: z.number().int() }),
  z.object({
    type: z.literal('prompt'),
    id: z.string(),
    text: z.string(),
    when: z.enum(['now', 'after-tool', 'after-turn']),
  }),
  z.object({ type: z.literal('interrupt') }),
  /** Make the conversation shorter, the way the program does it; `compacted` with this id follows. */
  z.object({ type: z.literal('compact'), id: z.string() }),
  /** The answer of a person, or of a rule, to an `ask` with this id. */
  z.object({
    type: z.literal('answer'),
    askId: z.string(),
    choice: z.string().optional(),
    text: z.string().optional(),
  }),
]);
export type BridgeDown = z.infer<typeof bridgeDownSchema>;

/** The agent side sends `alive` at every multiple of this unless it just spoke; the daemon calls a silent bridge stale after three. */
export const ALIVE_INTERVAL_MS = 5_000;
