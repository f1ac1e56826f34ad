/** A whole proxy in this process: ledger on disk, real HTTP on loopback, scripted and raw upstreams. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Accounts, createAccounts, dayOf, monthOf } from '../../proxy/accounts.ts';
import { createPriceTable } from '../../proxy/cost.ts';
import { createDemoProvider, type DemoProvider } from '../../proxy/demo/server.ts';
import { createHealth, type Health } from '../../proxy/health.ts';
import { createKeyring, type Keyring } from '../../proxy/keyring.ts';
import { type Ledger, openLedger } from '../../proxy/ledger.ts';
import { createLimiter } from '../../proxy/limits.ts';
import { createRecorder, type Recorder } from '../../proxy/recording/recorder.ts';
import { openRecordings, type RecordingStore } from '../../proxy/recording/store.ts';
import { readHere } from '../../proxy/report-reader.ts';
import type { Rules } from '../../proxy/routing.ts';
import { createProxyServer, type ProxyServer } from '../../proxy/server.ts';
import { createLog } from '../../src/base/log.ts';
import {
  type Activity,
  type BudgetNotice,
  type LedgerEntry,
  type Policy,
  type Provider,
  policySchema,
  type VirtualKey,
} from '../../src/costs/schema.ts';

export const PROVIDER_KEY = 'sk-provider-canary-key';

export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A provider whose answers a test writes itself. */
export interface Upstream {
  url: string;
  seen: { headers: IncomingMessage['headers']; body: string; url: string }[];
  answer: Answer;
  server: Server;
  stop(): Promise<void>;
}

export async function createUpstream(): Promise<Upstream> {
  const upstream: Upstream = {
    url: '',
    seen: [],
    answer: (_request, response) => void response.writeHead(500).end(),
    server: createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        upstream.seen.push({ headers: request.headers, body, url: request.url ?? '' });
        upstream.answer(request, response, body);
      });
    }),
    async stop() {
      upstream.server.closeAllConnections();
      await new Promise((resolve) => upstream.server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => upstream.server.listen(0, '127.0.0.1', resolve));
  upstream.url = `http://127.0.0.1:${(upstream.server.address() as { port: number }).port}`;
  return upstream;
}

export const providerAt = (id: string, baseUrl: string, more: Partial<Provider> = {}): Provider => ({
  id,
  dialect: 'anthropic',
  api: ['chat'],
  baseUrl,
  keys: [{ id: 'canary', value: PROVIDER_KEY }],
  headers: {},
  models: [],
  ...more,
});

export const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

export interface ProxyRig {
  url: string;
  folder: string;
  ledger: Ledger;
  accounts: Accounts;
  keyring: Keyring;
  health: Health;
  proxy: ProxyServer;
  demo: DemoProvider;
  upstream: Upstream;
  activities: Activity[];
  recorder: Recorder;
  recordings: RecordingStore;
  notices: BudgetNotice[];
  /** Replaces the policy, as the daemon does. */
  setPolicy(policy: Partial<Policy>): void;
  /** Makes a virtual key and returns its token. */
  issue(more?: Partial<VirtualKey>): string;
  post(
    path: string,
    body: unknown,
    options?: { token?: string; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response>;
  rows(): LedgerEntry[];
  stop(): Promise<void>;
}

/** `anthropic` and `openai` lead to a raw upstream, `demo` to the scripted provider. */
export async function createProxyRig(
  options: { now?: () => number; folder?: string; clientMs?: { headers: number; body: number } } = {},
): Promise<ProxyRig> {
  const now = options.now ?? Date.now;
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'godel-proxy-')));
  const ledgerFile = join(folder, 'ledger.db');
  const ledger = openLedger(ledgerFile);
  const notices: BudgetNotice[] = [];
  const activities: Activity[] = [];
  const accounts = createAccounts({
    budgets: ledger.budgets(),
    sums: ledger.sums(dayOf(now()), monthOf(now())),
    onNotice: (notice) => notices.push(notice),
    now,
  });
  const keyring = createKeyring(ledger, accounts, now);
  const health = createHealth({ now });
  const [demo, upstream] = await Promise.all([createDemoProvider({ port: 0 }), createUpstream()]);
  const providers: Provider[] = [
    providerAt('anthropic', upstream.url),
    providerAt('openai', upstream.url, { dialect: 'openai', api: ['responses', 'chat'] }),
    providerAt('demo', demo.url, { keys: [], models: ['demo-small', 'demo-large'] }),
  ];
  const rulesFrom = (policy: Partial<Policy>): Rules => {
    const parsed = policySchema.parse({ providers, ...policy });
    return { policy: parsed, prices: createPriceTable(parsed.prices) };
  };
  let rules = rulesFrom({});
  const log = createLog({ level: 'error', destination: join(folder, 'log'), name: 'test' });
  const recordings = openRecordings(join(folder, 'recordings.db'));
  const recorder = createRecorder(recordings, now, log);
  const proxy = createProxyServer({
    keyring,
    ledger,
    accounts,
    limiter: createLimiter(now),
    health,
    reports: readHere(ledger),
    recorder,
    rules: () => rules,
    onActivity: (activity) => activities.push(activity),
    log,
    now,
    clientMs: options.clientMs,
  });
  const url = `http://127.0.0.1:${await proxy.listen(0)}`;
  let last = '';
  return {
    url,
    folder,
    ledger,
    accounts,
    keyring,
    health,
    proxy,
    demo,
    upstream,
    activities,
    recorder,
    recordings,
    notices,
    setPolicy(policy) {
      rules = rulesFrom(policy);
    },
    issue(more = {}) {
      last = `godel_vk_${randomBytes(8).toString('hex')}`;
      const base = { hash: hashOf(last), agentId: `agent-${last}`, agentName: 'tester', projectId: 'p' };
      const key: VirtualKey = { ...base, createdAt: new Date(now()).toISOString(), ...more };
      keyring.put(key);
      const { agentId = '', budgetNano, createdAt } = key;
      if (budgetNano !== undefined)
        accounts.put({
          scope: 'agent',
          subject: agentId,
          label: 'tester',
          period: 'total',
          limitNano: budgetNano,
          createdAt,
        });
      return last;
    },
    post: (path, body, { token = last, headers = {}, signal } = {}) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...(signal ? { signal } : {}),
      }),
    rows: () => ledger.entries({ limit: 1000 }).items,
    async stop() {
      await proxy.stop(100);
      await Promise.all([demo.stop(), upstream.stop()]);
      await recorder.idle();
      recordings.close();
      ledger.close();
      if (options.folder === undefined) await rm(folder, { recursive: true });
    },
  };
}

/** A request to a model, in Anthropic's words. */
export const messages = (model: string, extra: object = {}) => ({
  model,
  max_tokens: 100,
  messages: [{ role: 'user', content: 'hello' }],
  ...extra,
});

/** A whole answer in Anthropic's words, with its usage. */
export const anthropicAnswer =
  (usage: object = { input_tokens: 10, output_tokens: 5 }): Answer =>
  (_request, response) => {
    const body = { type: 'message', content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn', usage };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

export const errorAnswer =
  (status: number, headers: Record<string, string> = {}, message = `scripted ${status}`): Answer =>
  (_request, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify({ type: 'error', error: { type: 'api_error', message } }));
