/** What the board needs from outside: the daemon's client, a clock, a terminal, the CLI. */
import type { Client } from '../src/client/client.ts';

/** The part of the daemon's client that is used here. */
export type BoardClient = Pick<Client, 'call' | 'events'>;

export interface CommandResult {
  readonly code: number;
  readonly output: string;
}

export interface Surroundings {
  readonly client: BoardClient;
  /** Puts text on the clipboard of the person's terminal (OSC 52). */
  readonly copy: (text: string) => void;
  /** Runs the CLI in this project; standard output and error in one text. */
  readonly runCli: (args: readonly string[]) => Promise<CommandResult>;
  /** Remembers that the first questions were answered or skipped. */
  readonly rememberSetup: () => void;
  /** Ends the board; only where no tmux holds it. */
  readonly exit?: () => void;
}
