/**
 * Godel's own tmux server: started with a scrubbed environment (it must never hold a provider key),
 * spoken to through one control client, found again after any crash of the daemon.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../src/base/error.ts';
import type { Log } from '../../src/base/log.ts';
import { run } from '../../src/base/process.ts';
import { failure } from '../../src/errors.ts';
import { type ControlClient, openControlClient } from './control-client.ts';
import { isSupported, parseVersion, type TmuxVersion, tmuxConf } from './tmux-conf.ts';

export interface TmuxServerOptions {
  /** Name for `tmux -L`. */
  socketName: string;
  confFile: string;
  env: Readonly<Record<string, string | undefined>>;
  log: Log;
}

export interface TmuxServer {
  /** `tmux` with the options that lead to this server. */
  readonly command: readonly string[];
  /** Environment for terminals that attach. */
  readonly env: Readonly<Record<string, string>>;
  /** @throws GodelError tmux-missing */
  version(): Promise<TmuxVersion>;
  /** Starts the server when it is not running, and connects. @throws GodelError tmux-missing */
  ensure(): Promise<void>;
  /** Runs one command and returns its lines. */
  tmux(...command: string[]): Promise<string[]>;
  /** Runs several commands in order; the first refusal is thrown after all were tried. */
  batch(commands: readonly (readonly string[])[]): Promise<string[][]>;
  /** Runs commands as one step that nothing falls into; the first refusal skips the rest and is thrown. */
  sequence(commands: readonly (readonly string[])[]): Promise<string[][]>;
  onNotification(listener: (name: string, args: string) => void): () => void;
  /**
   * Tells within a second when what a format says of all panes of all sessions changes; tmux compares, so rest costs
   * nothing here. Told once at each (re)connection too. Returns its own unsubscribe.
   */
  followPanes(format: string, listener: () => void): () => void;
  /** Called when a server was lost and a new, empty one was started. */
  onLost(listener: () => void): () => void;
  /** Lets go; the server and its panes go on. */
  close(): Promise<void>;
}

/** Session that keeps the server up and holds panes that are on no page. */
export const HOLD_SESSION = 'hold';

const KEPT = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'TMUX_TMPDIR',
  'XDG_RUNTIME_DIR',
  'GODEL_HOME',
];
const START_TRIES = 20;

/** What the tmux server may see of the daemon's environment. Pure. */
export function serverEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = { TERM: 'xterm-256color' };
  for (const [key, value] of Object.entries(env)) {
    if (value !== undefined && (KEPT.includes(key) || key.startsWith('LC_'))) kept[key] = value;
  }
  if (!kept.LANG && !kept.LC_ALL && !kept.LC_CTYPE) kept.LANG = 'C.UTF-8';
  return kept;
}

/** One value for all panes: `%*` would be those of the attached session alone, and agents sit on the board's pages too. */
const subscription = (name: string, format: string) => ['refresh-client', '-B', `${name}::#{S:#{W:#{P:${format}}}}`];

/** The command that installs tmux on this system. */
function installHint(): string {
  return process.platform === 'darwin' ? 'brew install tmux' : 'apt-get install tmux (or dnf, pacman -S, apk add)';
}

export function createTmuxServer(options: TmuxServerOptions): TmuxServer {
  const { log } = options;
  const env = serverEnvironment(options.env);
  const command = ['tmux', '-u', '-L', options.socketName, '-f', options.confFile];
  const listeners = new Set<(name: string, args: string) => void>();
  const lostListeners = new Set<() => void>();
  const followed = new Map<string, { format: string; listener: () => void }>();
  let client: ControlClient | undefined;
  let connecting: Promise<ControlClient> | undefined;
  let known: TmuxVersion | undefined;
  let closing = false;

  async function version(): Promise<TmuxVersion> {
    if (known) return known;
    const result = await run('tmux', ['-V'], { env }).catch((error: unknown) => {
      throw failure('tmux-missing', { problem: 'it is not installed', hint: `Install it: ${installHint()}` }, error);
    });
    const found = parseVersion(result.stdout);
    if (!found || !isSupported(found)) {
      throw failure('tmux-missing', {
        problem: `this is ${result.stdout.trim() || 'unknown'}`,
        hint: `Install a newer one: ${installHint()}`,
      });
    }
    known = found;
    return found;
  }

  /** True when it had to be started. A server that is just dying refuses for a moment. */
  async function startServer(): Promise<boolean> {
    const [file = 'tmux', ...args] = command;
    mkdirSync(dirname(options.confFile), { recursive: true, mode: 0o700 });
    writeFileSync(options.confFile, tmuxConf(await version()), { mode: 0o600 });
    for (let attempt = 1; ; attempt += 1) {
      const known = await run(file, [...args, 'has-session', '-t', `=${HOLD_SESSION}`], { env });
      if (known.code === 0) return false;
      const made = await run(
        file,
        [...args, 'new-session', '-d', '-s', HOLD_SESSION, '-x', '200', '-y', '50', 'exec tail -f /dev/null'],
        { env },
      );
      if (made.code === 0) return true;
      if (attempt >= START_TRIES)
        throw failure('tmux-missing', {
          problem: `its server does not start: ${made.stderr.trim()}`,
          hint: 'tmux -V shows the version; godel daemon logs the details.',
        });
      await delay(50);
    }
  }

  async function connect(): Promise<ControlClient> {
    const fresh = await startServer();
    const opened = await openControlClient({
      tmux: command,
      session: HOLD_SESSION,
      env,
      onNotification: (name, args) => {
        if (name === 'subscription-changed') followed.get(args.split(' ')[0] ?? '')?.listener();
        for (const listener of [...listeners]) listener(name, args);
      },
    });
    client = opened;
    for (const [name, { format }] of followed) void opened.commands([subscription(name, format)]).catch(unfollowed);
    void opened.closed.then(() => {
      if (client === opened) client = undefined;
      if (!closing) void reconnect();
    });
    if (fresh) for (const listener of [...lostListeners]) listener();
    return opened;
  }

  function unfollowed(error: unknown): void {
    log.warn({ problem: messageOf(error) }, 'panes are not followed, only looked at now and then');
  }

  async function reconnect(): Promise<void> {
    for (let pause = 50; !closing && !client; pause = Math.min(2 * pause, 2_000)) {
      try {
        await connected();
      } catch (error) {
        log.warn({ problem: messageOf(error) }, 'tmux cannot be reached');
        await delay(pause);
      }
    }
  }

  function connected(): Promise<ControlClient> {
    if (client) return Promise.resolve(client);
    connecting ??= connect().finally(() => {
      connecting = undefined;
    });
    return connecting;
  }

  const batch = async (commands: readonly (readonly string[])[]) => (await connected()).commands(commands);

  return {
    command,
    env,
    version,
    async ensure() {
      await version();
      await connected();
    },
    async tmux(...args) {
      const [lines = []] = await batch([args]);
      return lines;
    },
    batch,
    sequence: async (commands) => (await connected()).sequence(commands),
    onNotification(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onLost(listener) {
      lostListeners.add(listener);
      return () => lostListeners.delete(listener);
    },
    followPanes(format, listener) {
      const name = `panes-${followed.size}`;
      followed.set(name, { format, listener });
      void client?.commands([subscription(name, format)]).catch(unfollowed);
      return () => followed.delete(name);
    },
    async close() {
      closing = true;
      await connecting?.catch(() => undefined);
      await client?.close();
    },
  };
}
