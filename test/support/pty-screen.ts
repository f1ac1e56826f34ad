/** A program in a pty with a headless terminal behind it: press, wait for text, count bytes. */
import xterm from '@xterm/headless';
import { type IPty, spawn } from 'node-pty';

export interface PtyScreen {
  readonly pty: IPty;
  /** Bytes the program wrote so far. */
  bytes(): number;
  press(keys: string): void;
  /** Resolves when the screen holds `text`; rejects with the screen after `timeoutMs`. */
  sees(text: string | RegExp, timeoutMs?: number): Promise<void>;
  /** Rows of the screen, right-trimmed. */
  rows(): string[];
  /** Resolves when nothing was written for `quietMs`. */
  rest(quietMs: number): Promise<void>;
  resize(columns: number, rows: number): void;
  stop(): void;
}

export function openPty(
  file: string,
  args: readonly string[],
  size: { columns: number; rows: number },
  env: Record<string, string> = {},
): PtyScreen {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name, value]) => value !== undefined && !['TMUX', 'TMUX_PANE', 'NO_COLOR'].includes(name),
    ),
  );
  const pty = spawn(file, [...args], {
    cols: size.columns,
    rows: size.rows,
    env: { ...clean, TERM: 'xterm-256color', ...env } as Record<string, string>,
    name: 'xterm-256color',
  });
  const terminal = new xterm.Terminal({ cols: size.columns, rows: size.rows, allowProposedApi: true });
  let written = 0;
  let lastWrite = Date.now();
  const listeners = new Set<() => void>();
  pty.onData((data) => {
    written += Buffer.byteLength(data);
    lastWrite = Date.now();
    terminal.write(data, () => {
      for (const listener of [...listeners]) listener();
    });
  });
  const rows = () =>
    Array.from(
      { length: terminal.rows },
      (_, row) => terminal.buffer.active.getLine(row)?.translateToString(true) ?? '',
    );
  return {
    pty,
    bytes: () => written,
    press: (keys) => pty.write(keys),
    rows,
    sees(text, timeoutMs = 10_000) {
      const has = () => {
        const screen = rows().join('\n');
        return typeof text === 'string' ? screen.includes(text) : text.test(screen);
      };
      return new Promise((resolve, reject) => {
        const finish = (error?: Error) => {
          clearTimeout(timer);
          listeners.delete(check);
          if (error) reject(error);
          else resolve();
        };
        const check = () => has() && finish();
        const timer = setTimeout(
          () => finish(new Error(`No ${String(text)} on this screen:\n${rows().join('\n')}`)),
          timeoutMs,
        );
        listeners.add(check);
        check();
      });
    },
    async rest(quietMs) {
      while (Date.now() - lastWrite < quietMs)
        await new Promise((resolve) => setTimeout(resolve, quietMs - (Date.now() - lastWrite)));
    },
    resize(columns, lines) {
      terminal.resize(columns, lines);
      pty.resize(columns, lines);
    },
    stop() {
      pty.kill('SIGKILL');
      terminal.dispose();
    },
  };
}
