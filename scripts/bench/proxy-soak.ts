/**
 * The proxy under 200 mixed streams for minutes: does its memory grow, is a row of the ledger lost; and how late do events arrive
 * while the daemon of the same home takes 10,000 beads, how soon a cancelled or revoked stream ends.
 * `--minutes 10 --streams 200 --beads 10000`; `--minutes 0` leaves the minutes out
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import SQLite from 'better-sqlite3';
import { git } from '../../src/base/git.ts';
import { homePaths } from '../../src/base/paths.ts';
import { isRunning, run } from '../../src/base/process.ts';
import { table } from '../../src/base/table.ts';
import { createClient } from '../../src/client/client.ts';
import { createProxyClient } from '../../src/daemon/proxy-client.ts';
import { measureEndings, seenBy } from './proxy-endings.ts';
import { type Case, measure, rssMiB } from './proxy-load.ts';
import { startGodel, startScript, type Target } from './proxy-targets.ts';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    streams: { type: 'string', default: '200' },
    beads: { type: 'string', default: '10000' },
  },
});
const GODEL = fileURLToPath(new URL('../../dist/godel.js', import.meta.url));
const ROUND_MS = 30_000;
/** Rounds until code is compiled and caches are full. */
const WARM_UP_ROUNDS = 4;
const AT_ONCE = 64;
const SETTLE_MS = 2_000;

const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-soak-')));
const paths = homePaths({ HOME: folder, GODEL_HOME: join(folder, 'home') });
const rows: string[][] = [];
/** What the clients saw: requests, failures and why, and the id of every answer, refusals too. */
const told = { sent: 0, failed: 0, reasons: {} as Record<string, number>, ids: new Set<string>() };

function load(kind: string, clients: number, ms: number, stream: boolean, path: string, model = kind): Case {
  const messages = [{ role: 'user', content: `${kind} ${'words '.repeat(500)}` }];
  const body = { model: `openai/${model}`, user: kind, max_tokens: 500, ...(stream ? { stream: true } : {}), messages };
  return { name: `${kind} SSE`, clients, path, body: Buffer.from(JSON.stringify(body)), stream, ms, ids: told.ids };
}

/** A quarter each: fast streams, slow streams, translated ones, whole answers. */
async function mixed(target: Target, ms: number): Promise<void> {
  const each = Math.ceil(Number(options.streams) / 4);
  const chat = '/v1/chat/completions';
  const cases = [
    load('burst', each, ms, true, chat),
    load('paced', each, ms, true, chat),
    load('burst', each, ms, true, '/v1/messages'),
    load('burst', each, ms, false, chat),
  ];
  const measured = await Promise.all(cases.map((one) => measure(target, one)));
  for (const { requests, failed, reasons } of measured) {
    told.sent += requests;
    told.failed += failed;
    for (const [why, count] of Object.entries(reasons)) told.reasons[why] = (told.reasons[why] ?? 0) + count;
  }
}

/** Every answer has a row by its id, and every request that reached the provider is an attempt. */
async function missingRows(): Promise<{ answers: number; attempts: number }> {
  const ledger = new SQLite(paths.ledgerFile, { readonly: true });
  const ids = ledger.prepare('select distinct request_id from attempts').pluck().all() as string[];
  const attempts = ledger.prepare('select count(*) from attempts where attempt > 0').pluck().get() as number;
  ledger.close();
  const known = new Set(ids);
  const { requests } = await seenBy(upstreamUrl);
  return { answers: [...told.ids].filter((id) => !known.has(id)).length, attempts: Math.max(0, requests - attempts) };
}

async function soak(target: Target): Promise<void> {
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await mixed(target, ROUND_MS);
  const before = rssMiB(target.pids);
  let after = before;
  for (const end = Date.now() + Number(options.minutes) * 60_000; Date.now() < end; ) {
    await mixed(target, Math.min(ROUND_MS, Math.max(1_000, end - Date.now())));
    after = rssMiB(target.pids);
    process.stderr.write(`${told.sent} requests, ${told.failed} failed, ${Math.round(after)} MiB\n`);
  }
  await delay(SETTLE_MS);
  const missing = await missingRows();
  rows.push(['requests, failed', `${told.sent}, ${told.failed}`, 'none failed']);
  for (const [why, count] of Object.entries(told.reasons)) rows.push([`  ${why}`, String(count), '0']);
  rows.push(['answers without a row of the ledger', String(missing.answers), '0']);
  rows.push(['requests at the provider without one', String(missing.attempts), '0']);
  rows.push(['memory before → after', `${Math.round(before)} → ${Math.round(after)} MiB`, '< 5 % more']);
  rows.push(['growth', `${((100 * (after - before)) / before).toFixed(1)} %`, '< 5 %']);
}

/** What the streams saw while something else was done. */
async function seenWhile<T>(streams: Promise<T>, work: (isOver: () => boolean) => Promise<void>): Promise<T> {
  let over = false;
  const watched = streams.finally(() => {
    over = true;
  });
  const [seen] = await Promise.all([watched, work(() => over)]);
  return seen;
}

/** Delay of paced events, alone and while the daemon is busy. */
async function whileImporting(target: Target, direct: Target): Promise<void> {
  const repository = join(folder, 'repo');
  await mkdir(repository);
  await git(repository, ['init', '-q', '-b', 'main']);
  await git(repository, ['-c', 'user.name=b', '-c', 'user.email=b@b', 'commit', '-q', '--allow-empty', '-m', 'First']);
  const paced = load('paced', 50, 5_000, true, '/v1/chat/completions', 'gpt-5.4');
  const alone = await measure(target, paced);
  const beside = await measure(direct, paced);
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    GODEL_HOME: join(folder, 'home'),
    GODEL_PORT: '0',
    GODEL_KEEPER: 'off',
  };
  const provider = { OPENAI_API_KEY: 'provider-key', OPENAI_BASE_URL: upstreamUrl };
  // The daemon finds the proxy by its socket and gives it the providers of its own environment.
  const started = await run(process.execPath, [GODEL, 'bead', 'list'], {
    cwd: repository,
    env: { ...env, ...provider },
  });
  if (started.code !== 0) throw new Error(started.stderr);
  // It took back the key of an agent that it does not know; a person's key stays.
  const proxy = createProxyClient(paths.proxySocketFile);
  const token = `godel_vk_${randomBytes(24).toString('base64url')}`;
  const hash = createHash('sha256').update(token).digest('hex');
  await proxy.putKey({ hash, name: 'bench', projectId: 'bench', createdAt: new Date().toISOString() });
  await proxy.close();
  const client = createClient({ socketPath: paths.socketFile, projectPath: repository });
  const keyed = { ...target, headers: { authorization: `Bearer ${token}` } };
  const imported = await seenWhile(measure(keyed, paced), async () => {
    const text = Array.from({ length: Number(options.beads) }, (_, index) => `- [ ] bead ${index}\n`).join('');
    await client.call('beadImport', { text, format: 'markdown' });
  });
  let left = Number(options.beads);
  const busy = await seenWhile(measure(keyed, paced), async (isOver) => {
    const create = async () => {
      for (left -= 1; left >= 0 && !isOver(); left -= 1) await client.call('beadCreate', { title: `bead ${left}` });
    };
    await Promise.all(Array.from({ length: AT_ONCE }, create));
  });
  const { pid } = JSON.parse(await readFile(paths.daemonFile, 'utf8')) as { pid: number };
  process.kill(pid, 'SIGTERM');
  while (isRunning(pid)) await delay(25);
  await run('tmux', ['-L', paths.tmuxSocketName, 'kill-server'], { env });
  const failed = imported.failed + busy.failed;
  if (failed > 0) throw new Error(`${failed} streams failed beside the daemon`);
  rows.push(['event delay p99, direct', `${beside.delayP99.toFixed(1)} ms`, '-']);
  rows.push(['event delay p99, proxy alone', `${alone.delayP99.toFixed(1)} ms`, 'direct + 5 ms']);
  rows.push([
    `event delay p99, ${options.beads} beads are imported`,
    `${imported.delayP99.toFixed(1)} ms`,
    'direct + 10 ms',
  ]);
  rows.push([`event delay p99, ${AT_ONCE} clients create beads`, `${busy.delayP99.toFixed(1)} ms`, 'direct + 10 ms']);
}

const upstream = await startScript('./proxy-upstream.ts');
const upstreamUrl = `http://127.0.0.1:${upstream.port}`;
const godel = await startGodel(upstreamUrl, folder);
try {
  if (Number(options.minutes) > 0) await soak(godel.target);
  const admin = createProxyClient(paths.proxySocketFile);
  const paced = load('paced', 1, 0, true, '/v1/chat/completions');
  rows.push(...(await measureEndings(godel.target, upstreamUrl, admin, paced)));
  await admin.close();
  await whileImporting(godel.target, { name: 'direct', url: upstreamUrl, headers: {}, pids: [] });
  process.stdout.write(`${table(['MEASURED', 'GODEL', 'BAR'], rows)}\n`);
} finally {
  await godel.stop();
  upstream.child.kill();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
