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
  /**
   * Runs commands as one: the server does nothing else in between, so no key, end of a program or redraw falls into
   * the middle. The first refusal skips the rest and rejects.
   */
  sequence(commands: readonly (readonly string[])[]): Promise<string[][]>;
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
  /** The reply that ends a sequence; a command alone ends with its first reply. */
  end?: string;
  problem?: string;
  replies: string[][];
  resolve: (replies: string[][]) => void;
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
  let sequences = 0;
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
      } else reply(message.ok, message.lines);
    }
  });
  function reply(ok: boolean, lines: string[]): void {
    const [next] = waiting;
    if (!next) return;
    if (next.end !== undefined && lines[0] !== next.end) {
      next.replies.push(lines);
      if (!ok) next.problem ??= lines.join(' ');
      return;
    }
    waiting.shift();
    if (next.end === undefined) next.replies.push(lines);
    const problem = next.problem ?? (ok ? undefined : lines.join(' '));
    if (problem === undefined) next.resolve(next.replies);
    else next.reject(new Error(`tmux: ${problem}`));
  }

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

  function send(text: string, end?: string): Promise<string[][]> {
    return new Promise((resolve, reject) => {
      if (!open) return reject(new Error('tmux client is closed'));
      const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS);
      const settle =
        <T>(done: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          done(value);
        };
      waiting.push({ ...(end && { end }), replies: [], resolve: settle(resolve), reject: settle(reject) });
      child.stdin.write(text);
    });
  }

  /** How many replies a line has depends on what it runs, so a line of its own tells its end. */
  function sequence(commands: readonly (readonly string[])[]): Promise<string[][]> {
    sequences += 1;
    const end = `godel-end-${sequences}`;
    return send(`${commandLine(commands)}\ndisplay-message -p ${end}\n`, end);
  }

  return {
    commands: (commands) =>
      Promise.all(commands.map(async (command) => (await send(`${commandLine([command])}\n`))[0] ?? [])),
    sequence,
    closed,
    async close() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_GRACE_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}
