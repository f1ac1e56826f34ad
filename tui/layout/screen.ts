/**
 * The screen of one project: a tmux session whose windows are pages, with one board pane that moves from page to page, and the
 * agents' panes beside it. Everything is read back from tmux, so that it can be called after any restart.
 */
import { type ControlClient, openControlClient } from '../../runners/local/control-client.ts';
import { HOLD_SESSION, type TmuxServer } from '../../runners/local/tmux-server.ts';
import { messageOf } from '../../src/base/error.ts';
import { newId } from '../../src/base/id.ts';
import type { Log } from '../../src/base/log.ts';
import { shellQuote } from '../../src/base/shell.ts';
import { bindCommands, styleCommands } from './bindings.ts';
import { PANE_FORMAT, type Pane, parsePane } from './panes.ts';
import { missingPages, plan } from './plan.ts';

export interface ScreenOptions {
  server: TmuxServer;
  /** Name of the tmux session. */
  session: string;
  /** Program of the board and its environment; a board of another release is started anew when the screen is opened. */
  board: { argv: readonly string[]; env: Readonly<Record<string, string>>; release: string };
  /** Variables by which keys find the CLI: see `CLI` in bindings.ts. */
  cli: Readonly<Record<'GODEL_NODE' | 'GODEL_CLI' | 'GODEL_PROJECT', string>>;
  log: Log;
}

export interface ScreenAgent {
  pane: string;
  state: string;
  beadId?: string | undefined;
}

export interface Screen {
  /** Makes the session when it is missing. Sizes in cells. */
  ensure(size: { columns: number; rows: number }): Promise<void>;
  /** Puts agents' panes on pages and brings every window to its layout. Does nothing while there is no session. */
  sync(agents: readonly ScreenAgent[]): Promise<void>;
  setStatus(left: string, right: string): Promise<void>;
  focus(pane: string | undefined): Promise<void>;
  attachCommand(): readonly string[];
  /** Clients that look at it, the last active one first. */
  clients(): Promise<string[]>;
  stop(): Promise<void>;
}

const RELAYOUT_MS = 50;
/** A pane may end while panes are arranged; so often it is tried as a whole. */
const ARRANGE_TRIES = 4;
const RELAYOUT_ON = new Set([
  'layout-change',
  'window-add',
  'window-close',
  'unlinked-window-close',
  'session-window-changed',
  'client-session-changed',
  'client-detached',
]);

export function createScreen(options: ScreenOptions): Screen {
  const { server, session, log } = options;
  const target = `=${session}:`;
  let agents: readonly ScreenAgent[] = [];
  let watcher: ControlClient | undefined;
  let timer: NodeJS.Timeout | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let stopped = false;
  let ready = false;
  let status = '';
  let refused = '';
  let labels = new Map<string, string>();

  function inOrder<T>(work: () => Promise<T>): Promise<T> {
    const next = queue.then(work, work);
    queue = next.catch(() => undefined);
    return next;
  }

  /** Runs commands and goes on where one is refused: a pane may end at any moment. */
  async function attempt(commands: readonly (readonly string[])[]): Promise<void> {
    await Promise.all(
      commands.map((command) =>
        server
          .tmux(...command)
          .catch((error: unknown) => log.debug({ command: command[0], problem: messageOf(error) }, 'tmux refused')),
      ),
    );
  }

  async function list(): Promise<Pane[]> {
    return (await server.tmux('list-panes', '-s', '-t', target, '-F', PANE_FORMAT)).map(parsePane);
  }

  const exists = () =>
    server.tmux('has-session', '-t', `=${session}`).then(
      () => true,
      () => false,
    );

  function boardCommand(): string {
    const { argv, env } = options.board;
    const assignments = Object.entries(env).map(([name, value]) => shellQuote(`${name}=${value}`));
    const program = [
      'env',
      '-i',
      'TERM="$TERM"',
      'TMUX="$TMUX"',
      'TMUX_PANE="$TMUX_PANE"',
      ...assignments,
      ...argv.map(shellQuote),
    ].join(' ');
    // A board that was killed comes back by itself.
    return `while :; do ${program}; sleep 1; done`;
  }

  /** The keys of all projects are the same; what they run is told by the session they are pressed in. */
  function keyCommands(): (readonly string[])[] {
    const known = Object.entries(options.cli).map(([name, value]) => ['set-environment', '-t', target, name, value]);
    return [...known, ...bindCommands()];
  }

  async function create(size: { columns: number; rows: number }): Promise<void> {
    const geometry = ['-x', String(Math.max(20, size.columns)), '-y', String(Math.max(5, size.rows))];
    const [pane = ''] = await server.tmux(
      'new-session',
      '-d',
      '-s',
      session,
      ...geometry,
      '-n',
      'page',
      '-P',
      '-F',
      '#{pane_id}',
      boardCommand(),
    );
    await server.batch([
      ['set-option', '-p', '-t', pane, '@godel_kind', 'board'],
      ['set-option', '-p', '-t', pane, '@godel_release', options.board.release],
      ...styleCommands(target),
      ...keyCommands(),
    ]);
    await followBoard(pane);
  }

  /** The board comes along when another page is chosen; the agents there do not even notice. */
  async function followBoard(pane: string): Promise<void> {
    await server.tmux('set-hook', '-t', target, 'session-window-changed', `swap-pane -d -Z -s ${pane} -t '{top-left}'`);
  }

  async function reviveBoard(): Promise<void> {
    const board = (await list()).find((pane) => pane.kind === 'board');
    if (!board) throw new Error('the board pane is gone');
    const [release] = await server.tmux('display-message', '-p', '-t', board.pane, '#{@godel_release}');
    if (board.dead || release !== options.board.release) {
      await server.tmux('respawn-pane', '-k', '-t', board.pane, boardCommand());
      await server.tmux('set-option', '-p', '-t', board.pane, '@godel_release', options.board.release);
    }
    await followBoard(board.pane);
  }

  async function watch(): Promise<void> {
    if (watcher || stopped) return;
    const opened = await openControlClient({
      tmux: server.command,
      session,
      env: server.env,
      onNotification: (name) => {
        if (RELAYOUT_ON.has(name)) relayoutSoon();
      },
    });
    watcher = opened;
    void opened.closed.then(() => {
      if (watcher === opened) watcher = undefined;
      ready = false;
    });
  }

  function relayoutSoon(): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      inOrder(arrange).catch((error: unknown) => log.debug({ problem: messageOf(error) }, 'layout not applied'));
    }, RELAYOUT_MS);
  }

  /** Puts every pane where it belongs, in one step; a pane that ends meanwhile makes it look again. */
  async function arrange(): Promise<void> {
    let before = '';
    for (let tries = 1; tries <= ARRANGE_TRIES && !stopped; tries += 1) {
      const all = (await server.tmux('list-panes', '-a', '-F', PANE_FORMAT)).map(parsePane);
      const panes = all.filter((pane) => pane.session === session);
      if (panes.length === 0) return;
      if (panes.some((pane) => pane.kind === 'board' && pane.dead)) await reviveBoard();
      const wanted = agents.map((agent) => agent.pane).filter((pane) => all.some((each) => each.pane === pane));
      const missing = missingPages(panes, wanted);
      const commands = missing > 0 ? [] : plan({ panes, wanted, hold: `=${HOLD_SESSION}:` });
      const text = JSON.stringify(commands);
      if (missing > 0) await Promise.all(Array.from({ length: missing }, addPage));
      else if (commands.length === 0 || text === refused) return;
      // What does not help is not tried for ever: each try changes the layout, and each change brings us here.
      else if (text === before) refused = text;
      else await step(commands, tries < ARRANGE_TRIES);
      before = text;
    }
  }

  async function step(commands: readonly (readonly string[])[], mayTryAgain: boolean): Promise<void> {
    try {
      await server.sequence(commands);
    } catch (error) {
      log.debug({ problem: messageOf(error) }, 'panes changed while they were arranged');
      if (!mayTryAgain) await attempt(commands);
    }
  }

  async function addPage(): Promise<void> {
    const name = `page-${newId()}`;
    await server.sequence([
      ['new-window', '-d', '-t', target, '-n', name, ''],
      ['set-option', '-p', '-t', `${target}=${name}`, '@godel_kind', 'placeholder'],
    ]);
  }

  /** Only what changed: every option that is set makes tmux draw all terminals again. */
  async function label(): Promise<void> {
    const next = new Map(agents.map((agent) => [agent.pane, `${agent.state} ${agent.beadId ?? ''}`]));
    const changed = agents.filter((agent) => labels.get(agent.pane) !== next.get(agent.pane));
    labels = next;
    await attempt(
      changed.flatMap((agent) => [
        ['set-option', '-p', '-t', agent.pane, '@godel_state', agent.state],
        ['set-option', '-p', '-t', agent.pane, '@godel_bead', agent.beadId ?? ''],
      ]),
    );
  }

  return {
    ensure: (size) =>
      inOrder(async () => {
        await server.ensure();
        if (await exists()) {
          await reviveBoard().catch(async () => {
            await attempt([['kill-session', '-t', `=${session}`]]);
            await create(size);
          });
          await attempt(keyCommands());
        } else await create(size);
        ready = true;
        status = '';
        await watch();
      }),
    sync(next) {
      agents = next;
      refused = '';
      return inOrder(async () => {
        if (!ready && !(await exists())) return;
        await watch();
        ready = true;
        await label();
        await arrange();
      });
    },
    setStatus: (left, right) =>
      inOrder(async () => {
        if (!ready || status === left + right) return;
        status = left + right;
        const set = (name: string, value: string) => ['set-option', '-t', target, name, value];
        await attempt([set('@godel_status_left', left), set('@godel_status_right', right), ['refresh-client', '-S']]);
      }),
    focus: (pane) =>
      inOrder(async () => {
        const chosen = pane ?? (await list()).find((each) => each.kind === 'board')?.pane;
        if (chosen === undefined) return;
        await attempt([
          ['select-window', '-t', chosen],
          ['select-pane', '-Z', '-t', chosen],
        ]);
      }),
    attachCommand: () => [...server.command, 'attach-session', '-t', `=${session}`],
    async clients() {
      const lines = await server.tmux(
        'list-clients',
        '-t',
        `=${session}`,
        '-F',
        '#{client_activity} #{client_control_mode} #{client_name}',
      );
      const parsed = lines.map((line) => line.split(' ')).filter(([, control]) => control === '0');
      return parsed.sort(([a], [b]) => Number(b) - Number(a)).map(([, , ...name]) => name.join(' '));
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await queue;
      await watcher?.close();
    },
  };
}
