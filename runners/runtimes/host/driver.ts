/** What the host needs of a program that speaks a protocol: one driver per protocol, one sink for what happens. */

import type { ProgramTodo } from '../todos.ts';

export interface HostPrompt {
  id: string;
  text: string;
}

/** A question the program waits on. */
export interface Ask {
  id: string;
  kind: 'permission' | 'question';
  question: string;
  /** Words that `answer` takes; empty when any text will do. */
  choices: readonly string[];
}

/** A conversation that was opened or continued. */
export interface Opened {
  sessionId?: string;
  /** File the program keeps the conversation in. */
  file?: string;
  /** Texts of the user's messages it holds already. */
  userTexts: readonly string[];
}

/** Told by a driver what happens, in order. */
export interface DriverSink {
  /** The program took this prompt into its conversation. */
  taken(promptId: string): void;
  turnStarted(): void;
  /** No turn runs any more; `error` when it ended in one. */
  settled(error?: string): void;
  /** `input` is all that the tool was given, in the form of the program: it is what tells one call from another. */
  toolStarted(tool: string, input: unknown): void;
  /** The program's own todo tool wrote this list. */
  todos(items: readonly ProgramTodo[]): void;
  toolEnded(tool: string, isError: boolean, output?: string): void;
  /** A piece of the answer as it streams. */
  text(piece: string): void;
  asked(ask: Ask): void;
  /** An ask is over: answered, or withdrawn by the program. */
  answered(askId: string): void;
  note(text: string): void;
  /** The conversation got its name, or another one. */
  session(session: { sessionId?: string; file?: string }): void;
  /** The program is gone. */
  ended(code: number): void;
}

/** What a program is told after a refusal, so that its turn goes on. */
export const REFUSAL = 'A person refused this in Godel. Go on without it.';

export interface Driver {
  open(): Promise<Opened>;
  /**
   * Hands a prompt over; `taken` follows. `steer` puts it into the running turn. Rejects when the program refuses it.
   */
  send(prompt: HostPrompt, steer: boolean): Promise<void>;
  /** True when a prompt may join a running turn. */
  readonly canSteer: boolean;
  interrupt(): Promise<void>;
  answer(askId: string, choice: string): Promise<void>;
  /** Makes the conversation shorter, the way the program does it. Rejects with why it did not. */
  compact?(): Promise<void>;
  /** Ends the program; resolves when it is gone. */
  close(): Promise<void>;
}

/** What the daemon writes for the host, one JSON file an agent. */
export interface HostConfig {
  driver: 'claude' | 'codex' | 'gemini' | 'opencode' | 'acp' | 'pi';
  argv: readonly string[];
  cwd: string;
  /** The program shows its own face: the pane is its terminal, and hooks tell what it does. */
  face?: boolean;
  agentName: string;
  /** Standing instructions, for programs that take them over the protocol. */
  instructions: string;
  model: string;
  /** Id of the conversation, where Godel may choose it. */
  sessionId?: string;
  /** Small file the driver keeps the session id in, where the program chooses it. */
  sessionIdFile: string;
  /** File of the conversation of an earlier life, where the program does not name it at its start. */
  conversationFile?: string;
  /** ACP: method for `authenticate`, when the program needs one. */
  authMethod?: string;
  /** ACP: what is said to have the conversation made shorter, where the program knows such a command. */
  compactCommand?: string;
  /** ACP: the program that serves Godel's tools, where it is not in the agent's own settings. */
  mcpCommand?: string;
  /** What needs no question: nothing, edits of files, everything. */
  permission: 'ask' | 'edits' | 'all';
}
