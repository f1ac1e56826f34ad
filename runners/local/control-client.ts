/**
 * One long-lived `tmux -C` client: commands cost a write and a read instead of a process. Replies come in
 * the order of the commands. It keeps reading until the end, as a client that stops reading keeps its
 * server alive.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { commandLine, createControlParser } from './control-lines.ts';

export interface ControlClient {
  /** Runs commands; resolves with the lines of each reply, rejects with tmux's own words. */
  commands(commands: readonly (readonly string[])[]): Promise<string[][]>;
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

export interface ControlClientOptions {
  tmux: readonly string[];
  session: string;
  env: Readonly<Record<string, string>>;
  onNotification: (name: string, args: string) => void;
}

interface Waiting {
  resolve: (lines: string[]) => void;
  reject: (error: Error) => void;
}

/** A command that gets no answer within this time (ms) means the client hangs. */
const COMMAND_TIMEOUT_MS = 15_000;
const CLOSE_GRACE_MS = 1_000;

export async function openControlClient(options: ControlClientOptions): Promise<ControlClient> {
  const [file = 'tmux', ...args] = options.tmux;
  const attach = ['-C', 'attach-session', '-f', 'no-output,ignore-size', '-t', `=${options.session}`];
  const child: ChildProcessWithoutNullStreams = spawn(file, [...args, ...attach], { env: options.env });
  const waiting: Waiting[] = [];
  let said = '';
  let open = true;
  let greeted: () => void = () => {};
  const greeting = new Promise<void>((resolve) => {
    greeted = resolve;
  });

  const parse = createControlParser();
  let first = true;
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    for (const message of parse(text)) {
      if (message.kind === 'notification') options.onNotification(message.name, message.args);
      else if (first) {
        // The reply to `attach-session` itself.
        first = false;
        if (message.ok) greeted();
        else said = message.lines.join(' ');
      } else {
        const next = waiting.shift();
        if (message.ok) next?.resolve(message.lines);
        else next?.reject(new Error(`tmux: ${message.lines.join(' ')}`));
      }
    }
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
  });
  child.stdin.on('error', () => {});

  const closed = new Promise<void>((resolve) => {
    const end = () => {
      open = false;
      for (const each of waiting.splice(0))
        each.reject(new Error(`tmux client closed: ${said.trim() || 'no reason given'}`));
      resolve();
    };
    child.on('error', end);
    child.on('close', end);
  });

  await Promise.race([greeting, closed]);
  if (!open) throw new Error(`tmux client could not attach: ${said.trim() || 'no reason given'}`);

  function one(command: readonly string[]): Promise<string[]> {
    return new Promise((resolve, reject) => {
      if (!open) return reject(new Error('tmux client is closed'));
      const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS);
      const settle =
        <T>(done: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          done(value);
        };
      waiting.push({ resolve: settle(resolve), reject: settle(reject) });
      child.stdin.write(`${commandLine([command])}\n`);
    });
  }

  return {
    commands: (commands) => Promise.all(commands.map(one)),
    closed,
    async close() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_GRACE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}
