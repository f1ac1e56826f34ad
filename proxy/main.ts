/** Entry of the proxy process. It is started detached by the daemon and outlives it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import SQLite from 'better-sqlite3';
import { messageOf } from '../src/base/error.ts';
import { createLog } from '../src/base/log.ts';
import { type HomePaths, homePaths } from '../src/base/paths.ts';
import { release } from '../src/base/version.ts';
import { type Policy, policySchema } from '../src/costs/schema.ts';
import { createAccounts, dayOf, monthOf } from './accounts.ts';
import { createAdmin } from './admin.ts';
import { createPriceTable } from './cost.ts';
import { createDemoProvider, type DemoProvider } from './demo/server.ts';
import { createHealth } from './health.ts';
import { createKeyring } from './keyring.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { createLimiter } from './limits.ts';
import { createPools } from './pools.ts';
import { createRecorder } from './recording/recorder.ts';
import { openRecordings } from './recording/store.ts';
import { createReportReader, serveReports } from './report-reader.ts';
import { startRetention } from './retention.ts';
import type { Rules } from './routing.ts';
import { createProxyServer } from './server.ts';
import { testProvider } from './test-provider.ts';

const STOP_LIMIT_MS = 10_000;
const DEMO_HOST = 'demo.invalid';

/** One proxy per home: an exclusive transaction that the system drops with the process. */
function takeLock(file: string): SQLite.Database {
  const db = new SQLite(file, { timeout: 3_000 });
  db.pragma('locking_mode = EXCLUSIVE');
  db.exec('begin exclusive');
  return db;
}

function rulesOf(policy: Policy): Rules {
  return { policy, prices: createPriceTable(policy.prices) };
}

/** The scripted provider is started when a policy names it, and its real address put in. */
function createDemoHost(): { resolve(policy: Policy): Promise<Policy>; stop(): Promise<void> } {
  let demo: DemoProvider | undefined;
  const isDemo = (baseUrl: string) => new URL(baseUrl).hostname === DEMO_HOST;
  return {
    async resolve(policy) {
      if (!demo && policy.providers.some((provider) => isDemo(provider.baseUrl)))
        demo = await createDemoProvider({ port: 0 });
      const providers = policy.providers.map((provider) =>
        isDemo(provider.baseUrl) ? { ...provider, baseUrl: demo?.url ?? provider.baseUrl } : provider,
      );
      return { ...policy, providers };
    },
    async stop() {
      await demo?.stop();
    },
  };
}

function prepareFolders(): HomePaths {
  const paths = homePaths();
  for (const folder of [paths.stateDir, paths.logDir, dirname(paths.proxySocketFile)])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  return paths;
}

function isLedgerOk(ledger: Ledger): boolean {
  try {
    ledger.check();
    return ledger.writable();
  } catch {
    return false;
  }
}

async function main(): Promise<void> {
  const paths = prepareFolders();
  const lock = takeLock(`${paths.stateDir}/proxy.lock`);
  const log = createLog({
    level: process.env.GODEL_LOG_LEVEL || 'info',
    destination: `${paths.logDir}/proxy.log`,
    name: 'proxy',
  });
  const now = Date.now;
  const ledger = openLedger(paths.ledgerFile, {
    onBroken: (error, waiting) => log.error({ problem: messageOf(error), waiting }, 'ledger rows cannot be written'),
    onMended: (written) => log.info({ written }, 'ledger rows are written again'),
  });
  const accounts = createAccounts({
    budgets: ledger.budgets(),
    sums: ledger.sums(dayOf(now()), monthOf(now())),
    onNotice: (notice) => admin.publish(notice),
    now,
  });
  const keyring = createKeyring(ledger, accounts, now);
  const health = createHealth({ now });
  const recordings = openRecordings(paths.recordingsFile);
  const recorder = createRecorder(recordings, now, log);
  const reports = createReportReader(paths.ledgerFile, ledger.flush);
  const probes = createPools();
  const demo = createDemoHost();
  const startedAt = new Date().toISOString();
  let rules = rulesOf(policySchema.parse({ providers: [] }));
  let port = 0;
  const retention = startRetention({ ledger, recordings, days: () => rules.policy.retentionDays, now, log });

  const server = createProxyServer({
    keyring,
    ledger,
    accounts,
    limiter: createLimiter(now),
    health,
    reports,
    recorder,
    rules: () => rules,
    onActivity: (activity) => admin.publish(activity),
    log,
    now,
  });
  let stopping = false;
  async function stop(): Promise<void> {
    if (stopping) return;
    stopping = true;
    retention.stop();
    await server.stop(STOP_LIMIT_MS);
    await admin.stop();
    await Promise.all([demo.stop(), reports.stop(), probes.stop()]);
    await recorder.idle();
    recordings.close();
    ledger.close();
    lock.close();
    log.info('proxy stopped');
    process.exit(0);
  }
  const admin = createAdmin({
    keyring,
    ledger,
    accounts,
    reports,
    recordings,
    status: () => ({
      pid: process.pid,
      version: release,
      port,
      startedAt,
      inFlight: server.inFlight(),
      ledgerOk: isLedgerOk(ledger),
      providers: rules.policy.providers.map((provider) => provider.id),
    }),
    async setPolicy(policy) {
      rules = rulesOf(await demo.resolve(policy));
    },
    providers: () => health.state(rules.policy.providers),
    testProvider: (id) => testProvider({ id, providers: rules.policy.providers, pools: probes, health, now }),
    stop: () => void stop(),
    log,
  });

  const wanted = process.env.GODEL_PROXY_PORT;
  port = await server.listen(wanted === undefined || wanted === '' ? 7374 : Number(wanted));
  await admin.listen(paths.proxySocketFile);
  writeFileSync(paths.proxyFile, `${JSON.stringify({ pid: process.pid, port, version: release, startedAt })}\n`, {
    mode: 0o600,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
  process.on('SIGHUP', () => {});
  process.on('unhandledRejection', (error) => log.error({ problem: messageOf(error) }, 'unhandled rejection'));
  log.info({ port, pid: process.pid }, 'proxy ready');
}

/** Why it cannot start, as one line for whoever started it. */
function reasonOf(error: unknown): string {
  const { code } = error as { code?: string };
  if (code === 'EADDRINUSE') return 'port is taken (EADDRINUSE)';
  return code === 'SQLITE_BUSY' ? 'a proxy already runs for this home' : messageOf(error);
}

if (!isMainThread) serveReports();
else
  main().catch((error: unknown) => {
    process.stderr.write(`godel-proxy: ${reasonOf(error)}\n`);
    process.exit(1);
  });
