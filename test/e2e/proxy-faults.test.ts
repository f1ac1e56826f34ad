/** The proxy as a process of its own: killed in the middle of its work, and with a disk that takes nothing more. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { homePaths } from '../../src/base/paths.ts';
import { isRunning } from '../../src/base/process.ts';
import { DEMO_PROVIDER } from '../../src/costs/providers.ts';
import { policySchema } from '../../src/costs/schema.ts';
import { createProxyClient, type ProxyClient } from '../../src/daemon/proxy-client.ts';
import { script, until } from '../support/home.ts';
import { hashOf, messages } from '../support/proxy-rig.ts';

const PROXY = fileURLToPath(new URL('../../dist/proxy.js', import.meta.url));
const TOKEN = 'godel_vk_fault-test';

let folder: string;
let client: ProxyClient;
let pid = 0;
let url = '';

async function start(): Promise<void> {
  const env = { PATH: process.env.PATH, HOME: folder, GODEL_HOME: folder, GODEL_PROXY_PORT: '0' };
  // A process that is not told of its limit by a signal gets an error, as from a full disk.
  const child = spawn('/bin/sh', ['-c', 'trap "" XFSZ; exec "$0" "$1"', process.execPath, PROXY], {
    env,
    stdio: 'ignore',
  });
  pid = child.pid ?? 0;
  const paths = homePaths(env);
  client = createProxyClient(paths.proxySocketFile);
  const status = await until('the proxy is ready', async () => {
    const known = await client.status(1_000).catch(() => undefined);
    return known?.pid === pid && known;
  });
  url = `http://127.0.0.1:${status.port}`;
  await client.putPolicy(policySchema.parse({ providers: [DEMO_PROVIDER] }));
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godel-fault-'));
  await start();
  await client.putKey({
    hash: hashOf(TOKEN),
    agentId: 'a',
    agentName: 'a',
    projectId: 'p',
    createdAt: new Date().toISOString(),
  });
});
afterEach(async () => {
  await client.close();
  if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  await until('it ended', async () => !isRunning(pid));
  await rm(folder, { recursive: true, force: true });
});

const ask = (stream: boolean, say = 'say: hello') =>
  fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': TOKEN },
    body: JSON.stringify(messages('demo/demo-small', { stream, messages: [{ role: 'user', content: script(say) }] })),
  });

interface Seen {
  id: string;
  /** The client read the answer to its end. */
  finished: boolean;
}

/** Asks again and again until the proxy is gone; tells which requests it saw finished. */
async function loop(stream: boolean, seen: Seen[]): Promise<void> {
  for (;;) {
    const entry: Seen = { id: '', finished: false };
    try {
      const response = await ask(stream);
      entry.id = response.headers.get('x-godel-request-id') ?? '';
      seen.push(entry);
      await response.text();
      entry.finished = response.status === 200;
    } catch {
      return;
    }
  }
}

async function rowsOf(): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  let cursor: string | undefined;
  do {
    const page = await client.entries({ limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    for (const row of page.items) rows.set(row.requestId, row.outcome);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return rows;
}

describe('killed', () => {
  test('every request that a client saw finished is in the ledger; only those in flight fail, with an error', async () => {
    const finishedBefore = new Set<string>();
    for (let round = 0; round < 4; round += 1) {
      const seen: Seen[] = [];
      const loops = Array.from({ length: 12 }, (_, index) => loop(index % 2 === 0, seen));
      const wanted = 20 + round * 17;
      await until('work is going on', async () => seen.filter(({ finished }) => finished).length >= wanted);
      process.kill(pid, 'SIGKILL');
      await Promise.all(loops);
      await client.close();
      await until('it ended', async () => !isRunning(pid));
      await start();
      const rows = await rowsOf();
      for (const { id, finished } of seen) if (finished) finishedBefore.add(id);
      const lost = [...finishedBefore].filter((id) => rows.get(id) !== 'ok');
      expect(lost).toEqual([]);
      expect(seen.filter(({ finished }) => !finished).length).toBeLessThanOrEqual(12);
      // What was spent is known again before anything more is spent.
      expect(await client.spentNano('p')).toBe((await client.usage({})).totalCostNano);
    }
  });
});

const hasLimits = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;

describe.runIf(hasLimits)('a full disk', () => {
  const limit = (bytes: number | 'unlimited') =>
    spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]).status;

  test('answers under way are delivered, new requests are refused with a clear error, and rows are written when there is room', async () => {
    const paths = homePaths({ GODEL_HOME: folder });
    for (let count = 0; count < 5; count += 1) await (await ask(false)).text();
    const slow = await ask(true, 'slow: 20\nsay: one two three four five six seven eight nine ten eleven twelve');
    const { size } = await stat(`${paths.ledgerFile}-wal`);
    expect(limit(size)).toBe(0);
    const text = await slow.text();
    expect(text).toContain('message_stop');
    const refused = await until('refused', async () => {
      const response = await ask(false);
      return response.status === 503 && response;
    });
    expect(await refused.json()).toMatchObject({
      type: 'error',
      error: { message: expect.stringContaining('ledger') },
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await client.status()).ledgerOk).toBe(false);
    // What spends nothing goes on.
    const models = await fetch(`${url}/v1/models`, { headers: { 'x-api-key': TOKEN } });
    expect(models.status).toBe(200);
    expect(limit('unlimited')).toBe(0);
    await until('it works again', async () => (await ask(false)).status === 200);
    const rows = await rowsOf();
    expect(rows.get(slow.headers.get('x-godel-request-id') ?? '')).toBe('ok');
    expect(await readFile(join(paths.logDir, 'proxy.log'), 'utf8')).toContain('ledger rows cannot be written');
  });

  test('a log that does not fit into the tables waits for room, and nobody falls', async () => {
    const paths = homePaths({ GODEL_HOME: folder });
    await until('more rows than the file has room for', async () => {
      await (await ask(false)).text();
      await rowsOf();
      const [log, tables] = await Promise.all([stat(`${paths.ledgerFile}-wal`), stat(paths.ledgerFile)]);
      return log.size > 4 * tables.size;
    });
    const { size } = await stat(paths.ledgerFile);
    expect(limit(size)).toBe(0);
    const said = async () => readFile(join(paths.logDir, 'proxy.log'), 'utf8');
    await until('the attempt', async () => (await said()).includes('ledger rows cannot be written'));
    expect(isRunning(pid)).toBe(true);
    expect(limit('unlimited')).toBe(0);
    await until('it works again', async () => (await ask(false)).status === 200);
  });
});
