/** Entry of the daemon process: takes the lock, opens the log, starts, and stops on a signal. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../base/clock.ts';
import { GodelError, messageOf } from '../base/error.ts';
import { createLog } from '../base/log.ts';
import { type HomePaths, homePaths } from '../base/paths.ts';
import { EXIT_CRASHED } from '../base/process.ts';
import { release } from '../base/version.ts';
import { exchange } from '../client/http.ts';
import { failure } from '../errors.ts';
import { createConfigFiles } from './config-files.ts';
import { startDaemon } from './daemon.ts';
import { type Lock, takeLock } from './lock.ts';
import { takeProviderKeys } from './provider-keys.ts';

/** Time (ms) a daemon that is just ending may take to let go of the lock. */
const LOCK_WAIT_MS = 5_000;
const LOCK_POLL_MS = 50;
const STOP_LIMIT_MS = 20_000;

function prepareFolders(): ReturnType<typeof homePaths> {
  const paths = homePaths();
  try {
    for (const folder of [paths.stateDir, paths.logDir, paths.agentsDir, dirname(paths.socketFile)]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    return paths;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw failure('disk-full', { problem: messageOf(error) }, error);
    throw failure('home-unusable', { path: paths.stateDir, problem: messageOf(error) }, error);
  }
}

function onSignals(stop: () => void): void {
  let asked = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      asked += 1;
      if (asked === 1) stop();
      else process.exit(1);
    });
  }
  // A closed terminal must not end a daemon that was started in it.
  process.on('SIGHUP', () => {});
}

/** The process that starts this one again (src/cli/daemon-keeper.ts), and how often it did; nothing without one. */
function takeKeeper(env: NodeJS.ProcessEnv): { keeper?: number; restarts?: number } {
  const { GODEL_KEPT: lives } = env;
  delete env.GODEL_KEPT;
  return lives === undefined ? {} : { keeper: process.ppid, restarts: Number(lives) };
}

/** Waits for a daemon that is just ending, but not behind one that answers: two must never queue up. */
async function lockHome(paths: HomePaths): Promise<Lock> {
  const probe = { method: 'GET', path: '/health/live', headers: {}, timeoutMs: 1_000 };
  for (const deadline = Date.now() + LOCK_WAIT_MS; ; await delay(LOCK_POLL_MS)) {
    try {
      return takeLock(paths.lockFile);
    } catch (error) {
      if (!(error instanceof GodelError) || error.reason !== 'daemon-running' || Date.now() > deadline) throw error;
      const answer = await exchange({ socketPath: paths.socketFile }, probe).catch(() => undefined);
      if (answer?.status === 200) throw error;
    }
  }
}

async function main(): Promise<void> {
  const foreground = process.argv.includes('--foreground');
  const paths = prepareFolders();
  const lock = await lockHome(paths);
  const { config } = await createConfigFiles(paths.configFile, process.env).daemon();
  const providerKeys = await takeProviderKeys(config, process.env);
  const keeper = takeKeeper(process.env);
  const destination = foreground ? 2 : `${paths.logDir}/daemon.log`;
  const log = createLog({ level: config.log_level, destination, name: 'daemon' });
  const daemon = await startDaemon({
    paths,
    environment: { ...process.env },
    providerKeys,
    clock: systemClock,
    log,
    config,
    version: release,
    restarts: keeper.restarts ?? 0,
  });
  const status = { pid: process.pid, version: release, port: daemon.port, startedAt: daemon.startedAt, ...keeper };
  writeFileSync(paths.daemonFile, `${JSON.stringify(status)}\n`, { mode: 0o600 });
  if (keeper.restarts) log.warn(status, 'daemon started again after it was killed or crashed');
  else log.info(status, 'daemon ready');
  process.on('uncaughtException', (error) => {
    log.error({ problem: messageOf(error), stack: error.stack }, 'uncaught exception');
    process.exit(EXIT_CRASHED);
  });
  process.on('unhandledRejection', (error) =>
    log.error({ problem: messageOf(error), stack: (error as Error)?.stack }, 'unhandled rejection'),
  );
  onSignals(() => {
    const limit = setTimeout(() => process.exit(1), STOP_LIMIT_MS);
    daemon
      .stop()
      .catch((error: unknown) => log.error({ problem: messageOf(error) }, 'stop failed'))
      .finally(() => {
        clearTimeout(limit);
        lock.release();
        log.info('daemon stopped');
        process.exit(0);
      });
  });
}

main().catch((error: unknown) => {
  if (error instanceof GodelError)
    process.stderr.write(
      `${JSON.stringify({ reason: error.reason, message: error.message, hint: error.hint, params: error.params })}\n`,
    );
  else process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(error instanceof GodelError ? error.exitCode : 1);
});
