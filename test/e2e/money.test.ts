/** Money and keys from the command line to the ledger: budgets, virtual keys, secrets, reports, and where no key may be seen. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent, Prompt } from '../../src/agents/schema.ts';
import { run } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type {
  BudgetState,
  CostOverview,
  LedgerEntry,
  ProviderState,
  ProviderTest,
  UsageReport,
} from '../../src/costs/schema.ts';
import { createHome, GODEL, script, type TestHome, until } from '../support/home.ts';
import { anthropicAnswer, createUpstream, messages, type Upstream } from '../support/proxy-rig.ts';

const ENV_KEY = 'sk-canary-from-the-environment';
const SET_KEY = 'sk-canary-that-was-set';
const NEW_KEY = 'sk-canary-after-rotation';

let home: TestHome;
let upstream: Upstream;
let proxyUrl: string;
let url: string;
const replies: string[] = [];

interface Key {
  id: string;
  name: string;
  key: string;
}

beforeAll(async () => {
  upstream = await createUpstream();
  // One answer costs 0.003 USD.
  upstream.answer = anthropicAnswer({ input_tokens: 1_000, output_tokens: 100 });
  home = await createHome({ ANTHROPIC_API_KEY: ENV_KEY, ANTHROPIC_BASE_URL: upstream.url });
  const status = await home.json<{ proxyUrl: string; url: string }>('system', 'status');
  ({ proxyUrl, url } = status);
});
afterAll(async () => {
  await home.stop();
  await upstream.stop();
});

const withInput = (args: string[], input: string) =>
  run(process.execPath, [GODEL, ...args], { cwd: home.repository, env: home.env, input, timeoutMs: 60_000 });

async function ask(token: string, model = 'claude-sonnet-5', extra: object = {}): Promise<Response> {
  return fetch(`${proxyUrl}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': token },
    body: JSON.stringify(messages(model, extra)),
  });
}
const usedKeys = () => upstream.seen.map(({ headers }) => headers['x-api-key']);

describe('virtual keys', () => {
  test('a key is made, held to its models, listed without itself, and revoked in the middle of a stream', async () => {
    const made = await home.json<Key>('key', 'create', 'ci', '--model', 'claude-sonnet-5', '--expires', '30d');
    expect(made.key).toMatch(/^godel_vk_/);
    expect((await ask(made.key)).status).toBe(200);
    expect((await ask(made.key, 'claude-haiku-4-5')).status).toBe(403);
    const listed = await home.godel(['key', 'list']);
    expect(listed.stdout).toContain('ci');
    expect(listed.stdout).not.toContain(made.key);
    const answer = upstream.answer;
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"type":"ping"}\n\n');
    };
    const stream = await ask(made.key, 'claude-sonnet-5', { stream: true });
    upstream.answer = answer;
    const ended = stream.text().then(
      () => 'clean',
      () => 'cut',
    );
    expect((await home.godel(['key', 'revoke', 'ci'])).code).toBe(0);
    expect(await ended).toBe('cut');
    expect((await ask(made.key)).status).toBe(401);
    expect((await home.godel(['key', 'revoke', 'ci'])).code).toBe(3);
  });
});

describe('budgets and reports', () => {
  test('a budget is set, alerts, ends the spending, and lets go when it is raised', async () => {
    const { key } = await home.json<Key>('key', 'create', 'spender');
    const refused = await home.godel(['budget', 'set', '1', '--home', '--key', 'spender']);
    expect(refused.code).toBe(2);
    await home.json('budget', 'set', '0.007', '--key', 'spender');
    expect((await ask(key)).status).toBe(200);
    const last = await until('spent', async () => {
      const response = await ask(key);
      return response.status === 402 && response;
    });
    expect(await last.text()).toContain('key spender');
    const [budget] = (await home.json<{ items: BudgetState[] }>('budget', 'list')).items;
    expect(budget).toMatchObject({ scope: 'key', label: 'spender', limitNano: 7_000_000, reservedNano: 0 });
    expect(budget?.spentNano).toBeLessThanOrEqual(7_000_000);
    expect((await home.godel(['budget', 'list'])).stdout).toContain('█');
    const alerts = await until('alerts', async () => {
      const { items } = await home.json<{ items: { payload: { reached: number } }[] }>(
        'event',
        'list',
        '--type',
        'budget:alert',
      );
      return items.length > 0 && items;
    });
    expect(alerts.map((event) => event.payload.reached)).toContain(80);
    await home.json('budget', 'set', '1', '--key', 'spender');
    expect((await ask(key)).status).toBe(200);
    expect(await home.json('budget', 'clear', '--key', 'spender')).toEqual({ removed: true });
    expect((await home.json<{ items: unknown[] }>('budget', 'list')).items).toEqual([]);
  });

  test('what was spent is reported by any dimension, exported, and audited', async () => {
    const report = await home.json<UsageReport>(
      'cost',
      'show',
      '--by',
      'key,model',
      '--key',
      'spender',
      '--since',
      '1h',
    );
    expect(report.rows).toMatchObject([{ key: { key: 'spender', model: 'claude-sonnet-5' } }]);
    expect(report.totalCostNano).toBe(report.rows[0]?.costNano);
    expect(report.totalCostNano).toBe(report.requests * 3_000_000);
    const csv = await home.godel(['cost', '--by', 'key', '--export', 'csv']);
    expect(csv.stdout.split('\r\n')[0]).toContain('key,cost_usd,requests');
    expect(csv.stdout).toContain(`spender,${report.totalCost.toFixed(9)}`);
    const audit = await home.json<{ items: LedgerEntry[]; total: number }>('cost', 'audit', '--outcome', 'refused');
    expect(audit.items[0]).toMatchObject({ status: 402, keyName: 'spender', attempt: 0 });
    expect((await home.godel(['cost', 'audit'])).stdout).toContain('claude-sonnet-5');
    expect((await home.godel(['cost', '--by', 'weather'])).code).toBe(2);
  });

  test('all of the money is on one page, with the budgets as bars', async () => {
    await home.json('budget', 'set', '1', '--period', 'day');
    const page = await home.godel(['cost', 'overview']);
    for (const word of ['AGENT', 'BEAD', 'MODEL', 'PROVIDER', 'claude-sonnet-5', '100 %', 'BUDGET', '░'])
      expect(page.stdout).toContain(word);
    expect(page.stdout).toMatch(/^(\$[\d.]+) today, \1 this month \(UTC\), \1 in all/);
    // Nothing belongs to a convoy, and nothing runs out.
    expect(page.stdout).not.toMatch(/CONVOY|^!/m);
    const { todayCostNano } = await home.json<CostOverview>('cost', 'overview');
    await home.json('budget', 'set', String(todayCostNano / 0.9e9), '--period', 'day');
    const near = await home.godel(['cost', 'overview', '--since', 'today']);
    expect(near.stdout).toMatch(/^! 90 % of the budget for project \S+ is spent, \$[\d.]+ is left, anew from \d{4}-/);
    expect(near.stdout).toContain(' since ');
    await home.json('budget', 'clear', '--period', 'day');
  });

  test('a limit that is written into the configuration by hand takes hold without a restart', async () => {
    const { key } = await home.json<Key>('key', 'create', 'limited', '--user', 'ann');
    expect((await ask(key)).status).toBe(200);
    await writeFile(home.paths.configFile, 'limits:\n  user:\n    requests_per_day: 1\n');
    const refused = await until('refused', async () => {
      const response = await ask(key);
      return response.status === 429 && response;
    });
    expect(refused.headers.get('anthropic-ratelimit-requests-limit')).toBe('1');
    // What cannot be used is not: the last good configuration stays.
    await writeFile(home.paths.configFile, 'limits: nonsense\n');
    await until('it was noticed', async () =>
      (await readFile(join(home.paths.logDir, 'daemon.log'), 'utf8')).includes('configuration cannot be used'),
    );
    expect((await ask(key)).status).toBe(429);
    await writeFile(home.paths.configFile, '');
    await until('allowed', async () => (await ask(key)).status === 200);
  });

  test('the daemon answers for the proxy, to who it knows; a virtual key passes through it', async () => {
    const admin = (await readFile(home.paths.adminKeyFile, 'utf8')).trim();
    const get = (path: string, token: string) => fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
    const usage = (await (await get('/proxy/v1/usage?by=provider', admin)).json()) as UsageReport;
    expect(usage.byProvider.anthropic).toBe(usage.totalCost);
    const audit = (await (await get('/proxy/v1/audit?limit=1', admin)).json()) as { logs: object[]; total: number };
    expect(audit.logs).toMatchObject([{ provider: expect.any(String), cost: expect.any(Number) }]);
    expect(audit.total).toBeGreaterThan(1);
    const { key } = await home.json<Key>('key', 'create', 'reader');
    expect((await get('/proxy/v1/usage', key)).status).toBe(200);
    expect((await get('/proxy/v1/usage', 'nonsense')).status).toBe(401);
  });
});

describe('parking', () => {
  test('an agent whose budget is spent is parked with the reason, and goes on once when there is more', async () => {
    const work = script('say: the work is done');
    const bead = await home.json<Bead>('bead', 'create', 'Costly', '--description', work);
    const spawned = ['agent', 'spawn', '--bead', bead.id, '--name', 'poor', '--runtime', 'pi', '--provider', 'demo'];
    await home.json(...spawned, '--budget', '0.000001');
    const show = () => home.json<Agent>('agent', 'show', 'poor');
    const parked = await until('parked', async () => {
      const agent = await show();
      return agent.observed.state === 'parked' && agent;
    });
    expect(parked.observed.detail).toContain('budget for agent poor is spent');
    await home.json('budget', 'set', '1', '--agent', 'poor');
    await until('it went on', async () =>
      (await home.godel(['agent', 'logs', 'poor'])).stdout.includes('the work is done'),
    );
    await until('idle', async () => (await show()).observed.state === 'idle');
    const { items } = await home.json<{ items: Prompt[] }>('agent', 'prompts', 'poor');
    expect(items.filter(({ author }) => author === 'godel')).toMatchObject([{ status: 'acknowledged' }]);
  });

  test('what an agent spends counts against the person who started it and the team of its project', async () => {
    const client = home.client();
    await home.json('config', 'set', 'team', 'builders');
    await client.call('budgetSet', { usd: 0.000001, team: 'builders' });
    const task = ['--runtime', 'pi', '--provider', 'demo', script('say: done for the team')];
    await home.json('agent', 'spawn', '--name', 'member', ...task);
    const show = () => client.call('agentShow', { id: 'member' });
    const parked = await until('parked', async () => {
      const agent = await show();
      return agent.observed.state === 'parked' && agent;
    });
    expect(parked.observed.detail).toContain('budget for team builders is spent');
    await client.call('budgetSet', { usd: 1, team: 'builders' });
    await until('it went on', async () => (await show()).observed.state === 'idle');
    const user = parked.userId as string;
    const { items } = await client.call('costAudit', { team: 'builders', agent: 'member', user });
    expect(items.some(({ outcome, costNano }) => outcome === 'ok' && (costNano ?? 0) > 0)).toBe(true);
    // The same person as the one whose keys are made by hand.
    const { key } = await client.call('keyCreate', { name: 'by-hand' });
    await ask(key);
    expect((await client.call('costAudit', { key: 'by-hand' })).items).toMatchObject([{ userId: user }]);
    await client.call('budgetClear', { team: 'builders' });
  }, 120_000);
});

describe('secrets', () => {
  test('a provider key is read from standard input, used at once, rotated and deleted', async () => {
    const { key } = await home.json<Key>('key', 'create', 'caller');
    expect((await withInput(['secret', 'set', 'anthropic'], '')).code).toBe(2);
    const set = await withInput(['secret', 'set', 'anthropic'], `${SET_KEY}\n`);
    expect(set.code).toBe(0);
    replies.push(set.stdout);
    upstream.seen.length = 0;
    const providers = (await home.json<{ items: ProviderState[] }>('provider', 'list')).items;
    expect(providers.find(({ id }) => id === 'anthropic')?.keys).toHaveLength(2);
    // The same caller stays with one of the two keys: which one is not of interest.
    await ask(key);
    expect([SET_KEY, ENV_KEY]).toContain(usedKeys().at(-1));
    expect((await withInput(['secret', 'rotate', 'google'], NEW_KEY)).code).toBe(3);
    expect((await withInput(['secret', 'rotate', 'anthropic'], NEW_KEY)).code).toBe(0);
    upstream.answer = (request, response, body) => {
      // Only the new key is taken.
      if (request.headers['x-api-key'] === NEW_KEY) anthropicAnswer()(request, response, body);
      else
        response
          .writeHead(401, { 'content-type': 'application/json' })
          .end('{"error":{"message":"invalid x-api-key"}}');
    };
    const response = await ask(key);
    expect(response.status).toBe(200);
    expect(usedKeys().at(-1)).toBe(NEW_KEY);
    expect(usedKeys()).not.toContain(undefined);
    const tested = await home.json<ProviderTest>('provider', 'test', 'anthropic');
    expect(tested.tests.map(({ ok }) => ok).sort()).toEqual([false, true]);
    const shown = await home.godel(['provider', 'show', 'anthropic']);
    replies.push(shown.stdout, await response.text(), JSON.stringify([...response.headers]), JSON.stringify(tested));
    const list = await home.json<{ items: object[]; store: string }>('secret', 'list');
    expect(list).toMatchObject({ items: [{ name: 'anthropic', due: false }], store: 'file' });
    expect(await home.json('secret', 'rekey')).toEqual({ secrets: 1 });
    replies.push(JSON.stringify(list), (await home.godel(['event', 'list', '--type', 'secret:*'])).stdout);
  });

  test('secrets survive a restart of the daemon, which brings no key of its own', async () => {
    const bare = { ANTHROPIC_API_KEY: '' };
    expect((await home.godel(['daemon', 'restart'], { env: bare })).code).toBe(0);
    const { key } = await home.json<Key>('key', 'create', 'later');
    upstream.seen.length = 0;
    expect((await ask(key)).status).toBe(200);
    expect(usedKeys()).toEqual([NEW_KEY]);
  });

  test('no provider key is in a reply, file, log, list of processes or environment', async () => {
    const canaries = [ENV_KEY, SET_KEY, NEW_KEY];
    const clean = (text: string, where: string) => {
      for (const canary of canaries) expect(text.includes(canary), where).toBe(false);
    };
    for (const reply of replies) clean(reply, 'a reply');
    for (const file of await readdir(home.paths.stateDir, { recursive: true, withFileTypes: true })) {
      const path = join(file.parentPath, file.name);
      if (file.isFile()) clean(await readFile(path, 'latin1').catch(() => ''), path);
    }
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const [environ = '', command = ''] = await Promise.all(
        ['environ', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => '')),
      );
      if (environ.includes(home.paths.stateDir)) clean(environ + command, command);
    }
    expect((await withInput(['secret', 'delete', 'anthropic'], '')).code).toBe(0);
  });
});
