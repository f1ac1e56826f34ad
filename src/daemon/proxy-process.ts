/**
 * Keeps the proxy alive. It is started detached, so that a restart of the daemon cuts no stream;
 * a daemon that starts finds the running one by its socket and tells it keys and providers again.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GodelError, messageOf } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import type { HomePaths } from '../base/paths.ts';
import { isRunning } from '../base/process.ts';
import type { Policy, ProxyStatus } from '../costs/schema.ts';
import { failure } from '../errors.ts';
import { type ActivityListeners, createProxyClient, type ProxyClient } from './proxy-client.ts';

export interface ProxyProcessOptions extends ActivityListeners {
  paths: HomePaths;
  proxyFile: string;
  nodePath: string;
  port: number;
  version: string;
  environment: Readonly<Record<string, string | undefined>>;
  policy: () => Promise<Policy>;
  log: Log;
}

export interface ProxyProcess {
  readonly client: ProxyClient;
  /** Starts or adopts the proxy and keeps watching it. @throws GodelError proxy-down, port-taken */
  start(): Promise<void>;
  /** Base URL for agents. @throws GodelError proxy-down while it is not running */
  url(): string;
  status(): ProxyStatus | undefined;
  /** Tells the proxy its policy again, for example after a change of configuration. */
  refresh(): Promise<void>;
  /** Ends the watch; the proxy itself goes on unless `withProxy`. */
  stop(withProxy: boolean): Promise<void>;
}

const START_MS = 10_000;
const WATCH_PAUSE_MS = 1_000;
/** How often a proxy of another release is asked whether it is idle. */
const IDLE_CHECK_MS = 5_000;

/** Variables the proxy needs: its home and where it listens. Keys go over the socket only. */
function proxyEnvironment(options: ProxyProcessOptions, port: number): NodeJS.ProcessEnv {
  const { environment } = options;
  const names = [
    'PATH',
    'HOME',
    'USER',
    'LANG',
    'TZ',
    'TMPDIR',
    'GODEL_HOME',
    'GODEL_LOG_LEVEL',
    'XDG_STATE_HOME',
    'XDG_CONFIG_HOME',
    'XDG_RUNTIME_DIR',
    'NODE_EXTRA_CA_CERTS',
    'SSL_CERT_FILE',
    'HTTPS_PROXY',
    'NO_PROXY',
  ];
  const kept = names.map((name) => [name, environment[name]] as const).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(kept), GODEL_PROXY_PORT: String(port) };
}

/**
 * What a request leaves behind is small and short-lived: a young generation (MiB) of Node's usual size would only hold memory.
 * Bodies are large and outside the heap: in one that may be as small as it is, V8 collects all of it for every few of them.
 */
export const PROXY_NODE_OPTIONS = ['--max-semi-space-size=4', '--initial-heap-size=64'] as const;

export function createProxyProcess(options: ProxyProcessOptions): ProxyProcess {
  const { paths, log } = options;
  const client = createProxyClient(paths.proxySocketFile);
  const ending = new AbortController();
  let current: ProxyStatus | undefined;
  let watching: Promise<void> | undefined;

  const probe = () => client.status(1_000).catch(() => undefined);

  /** Agents were told an address: with any free port allowed, the proxy that comes back takes the last one again. */
  function lastPort(): number {
    try {
      return (JSON.parse(readFileSync(paths.proxyFile, 'utf8')) as { port: number }).port;
    } catch {
      return 0;
    }
  }

  function launch(outFile: string, port: number): void {
    mkdirSync(paths.logDir, { recursive: true, mode: 0o700 });
    const out = openSync(outFile, 'w', 0o600);
    const child = spawn(options.nodePath, [...PROXY_NODE_OPTIONS, options.proxyFile], {
      detached: true,
      stdio: ['ignore', out, out],
      env: proxyEnvironment(options, port),
      cwd: paths.stateDir,
    });
    child.on('error', (error) => log.error({ error }, 'proxy could not be started'));
    child.unref();
    closeSync(out);
  }

  async function awaitReady(outFile: string): Promise<ProxyStatus> {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline && !ending.signal.aborted) {
      const status = await probe();
      if (status) return status;
      const said = readFileSync(outFile, 'utf8');
      if (/port.taken|EADDRINUSE|is taken/i.test(said))
        throw failure('port-taken', { port: options.port, variable: 'GODEL_PROXY_PORT' });
      await delay(30);
    }
    throw failure('proxy-down', {
      problem: readFileSync(outFile, 'utf8').trim().split('\n').at(-1) || 'it did not start in time',
    });
  }

  async function startOn(outFile: string, port: number): Promise<ProxyStatus> {
    launch(outFile, port);
    try {
      return await awaitReady(outFile);
    } catch (error) {
      const taken = error instanceof GodelError && error.reason === 'port-taken';
      if (!taken || options.port !== 0 || port === 0) throw error;
      launch(outFile, 0);
      return awaitReady(outFile);
    }
  }

  /** Ends the proxy of another release when nothing goes through it now. False when it has to go on. */
  async function retired(running: ProxyStatus): Promise<boolean> {
    if (running.inFlight > 0) return false;
    log.info({ proxyPid: running.pid, was: running.version, is: options.version }, 'proxy of another release ends');
    await client.stop();
    const deadline = Date.now() + START_MS;
    while (isRunning(running.pid) && Date.now() < deadline) await delay(30);
    return !isRunning(running.pid);
  }

  /** After an update: the old proxy is replaced as soon as no stream would be cut by it. */
  function replaceWhenIdle(): void {
    if (current === undefined || current.version === options.version) return;
    const check = async () => {
      const running = await probe();
      // The watch brings the new one.
      if (running && running.version !== options.version && !(await retired(running))) replaceWhenIdle();
    };
    delay(IDLE_CHECK_MS, undefined, { signal: ending.signal, ref: false })
      .then(check)
      .catch((error: unknown) => {
        if (!ending.signal.aborted) log.warn({ problem: messageOf(error) }, 'proxy was not replaced');
      });
  }

  async function ensure(): Promise<void> {
    const found = await probe();
    const isOld = found !== undefined && found.version !== options.version;
    const running = isOld && (await retired(found)) ? undefined : found;
    if (running) current = running;
    else {
      const outFile = join(paths.logDir, 'proxy.out');
      current = await startOn(outFile, options.port || lastPort());
    }
    await client.putPolicy(await options.policy());
    log.info({ proxyPid: current.pid, port: current.port, adopted: running !== undefined }, 'proxy ready');
    replaceWhenIdle();
  }

  /** Follows the traffic; when the stream ends the proxy is gone, and is brought back. */
  async function watch(): Promise<void> {
    while (!ending.signal.aborted) {
      await client.activity(options, ending.signal).catch(() => undefined);
      if (ending.signal.aborted) return;
      current = undefined;
      log.warn('proxy went away');
      await ensure().catch(async (error: unknown) => {
        log.error({ problem: messageOf(error) }, 'proxy could not be brought back');
        await delay(WATCH_PAUSE_MS, undefined, { signal: ending.signal }).catch(() => undefined);
      });
    }
  }

  return {
    client,
    async start() {
      await ensure();
      watching = watch();
    },
    url() {
      if (!current) throw failure('proxy-down', { problem: 'it is not running' });
      return `http://127.0.0.1:${current.port}`;
    },
    status: () => current,
    refresh: async () => client.putPolicy(await options.policy()),
    async stop(withProxy) {
      ending.abort();
      if (withProxy)
        await client.stop().catch((error: unknown) => log.warn({ problem: messageOf(error) }, 'proxy did not stop'));
      await client.close();
      await watching;
    },
  };
}
