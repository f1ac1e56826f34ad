/** The daemon's side of the proxy's administration socket (src/costs/schema.ts). */
import { Pool } from 'undici';
import { z } from 'zod';
import { messageOf } from '../base/error.ts';
import {
  type Activity,
  activitySchema,
  type Budget,
  type BudgetNotice,
  type BudgetPeriod,
  type BudgetScope,
  type BudgetState,
  budgetNoticeSchema,
  budgetStateSchema,
  type Dimension,
  type LedgerFilter,
  ledgerEntrySchema,
  type Policy,
  type ProviderState,
  type ProxyStatus,
  providerStateSchema,
  providerTestSchema,
  proxyStatusSchema,
  type UsageReport,
  usageReportSchema,
  type VirtualKey,
  virtualKeySchema,
} from '../costs/schema.ts';
import { failure } from '../errors.ts';
import {
  type RecordedBody,
  type Recording,
  type RecordingFilter,
  recordedBodySchema,
  recordingSchema,
  type Turn,
  turnSchema,
} from '../recordings/schema.ts';

const entryPageSchema = z.object({
  items: z.array(ledgerEntrySchema),
  total: z.number().int(),
  cursor: z.string().optional(),
});
export type EntryPage = z.infer<typeof entryPageSchema>;

export interface ActivityListeners {
  onActivity: (activity: Activity) => void;
  onNotice: (notice: BudgetNotice) => void;
}

export interface ProxyClient {
  status(timeoutMs?: number): Promise<ProxyStatus>;
  putKey(key: VirtualKey): Promise<void>;
  keys(): Promise<VirtualKey[]>;
  revokeKey(hash: string): Promise<boolean>;
  deleteKeysOfAgent(agentId: string): Promise<void>;
  putPolicy(policy: Policy): Promise<void>;
  providers(): Promise<ProviderState[]>;
  testProvider(id: string): Promise<z.infer<typeof providerTestSchema>>;
  putBudget(budget: Budget): Promise<BudgetState>;
  clearBudget(scope: BudgetScope, subject: string, period: BudgetPeriod): Promise<boolean>;
  budgets(): Promise<BudgetState[]>;
  usage(query: LedgerFilter & { by?: Dimension[] }): Promise<UsageReport>;
  entries(query: LedgerFilter & { limit: number; cursor?: string | undefined; newest?: boolean }): Promise<EntryPage>;
  recordings(filter: RecordingFilter): Promise<Recording[]>;
  recordedBody(projectId: string, requestId: string): Promise<RecordedBody | undefined>;
  recordedTurns(filter: RecordingFilter): Promise<Turn[]>;
  /** What a project spent until now, from memory. */
  spentNano(projectId: string): Promise<number>;
  /** Calls back for every change of traffic until the signal aborts; resolves when the stream ends. */
  activity(listeners: ActivityListeners, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 5_000;
const REPORT_MS = 30_000;
const PROBE_MS = 20_000;

async function linesOf(body: AsyncIterable<Buffer>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line.trim() !== '') onLine(line);
  }
}

export function createProxyClient(socketFile: string): ProxyClient {
  // The activity stream keeps one connection to itself, so requests need others.
  const client = new Pool('http://proxy', { socketPath: socketFile, connections: 8, connect: { timeout: 2_000 } });

  async function request(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    timeoutMs = TIMEOUT_MS,
  ): Promise<unknown> {
    try {
      const response = await client.request({
        method,
        path,
        headers: { 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      const text = await response.body.text();
      if (response.statusCode >= 300)
        throw new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 300)}`);
      return text === '' ? undefined : JSON.parse(text);
    } catch (error) {
      throw failure('proxy-down', { problem: messageOf(error) }, error);
    }
  }

  const query = (filter: object) => {
    const entries = Object.entries(filter).filter(([, value]) => value !== undefined) as [string, string][];
    return new URLSearchParams(entries).toString();
  };

  return {
    status: async (timeoutMs) => proxyStatusSchema.parse(await request('GET', '/admin/status', undefined, timeoutMs)),
    putKey: async (key) => void (await request('PUT', '/admin/keys', key)),
    keys: async () => z.object({ keys: z.array(virtualKeySchema) }).parse(await request('GET', '/admin/keys')).keys,
    revokeKey: async (hash) =>
      z.object({ revoked: z.boolean() }).parse(await request('DELETE', `/admin/keys?${query({ hash })}`)).revoked,
    deleteKeysOfAgent: async (agentId) => void (await request('DELETE', `/admin/keys?${query({ agentId })}`)),
    putPolicy: async (policy) => void (await request('PUT', '/admin/policy', policy)),
    providers: async () =>
      z.object({ providers: z.array(providerStateSchema) }).parse(await request('GET', '/admin/providers')).providers,
    testProvider: async (id) =>
      providerTestSchema.parse(await request('POST', `/admin/providers/test?${query({ id })}`, {}, PROBE_MS)),
    putBudget: async (budget) => budgetStateSchema.parse(await request('PUT', '/admin/budgets', budget)),
    clearBudget: async (scope, subject, period) =>
      z
        .object({ removed: z.boolean() })
        .parse(await request('DELETE', `/admin/budgets?${query({ scope, subject, period })}`)).removed,
    budgets: async () =>
      z.object({ budgets: z.array(budgetStateSchema) }).parse(await request('GET', '/admin/budgets')).budgets,
    usage: async (asked) => usageReportSchema.parse(await request('POST', '/admin/usage', asked, REPORT_MS)),
    entries: async (asked) => entryPageSchema.parse(await request('POST', '/admin/ledger', asked, REPORT_MS)),
    recordings: async (filter) =>
      z.object({ items: z.array(recordingSchema) }).parse(await request('POST', '/admin/recordings', filter, REPORT_MS))
        .items,
    recordedBody: async (projectId, requestId) =>
      z
        .object({ found: recordedBodySchema.nullable() })
        .parse(await request('GET', `/admin/recordings/body?${query({ projectId, requestId })}`)).found ?? undefined,
    recordedTurns: async (filter) =>
      z
        .object({ items: z.array(turnSchema) })
        .parse(await request('POST', '/admin/recordings/turns', filter, REPORT_MS)).items,
    spentNano: async (projectId) =>
      z.object({ spentNano: z.number() }).parse(await request('GET', `/admin/spent?${query({ projectId })}`)).spentNano,
    async activity({ onActivity, onNotice }, signal) {
      const response = await client.request({
        method: 'GET',
        path: '/admin/activity',
        signal,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: 0,
      });
      await linesOf(response.body, (line) => {
        const said: unknown = JSON.parse(line);
        const activity = activitySchema.safeParse(said);
        if (activity.success) return onActivity(activity.data);
        const notice = budgetNoticeSchema.safeParse(said);
        if (notice.success) onNotice(notice.data);
      });
    },
    stop: async () => void (await request('POST', '/admin/stop', {})),
    close: () => client.destroy(),
  };
}
