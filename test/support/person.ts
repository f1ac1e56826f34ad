/** A person at a terminal: `godel` in an outer tmux of its own, keys into it, text out of it. */
import { run } from '../../src/base/process.ts';
import { GODEL, type TestHome, until } from './home.ts';

export interface Person {
  /** Runs `godel` with arguments in a new terminal of this size. */
  open(columns: number, rows: number, args?: string): Promise<void>;
  /** A command of the tmux that stands for the terminal. */
  outer(...args: string[]): Promise<string>;
  /** A command of Godel's own tmux. */
  inner(...args: string[]): Promise<string>;
  press(...keys: string[]): Promise<void>;
  type(text: string): Promise<void>;
  screen(): Promise<string>;
  sees(text: string | RegExp, limitMs?: number): Promise<void>;
  /** Waits until this pane, by name of its agent or `board`, has the keys. */
  focusIs(name: string | RegExp): Promise<void>;
  leave(): Promise<void>;
}

let people = 0;

/** How long (ms) a screen may take on a busy machine. */
const LIMIT_MS = 30_000;

const fits = (wanted: string | RegExp, name: string) =>
  typeof wanted === 'string' ? name === wanted : wanted.test(name);

export function createPerson(home: TestHome, where = home.repository): Person {
  people += 1;
  const socket = `godel-outer-${process.pid}-${people}`;

  async function outer(...args: string[]): Promise<string> {
    const result = await run('tmux', ['-L', socket, '-f', '/dev/null', ...args], { env: home.env });
    if (result.code !== 0) throw new Error(`tmux ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }
  const inner = async (...args: string[]) =>
    (await run('tmux', ['-L', home.paths.tmuxSocketName, ...args], { env: home.env })).stdout.trim();
  const screen = () => outer('capture-pane', '-p', '-t', '=person:');
  const focused = async () => {
    const clients = await inner('list-clients', '-F', '#{client_control_mode} #{session_name}');
    const session = /^0 (.*)$/m.exec(clients)?.[1] ?? '';
    return inner('display-message', '-p', '-t', `=${session}:`, '#{@godel_name}#{@godel_kind}');
  };

  return {
    outer,
    inner,
    screen,
    async open(columns, rows, args = '') {
      const command = `cd "${where}" && exec "${process.execPath}" "${GODEL}" ${args}`;
      await outer('new-session', '-d', '-s', 'person', '-x', String(columns), '-y', String(rows), command);
      await outer('set-option', '-g', 'status', 'off');
    },
    press: async (...keys) => void (await outer('send-keys', '-t', '=person:', ...keys)),
    type: async (text) => void (await outer('send-keys', '-t', '=person:', '-l', '--', text)),
    async sees(text, limitMs = LIMIT_MS) {
      const has = (shown: string) => (typeof text === 'string' ? shown.includes(text) : text.test(shown));
      await until(`the screen shows ${String(text)}`, async () => has(await screen()), limitMs).catch(
        async (error: Error) => {
          throw new Error(`${error.message}\n${await screen()}`);
        },
      );
    },
    async focusIs(name) {
      await until(`${String(name)} has the keys`, async () => fits(name, await focused()), LIMIT_MS).catch(
        async (error: Error) => {
          throw new Error(`${error.message}; ${await focused()} has them\n${await screen()}`);
        },
      );
    },
    async leave() {
      await run('tmux', ['-L', socket, 'kill-server'], { env: home.env }).catch(() => undefined);
    },
  };
}
