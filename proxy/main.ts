/** Entry of the proxy process. It is started detached by the daemon and outlives it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import SQLite from 'better-sqlite3';
import { messageOf } from '../src/base/error.ts';
import { createLog } from '../src/base/log.ts';
import { homePaths } from '../src/base/paths.ts';
import { version } from '../src/base/version.ts';
import type { Provider } from '../src/costs/schema.ts';
import { createAdmin } from './admin.ts';
import { createDemoProvider, type DemoProvider } from './demo/server.ts';
import { createKeyring } from './keyring.ts';
import { openLedger } from './ledger.ts';
import { createProxyServer } from './server.ts';

const STOP_LIMIT_MS = 10_000;
const DEMO_HOST = 'demo.invalid';

/** One proxy per home: an exclusive transaction that the system drops with the process. */
function takeLock(file: string): SQLite.Database {
  const db = new SQLite(file, { timeout: 3_000 });
  db.pragma('locking_mode = EXCLUSIVE');
  db.exec('begin exclusive');
  return db;
}

async function main(): Promise<void> {
  const paths = homePaths();
  for (const folder of [paths.stateDir, paths.logDir, dirname(paths.proxySocketFile)])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = takeLock(`${paths.stateDir}/proxy.lock`);
  const log = createLog({
    level: process.env.GODEL_LOG_LEVEL || 'info',
    destination: `${paths.logDir}/proxy.log`,
    name: 'proxy',
  });
  const ledger = openLedger(paths.ledgerFile);
  const keyring = createKeyring(ledger, Date.now);
  const startedAt = new Date().toISOString();
  let providers: Provider[] = [];
  let demo: DemoProvider | undefined;
  let port = 0;

  async function setProviders(next: Provider[]): Promise<void> {
    if (!demo && next.some((provider) => new URL(provider.baseUrl).hostname === DEMO_HOST))
      demo = await createDemoProvider({ port: 0 });
    providers = next.map((provider) =>
      new URL(provider.baseUrl).hostname === DEMO_HOST
        ? { ...provider, baseUrl: demo?.url ?? provider.baseUrl }
        : provider,
    );
  }

  function ledgerOk(): boolean {
    try {
      ledger.check();
      return true;
    } catch (error) {
      log.error({ problem: messageOf(error) }, 'ledger cannot be written');
      return false;
    }
  }

  const server = createProxyServer({
    keyring,
    ledger,
    providers: () => providers,
    onActivity: (activity) => admin.publish(activity),
    log,
  });
  let stopping = false;
  async function stop(): Promise<void> {
    if (stopping) return;
    stopping = true;
    await server.stop(STOP_LIMIT_MS);
    await admin.stop();
    await demo?.stop();
    ledger.close();
    lock.close();
    log.info('proxy stopped');
    process.exit(0);
  }
  const admin = createAdmin({
    keyring,
    ledger,
    status: () => ({
      pid: process.pid,
      version,
      port,
      startedAt,
      inFlight: server.inFlight(),
      ledgerOk: ledgerOk(),
      providers: providers.map((provider) => provider.id),
    }),
    setProviders,
    stop: () => void stop(),
    log,
  });

  const wanted = process.env.GODEL_PROXY_PORT;
  port = await server.listen(wanted === undefined || wanted === '' ? 7374 : Number(wanted));
  await admin.listen(paths.proxySocketFile);
  writeFileSync(paths.proxyFile, `${JSON.stringify({ pid: process.pid, port, version, startedAt })}\n`, {
    mode: 0o600,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
  process.on('SIGHUP', () => {});
  process.on('unhandledRejection', (error) => log.error({ problem: messageOf(error) }, 'unhandled rejection'));
  log.info({ port, pid: process.pid }, 'proxy ready');
}

main().catch((error: unknown) => {
  const { code } = error as { code?: string };
  const text =
    code === 'EADDRINUSE'
      ? 'port is taken (EADDRINUSE)'
      : code === 'SQLITE_BUSY'
        ? 'a proxy already runs for this home'
        : messageOf(error);
  process.stderr.write(`godel-proxy: ${text}\n`);
  process.exit(1);
});
