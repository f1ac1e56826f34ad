/** A child process that speaks JSON lines on its standard streams. Lines end with LF only: U+2028 is text. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Json } from '../../../src/base/json-lines.ts';

/** A part of a message; an empty one where there is none. */
export const json = (value: unknown): Json => (value ?? {}) as Json;

export interface JsonLinesOptions {
  argv: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  onMessage: (message: Json) => void;
  /** A line that is no JSON object, or what the program says on its error stream. */
  onNoise: (text: string) => void;
  onEnd: (code: number) => void;
}

export interface JsonLines {
  send(message: Json): void;
  /** Closes its input, then ends it by signals; resolves when it is gone. */
  close(): Promise<void>;
}

const POLITE_MS = 3_000;
const TERM_MS = 3_000;
const MOST_NOISE = 2_000;

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? (signal ? 128 : 1);
}

/** Calls `take` for each whole line of a stream. */
function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') take(line);
  });
}

/** Signals the program with all it started: some start themselves once more, and only the first of the two is our child. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // All of it has ended already.
  }
}

async function closeChild(child: ChildProcess, gone: Promise<void>): Promise<void> {
  const within = (ms: number) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, ms, false);
    });
    return Promise.race([gone.then(() => true), late]).finally(() => clearTimeout(timer));
  };
  child.stdin?.end();
  if (await within(POLITE_MS)) return;
  signalGroup(child, 'SIGTERM');
  if (await within(TERM_MS)) return;
  signalGroup(child, 'SIGKILL');
  await gone;
}

/** Starts a program, or gives what stands for one. */
export type SpawnJsonLines = (options: JsonLinesOptions) => JsonLines;

export function spawnJsonLines(options: JsonLinesOptions): JsonLines {
  const [file = '', ...args] = options.argv;
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    // A process group of its own, which is what is signalled.
    detached: true,
  });
  let ended = false;
  const gone = new Promise<void>((resolve) => {
    const end = (code: number) => {
      if (ended) return;
      ended = true;
      resolve();
      options.onEnd(code);
    };
    child.on('close', (code, signal) => end(exitCode(code, signal)));
    child.on('error', (error) => {
      options.onNoise(error.message);
      end(127);
    });
  });
  child.stdin.on('error', () => {});
  eachLine(child.stdout, (line) => {
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch {
      return options.onNoise(line.slice(0, MOST_NOISE));
    }
    if (typeof message === 'object' && message !== null && !Array.isArray(message)) options.onMessage(message as Json);
  });
  eachLine(child.stderr, (line) => options.onNoise(line.slice(0, MOST_NOISE)));
  return {
    send(message) {
      if (child.stdin.writable) child.stdin.write(`${JSON.stringify(message)}\n`);
    },
    close: () => closeChild(child, gone),
  };
}
