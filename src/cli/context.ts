/** What every command is given: streams, environment, global flags, and a way to the daemon. */
import type { Command } from 'commander';
import type { Client } from '../client/client.ts';
import type { Streams } from './output.ts';

export interface GlobalFlags {
  json: boolean;
  debug: boolean;
  project?: string | undefined;
  /** False with --no-start: never start a daemon. */
  start: boolean;
}

export interface CliContext {
  streams: Streams;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  isTerminal: boolean;
  /** Connects to the daemon as the flags of this command say. @throws GodelError daemon-unreachable */
  connect: (flags: GlobalFlags) => Promise<Client>;
  exit: (code: number) => void;
}

/** The global flags, wherever on the line they were given. */
export function globalFlags(command: Command): GlobalFlags {
  const flags = command.optsWithGlobals<{ json?: boolean; debug?: boolean; project?: string }>();
  // A flag that is on by default may have been switched off at any level.
  let start = true;
  for (let level: Command | null = command; level; level = level.parent) {
    if (level.opts<{ start?: boolean }>().start === false) start = false;
  }
  return { json: flags.json ?? false, debug: flags.debug ?? false, project: flags.project, start };
}
