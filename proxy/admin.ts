/** The daemon's side of the proxy (src/costs/schema.ts): keys, policy, budgets, reports, traffic. On a 0600 Unix socket only. */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { messageOf } from '../src/base/error.ts';
import type { Log } from '../src/base/log.ts';
import {
  type Activity,
  type BudgetNotice,
  budgetPeriodSchema,
  budgetSchema,
  budgetScopeSchema,
  dimensionSchema,
  ledgerFilterSchema,
  type Policy,
  type ProviderState,
  type ProxyStatus,
  policySchema,
  virtualKeySchema,
} from '../src/costs/schema.ts';
import { recordingFilterSchema } from '../src/recordings/schema.ts';
import type { Accounts } from './accounts.ts';
import type { Keyring } from './keyring.ts';
import type { Ledger } from './ledger.ts';
import type { RecordingStore } from './recording/store.ts';
import type { ReportReader } from './report-reader.ts';

export interface AdminOptions {
  keyring: Keyring;
  ledger: Ledger;
  accounts: Accounts;
  reports: ReportReader;
  recordings: RecordingStore;
  status: () => ProxyStatus;
  setPolicy: (policy: Policy) => Promise<void>;
  providers: () => ProviderState[];
  /** Asks a provider for its models with every key it has. */
  testProvider: (id: string) => Promise<unknown>;
  stop: () => void;
  log: Log;
}

export interface Admin {
  listen(socketFile: string): Promise<void>;
  publish(line: Activity | BudgetNotice): void;
  stop(): Promise<void>;
}

const MAX_BODY = 4 * 1024 * 1024;
const usageSchema = ledgerFilterSchema.extend({ by: z.array(dimensionSchema).optional() });
const entriesSchema = ledgerFilterSchema.extend({
  limit: z.number().int().min(1).max(1000).default(100),
  cursor: z.string().optional(),
  newest: z.boolean().optional(),
});
const budgetKey = z.object({ scope: budgetScopeSchema, subject: z.string(), period: budgetPeriodSchema });

async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY) throw new Error('body too large');
    chunks.push(chunk as Buffer);
  }
  return size === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

type Call = (query: Record<string, string>, body: unknown) => unknown;

function callsOf(options: AdminOptions, admin: Pick<Admin, 'publish'>): Readonly<Record<string, Call>> {
  const { keyring, ledger, accounts, reports } = options;

  function putKey(body: unknown): object {
    const key = virtualKeySchema.parse(body);
    keyring.put(key);
    const { agentId, agentName, name, budgetNano, createdAt } = key;
    if (budgetNano !== undefined) {
      const scope = agentId === undefined ? ('key' as const) : ('agent' as const);
      const subject = agentId ?? name ?? key.hash;
      putBudget({ scope, subject, label: agentName ?? subject, period: 'total', limitNano: budgetNano, createdAt });
    }
    return {};
  }

  function putBudget(body: unknown): object {
    const budget = budgetSchema.parse(body);
    ledger.putBudget(budget);
    const state = accounts.put(budget);
    // Whoever waits for money hears that there is some, or that there is none.
    const notice = accounts
      .notices()
      .find(
        ({ budget: each }) =>
          each.scope === budget.scope && each.subject === budget.subject && each.period === budget.period,
      );
    admin.publish(notice ?? { budget: state, reached: 0, period: budget.period });
    return state;
  }

  function clearBudget(query: Record<string, string>): object {
    const { scope, subject, period } = budgetKey.parse(query);
    const known = accounts
      .list()
      .find((each) => each.scope === scope && each.subject === subject && each.period === period);
    ledger.deleteBudget(scope, subject, period);
    const removed = accounts.remove(scope, subject, period);
    if (known) admin.publish({ budget: known, reached: 0, period });
    return { removed };
  }

  return {
    'PUT /admin/keys': (_query, body) => putKey(body),
    'GET /admin/keys': () => ({ keys: keyring.list() }),
    'DELETE /admin/keys': (query) => {
      if (query.hash !== undefined) return { revoked: keyring.revoke(query.hash) };
      keyring.revokeAgent(z.string().min(1).parse(query.agentId));
      return { revoked: true };
    },
    'PUT /admin/policy': async (_query, body) => {
      await options.setPolicy(policySchema.parse(body));
      return {};
    },
    'GET /admin/providers': () => ({ providers: options.providers() }),
    'POST /admin/providers/test': (query) => options.testProvider(z.string().parse(query.id)),
    'PUT /admin/budgets': (_query, body) => putBudget(body),
    'DELETE /admin/budgets': (query) => clearBudget(query),
    'GET /admin/budgets': () => ({ budgets: accounts.list() }),
    'GET /admin/status': () => options.status(),
    'GET /admin/spent': (query) => ({
      spentNano: accounts.get('project', z.string().parse(query.projectId)).spentNano,
    }),
    'POST /admin/usage': (_query, body) => reports.usage(usageSchema.parse(body)),
    'POST /admin/ledger': (_query, body) => reports.entries(entriesSchema.parse(body)),
    'POST /admin/recordings': (_query, body) => ({ items: options.recordings.list(recordingFilterSchema.parse(body)) }),
    'POST /admin/recordings/turns': (_query, body) => ({
      items: options.recordings.turns(recordingFilterSchema.parse(body)),
    }),
    'GET /admin/recordings/body': ({ projectId, requestId }) => ({
      found: options.recordings.body(z.string().parse(projectId), z.string().parse(requestId)) ?? null,
    }),
    'POST /admin/stop': () => {
      setImmediate(options.stop);
      return {};
    },
  };
}

/** Followers hear of changes within this time (ms). */
const ANNOUNCE_MS = 20;

/**
 * Traffic changes many times a millisecond: what changed is told together, of an agent only how it is now. Parkings and notices
 * are facts of their own and all told.
 */
function createAnnouncer(send: (text: string) => void): { publish: Admin['publish']; flush(): void } {
  let lines = new Map<string, Parameters<Admin['publish']>[0]>();
  let timer: NodeJS.Timeout | undefined;
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (lines.size === 0) return;
    const text = [...lines.values()].map((line) => `${JSON.stringify(line)}\n`).join('');
    lines = new Map();
    send(text);
  }
  return {
    flush,
    publish(line) {
      const own = 'agentId' in line && line.parked === undefined ? line.agentId : `fact ${lines.size}`;
      lines.delete(own);
      lines.set(own, line);
      timer ??= setTimeout(flush, ANNOUNCE_MS);
    },
  };
}

export function createAdmin(options: AdminOptions): Admin {
  const { keyring, accounts } = options;
  const followers = new Set<ServerResponse>();
  let server: Server | undefined;
  const { publish, flush } = createAnnouncer((text) => {
    for (const follower of followers) follower.write(text);
  });
  const calls = callsOf(options, { publish });

  function follow(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/jsonl' });
    response.flushHeaders();
    followers.add(response);
    response.on('close', () => followers.delete(response));
    for (const purse of keyring.busy()) {
      const activity = keyring.activityOf(purse, {});
      if (activity) response.write(`${JSON.stringify(activity)}\n`);
    }
    // Whoever was not here when a share was reached hears of it now.
    for (const notice of accounts.notices()) response.write(`${JSON.stringify(notice)}\n`);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://proxy');
    if (request.method === 'GET' && url.pathname === '/admin/activity') return follow(response);
    const call = calls[`${request.method} ${url.pathname}`];
    const body = await jsonBody(request);
    const result = call ? await call(Object.fromEntries(url.searchParams), body) : { error: 'no such call' };
    response.writeHead(call ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(result));
  }

  return {
    async listen(socketFile) {
      await rm(socketFile, { force: true });
      const listening = createServer((request, response) => {
        handle(request, response).catch((error: unknown) => {
          options.log.warn({ path: request.url?.split('?')[0], problem: messageOf(error) }, 'admin call refused');
          if (!response.headersSent) response.writeHead(400, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ error: messageOf(error) }));
        });
      });
      server = listening;
      await new Promise<void>((resolve, reject) => {
        listening.once('error', reject);
        listening.listen(socketFile, resolve);
      });
      await chmod(socketFile, 0o600);
    },
    publish,
    async stop() {
      flush();
      for (const follower of followers) follower.end();
      server?.closeAllConnections();
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    },
  };
}
