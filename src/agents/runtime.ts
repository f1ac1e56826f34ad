/** Which program is the agent. `runners/runtimes/` implements one adapter per program. */
import type { Json } from '../base/json-lines.ts';
import { failure } from '../errors.ts';
import type { SessionTurn } from '../sessions/schema.ts';
import { type Question, type RuntimeMode, type Tool, toolSchema } from './schema.ts';

/** What an agent may do without asking; runtimes without a permission system ask nothing in any case. */
export type Permission = 'ask' | 'edits' | 'all';

export type Dialect = 'anthropic' | 'openai-chat' | 'openai-responses' | 'google';

export interface RuntimeProbe {
  ok: boolean;
  version?: string;
  path?: string;
  /** What is missing and the command that installs it. */
  problem?: string;
}

export interface ModelChoice {
  /** Provider name as the proxy knows it, for example `anthropic` or `demo`. */
  provider: string;
  model: string;
  /** Dialect the proxy serves this model in. */
  dialect: Dialect;
  contextWindow?: number;
  maxTokens?: number;
}

export interface PrepareSpec {
  agentId: string;
  agentName: string;
  generation: number;
  beadId?: string | undefined;
  /** Private home directory of the agent; created by the caller, filled by the runtime. */
  home: string;
  cwd: string;
  /** Base URL of the proxy without a path, for example http://127.0.0.1:7374 */
  proxyUrl: string;
  /** Virtual key of this agent. */
  virtualKey: string;
  choice?: ModelChoice | undefined;
  bridgeSocket: string;
  /** Instructions every agent of Godel gets: who it is, its bead, how to finish. */
  instructions: string;
  /** What the agent does without asking: nothing, edits of files, everything. */
  permission: Permission;
  /** What it may use of the program, as its role says; everything when absent. */
  tools?: readonly Tool[] | undefined;
  /** Program that serves Godel's tools to it over the Model Context Protocol, as this agent. */
  mcpCommand: string;
  /** Command for the runtimes that run any. */
  command?: string | undefined;
  /** Continue the conversation of an earlier life from this file. */
  sessionFile?: string | undefined;
  /** The runtime's own name of that conversation. */
  sessionId?: string | undefined;
  /** `pane`: a person watches and types. `protocol`: driven by the program's own protocol, the pane shows a transcript. */
  mode: 'pane' | 'protocol';
}

export interface Prepared {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** File the conversation is kept in, when the runtime lets Godel choose it. */
  sessionFile?: string | undefined;
  /** The runtime's own name of the conversation, when Godel may choose it. */
  sessionId?: string | undefined;
}

export interface ScreenVerdict {
  state: 'busy' | 'waiting' | 'idle';
  /** The question, when waiting. */
  detail?: string;
  question?: Question;
}

/** File in the home of an agent with the id of its conversation, where the program chooses it. */
export const SESSION_ID_FILE = 'session-id';

/** What is known of the place of a conversation. */
export interface HistoryPlace {
  /** Private home directory of the agent. */
  home: string;
  sessionFile?: string | undefined;
  sessionId?: string | undefined;
}

export interface PlantSpec {
  home: string;
  cwd: string;
  /** File of a conversation of this runtime. */
  text: string;
  /** Its last turn in the new one. */
  turn: string;
  /** Name of the new conversation, a UUID. */
  id: string;
  atMs: number;
}

/** How a program keeps conversations in files of its own. */
export interface NativeHistory {
  /** File of the conversation, when there is one. */
  find(place: HistoryPlace): Promise<string | undefined>;
  /** Text of the conversation as JSON lines, where the file is no text of one. */
  load?(file: string, place: HistoryPlace): Promise<string>;
  /** Turns of the lines of such a file, in the order they were written. Pure. */
  read(lines: readonly Json[]): SessionTurn[];
  /**
   * Writes another conversation, which ends with a turn of this one, for an agent that does not run. Overwrites none but its own.
   * Absent where a program cannot be given one; it is told what was said then.
   */
  plant?(spec: PlantSpec): Promise<{ sessionFile: string; sessionId: string }>;
  /** Where a conversation that begins anew goes, so that no earlier one is gone on with. Pure. */
  fresh(spec: Pick<PlantSpec, 'home' | 'cwd' | 'id'>): { sessionFile?: string; sessionId?: string };
}

export interface Runtime {
  readonly id: string;
  readonly summary: string;
  /**
   * How prompts and states pass. `bridge`: through the agent's own extension. `hooks`: prompts are typed, and hooks of the
   * program tell when they were taken and what it does. `paste`: typed, and its screen is all that is known.
   */
  readonly delivery: 'bridge' | 'hooks' | 'paste';
  /** How it runs: with its own screen in a pane, over a protocol, or both. */
  readonly modes: readonly RuntimeMode[];
  /** True when `--command` says which program it is. */
  readonly needsCommand?: boolean;
  readonly dialects: readonly Dialect[];
  /** Where the program can be asked to make its own conversation shorter. */
  readonly compacts?: Runtime['modes'];
  /** What the program can be kept from using. */
  readonly enforces: readonly Tool[];
  /** Where standing instructions go: into the program's own system text, before the first prompt, or nowhere. */
  readonly instructions: 'system' | 'prompt' | 'none';
  /** Absent where only the recording of the proxy tells what was said. */
  readonly history?: NativeHistory;
  probe(): Promise<RuntimeProbe>;
  prepare(spec: PrepareSpec): Promise<Prepared>;
  /** Reads a screen; undefined when it says nothing certain. Pure. */
  readScreen?(screen: string): ScreenVerdict | undefined;
  /** Reads the title of the terminal; undefined when it says nothing certain. Pure. */
  readTitle?(title: string): ScreenVerdict | undefined;
}

/** What a role does not allow and this program has all the same. */
export const unenforced = ({ enforces }: Pick<Runtime, 'enforces'>, tools: readonly Tool[] | undefined): Tool[] =>
  tools === undefined ? [] : toolSchema.options.filter((tool) => !tools.includes(tool) && !enforces.includes(tool));

/** The names of a program's tools that a role does not allow. */
export const deniedTools = (
  names: Readonly<Partial<Record<Tool, readonly string[]>>>,
  tools: readonly Tool[] | undefined,
): string[] =>
  tools === undefined ? [] : toolSchema.options.flatMap((tool) => (tools.includes(tool) ? [] : (names[tool] ?? [])));

/** How an agent runs on its runtime: without a face where it may and can, else in its own. */
export const modeOf = ({ modes }: Pick<Runtime, 'modes'>, headless: boolean): PrepareSpec['mode'] =>
  headless && modes.includes('headless') ? 'protocol' : 'pane';

/** Refuses a pane to a program that has nothing to show there. @throws GodelError runtime-no-pane */
export function assertMode({ id, modes }: Pick<Runtime, 'id' | 'modes'>, headless: boolean, name?: string): void {
  if (!headless && !modes.includes('pane')) throw failure('runtime-no-pane', { runtime: id, name });
}

/**
 * Refuses what could not be launched, before anything is changed for it. `name` is that of an agent which is there already.
 * @throws GodelError runtime-missing, runtime-needs-command, runtime-no-pane
 */
export async function assertRunnable(
  runtime: Runtime,
  { headless, command, name }: { headless: boolean; command?: string | undefined; name?: string },
): Promise<void> {
  const probe = await runtime.probe();
  if (!probe.ok) throw failure('runtime-missing', { runtime: runtime.id, problem: probe.problem });
  assertMode(runtime, headless, name);
  if (runtime.needsCommand && command === undefined)
    throw failure('runtime-needs-command', { runtime: runtime.id, name });
}

/** How prompts reach an agent of this runtime. */
export const deliveryOf = (runtime: Pick<Runtime, 'modes' | 'delivery'>, headless: boolean): Runtime['delivery'] =>
  modeOf(runtime, headless) === 'protocol' ? 'bridge' : runtime.delivery;
