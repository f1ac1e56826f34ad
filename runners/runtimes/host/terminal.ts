/** The terminal of a program with a face: bytes pass between it and the pane as they are, and it has the size of the pane. */
import { type IPty, spawn } from 'node-pty';

const DEFAULT_SIZE = { cols: 80, rows: 24 };
let current: IPty | undefined;

const sizeNow = () => ({
  cols: process.stdout.columns || DEFAULT_SIZE.cols,
  rows: process.stdout.rows || DEFAULT_SIZE.rows,
});

/** Starts `argv` in a terminal of its own whose output goes to the pane. */
export function spawnTerminal(argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv): IPty {
  const [file = '', ...args] = argv;
  const name = env.TERM ?? 'xterm-256color';
  const pty = spawn(file, args, { ...sizeNow(), name, cwd, env: env as Record<string, string>, encoding: null });
  current = pty;
  pty.onData((bytes) => process.stdout.write(bytes));
  process.stdout.on('resize', () => {
    const { cols, rows } = sizeNow();
    pty.resize(cols, rows);
  });
  return pty;
}

/** The keys of the pane on their way to the program. */
export interface Keys {
  /** Tells of keys before the program gets them. */
  watch(listener: (keys: string) => void): void;
  /** Keeps them back until they are let go. */
  hold(): void;
  release(): void;
}

/** Hands every key of the pane to the program. */
export function passInput(): Keys {
  if (process.stdin.isTTY) process.stdin.setRawMode(true);
  process.stdin.setEncoding('utf8');
  const listeners: ((keys: string) => void)[] = [];
  process.stdin.on('data', (keys: string) => {
    for (const listener of listeners) listener(keys);
    current?.write(keys);
  });
  return {
    watch: (listener) => void listeners.push(listener),
    hold: () => void process.stdin.pause(),
    release: () => void process.stdin.resume(),
  };
}
