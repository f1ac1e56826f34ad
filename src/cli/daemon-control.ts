/** Finds the daemon, or starts it. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type GodelError, messageOf } from '../base/error.ts';
import { type HomePaths, homePaths } from '../base/paths.ts';
import { isRunning, run } from '../base/process.ts';
import { release } from '../base/version.ts';
import { type Client, type ClientOptions, createClient } from '../client/client.ts';
import { exchange } from '../client/http.ts';
import { type ErrorReason, errorTable, failure } from '../errors.ts';
import { KEEPER_NAME, keeperCommand } from './daemon-keeper.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const START_MS = 60_000;
const POLL_MS = 15;

/** What the daemon wrote about itself when it became ready. */
export interface DaemonRecord {
  pid: number;
  version: string;
  port: number;
  startedAt: string;
  /** Process that starts it again when it is killed. */
  keeper?: number;
}

export function readRecord(paths: HomePaths): DaemonRecord | undefined {
  try {
    return JSON.parse(readFileSync(paths.daemonFile, 'utf8')) as DaemonRecord;
  } catch {
    return undefined;
  }
}

/** What a connection is refused with that is not for this process: sandboxes of agents do so. To wait changes nothing. */
const FORBIDDEN = ['EPERM', 'EACCES'];

/** @throws GodelError daemon-forbidden */
export async function isAnswering(paths: HomePaths): Promise<boolean> {
  if (!existsSync(paths.socketFile)) return false;
  const probe = { method: 'GET', path: '/health/live', headers: {}, timeoutMs: 2_000 };
  return exchange({ socketPath: paths.socketFile }, probe).then(
    (answer) => answer.status === 200,
    (error: NodeJS.ErrnoException) => {
      if (!FORBIDDEN.includes(error.code ?? '')) return false;
      throw failure('daemon-forbidden', { problem: messageOf(error) }, error);
    },
  );
}

/** Folder of the compiled programs: this file's own, or dist/ when it runs from source. */
export function programFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return existsSync(join(here, 'daemon.js')) ? here : join(here, '..', '..', 'dist');
}

/** Keys of providers, as their variables are commonly called. */
const KEY_VARIABLE = /_(API_KEY|AUTH_TOKEN)$/;

/** The daemon must not carry the identity of the agent, or the terminal, that happened to need it first. */
function daemonEnvironment(env: Environment): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([key]) =>
      !KEY_VARIABLE.test(key) &&
      !/^(GODEL_(AGENT|TOKEN|GENERATION|BEAD|PROJECT|BRIDGE|PROXY_(URL|KEY)|URL)|TMUX)/.test(key),
  );
  return { ...Object.fromEntries(kept), GODEL_KEYS_ON_STDIN: '1' };
}

/** Keys go to the daemon by its standard input: an environment can be read from the list of processes. */
function providerKeys(env: Environment): string {
  return JSON.stringify(Object.fromEntries(Object.entries(env).filter(([key]) => KEY_VARIABLE.test(key))));
}

/** While it is there a daemon that ended is not started again. */
const stopFileOf = (paths: HomePaths) => join(paths.stateDir, 'daemon.stopped');

/** Says, before a daemon is stopped, that its end is wanted. */
export function noteStop(paths: HomePaths): void {
  writeFileSync(stopFileOf(paths), '', { mode: 0o600 });
}

/**
 * How memory is managed. A process that allocates little is taken for one that has to save memory: its whole heap would be
 * collected after every few megabytes, which was a quarter of its time with 50 agents. So the heap may grow (percent) before
 * that, while what is new (megabytes) is collected often.
 */
const DAEMON_NODE_OPTIONS = ['--heap-growing-percent=200', '--max-semi-space-size=8'] as const;

/** The daemon as a process. */
export function daemonCommand(): [string, ...string[]] {
  return [process.execPath, ...DAEMON_NODE_OPTIONS, join(programFolder(), 'daemon.js')];
}

/** `GODEL_KEEPER=off` is for those who have a supervisor of their own. */
function commandOf(paths: HomePaths, env: Environment): [string, ...string[]] {
  if (env.GODEL_KEEPER === 'off') return daemonCommand();
  return keeperCommand({ command: daemonCommand(), stopFile: stopFileOf(paths) });
}

/** The refusal a daemon that could not start wrote as its last line. */
function refusalIn(text: string): GodelError | undefined {
  for (const line of text.trim().split('\n').reverse()) {
    try {
      const said = JSON.parse(line) as { reason: string; params: Record<string, unknown> };
      if (said.reason in errorTable) return failure(said.reason as ErrorReason, said.params);
    } catch {
      // Not the line that was looked for.
    }
  }
  return undefined;
}

/**
 * Starts a daemon and waits until it answers.
 * @throws GodelError with the reason the daemon gave, or daemon-unreachable
 */
export async function startDaemonProcess(paths: HomePaths, env: Environment): Promise<void> {
  const outFile = join(paths.logDir, 'daemon.out');
  // One that was killed is on its way back, with the keys that it had.
  if (await comesBack(paths)) return;
  let out: number;
  try {
    mkdirSync(paths.logDir, { recursive: true, mode: 0o700 });
    rmSync(stopFileOf(paths), { force: true });
    writeFileSync(outFile, '', { mode: 0o600 });
    out = openSync(outFile, 'a');
  } catch (error) {
    throw failure('home-unusable', { path: paths.stateDir, problem: messageOf(error) }, error);
  }
  const [program, ...args] = commandOf(paths, env);
  const child = spawn(program, args, {
    detached: true,
    stdio: ['pipe', out, out],
    env: daemonEnvironment(env),
    cwd: paths.stateDir,
  });
  closeSync(out);
  // One that ends at once closes its input; what it said tells why.
  child.stdin?.on('error', () => {});
  child.stdin?.end(providerKeys(env));
  let ended = false;
  child.on('exit', () => {
    ended = true;
  });
  child.unref();
  if (await answersSoon(paths, () => !ended)) return;
  // Another command may have started one at the same moment.
  if (await isAnswering(paths)) return;
  const said = readFileSync(outFile, 'utf8');
  const refusal = refusalIn(said);
  if (refusal?.reason === 'daemon-running' && (await answersSoon(paths))) return;
  throw refusal ?? failure('daemon-unreachable', { problem: said.trim().split('\n')[0] || 'it did not start in time' });
}

async function answersSoon(paths: HomePaths, hasHope: () => boolean = () => true): Promise<boolean> {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline && hasHope()) {
    if (await isAnswering(paths)) return true;
    await delay(POLL_MS);
  }
  return false;
}

/** After a boot the number of a process belongs to another one. */
async function isKeeper(pid: number): Promise<boolean> {
  if (!isRunning(pid)) return false;
  const { stdout } = await run('ps', ['-o', 'args=', '-p', String(pid)]);
  return stdout.includes(KEEPER_NAME);
}

/** Waits for a daemon that was killed and is being started again; false when nothing does that. */
export async function comesBack(paths: HomePaths): Promise<boolean> {
  const keeper = readRecord(paths)?.keeper;
  if (keeper === undefined || !(await isKeeper(keeper))) return false;
  return answersSoon(paths, () => isRunning(keeper));
}

export interface ConnectOptions {
  env: Environment;
  cwd: string;
  /** `--project`: an id or a folder. */
  project?: string | undefined;
  start: boolean;
  /** Refuse a daemon of another version or build. */
  checkVersion: boolean;
}

/** A client of the running daemon, started when needed. @throws GodelError daemon-unreachable, daemon-version */
export async function connectDaemon(options: ConnectOptions): Promise<Client> {
  const { env } = options;
  const isId = options.project !== undefined && /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(options.project);
  const project: Pick<ClientOptions, 'projectId' | 'projectPath'> = isId
    ? { projectId: options.project }
    : options.project === undefined && env.GODEL_PROJECT
      ? { projectId: env.GODEL_PROJECT }
      : { projectPath: options.project ?? options.cwd };
  if (env.GODEL_URL) return createClient({ url: env.GODEL_URL, token: env.GODEL_TOKEN, ...project });
  const paths = homePaths(env);
  if (!(await isAnswering(paths))) {
    if (!options.start) throw failure('daemon-unreachable', { problem: 'it is not running' });
    // An agent has no provider keys to give to a daemon: it waits for the one that is coming back.
    if (env.GODEL_AGENT_ID) {
      if (!(await answersSoon(paths))) throw failure('daemon-unreachable', { problem: 'it is not running' });
    } else await startDaemonProcess(paths, env);
  }
  const record = readRecord(paths);
  if (options.checkVersion && record && record.version !== release) {
    throw failure('daemon-version', { daemon: record.version, client: release });
  }
  return createClient({ socketPath: paths.socketFile, token: env.GODEL_TOKEN, ...project });
}
