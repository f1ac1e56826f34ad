/** The daemon's side of the proxy's administration socket (src/costs/schema.ts). */
import { Pool } from 'undici';
import { messageOf } from '../base/error.ts';
import {
  type Activity,
  activitySchema,
  type Provider,
  type ProxyStatus,
  proxyStatusSchema,
  type UsageReport,
  usageReportSchema,
  type VirtualKey,
} from '../costs/schema.ts';
import { failure } from '../errors.ts';

export interface UsageFilter {
  projectId?: string | undefined;
  agentId?: string | undefined;
  beadId?: string | undefined;
  since?: string | undefined;
}

export interface ProxyClient {
  status(timeoutMs?: number): Promise<ProxyStatus>;
  putKey(key: VirtualKey): Promise<void>;
  deleteKeysOfAgent(agentId: string): Promise<void>;
  putProviders(providers: readonly Provider[]): Promise<void>;
  usage(filter: UsageFilter): Promise<UsageReport>;
  /** Calls back for every change of traffic until the signal aborts; resolves when the stream ends. */
  activity(listener: (activity: Activity) => void, signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 5_000;

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
    putKey: async (key) => void (await request('PUT', `/admin/keys/${key.hash}`, key)),
    deleteKeysOfAgent: async (agentId) => void (await request('DELETE', `/admin/keys?${query({ agentId })}`)),
    putProviders: async (providers) => void (await request('PUT', '/admin/providers', { providers })),
    usage: async (filter) => usageReportSchema.parse(await request('GET', `/admin/usage?${query(filter)}`)),
    async activity(listener, signal) {
      const response = await client.request({
        method: 'GET',
        path: '/admin/activity',
        signal,
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: 0,
      });
      await linesOf(response.body, (line) => {
        const parsed = activitySchema.safeParse(JSON.parse(line));
        if (parsed.success) listener(parsed.data);
      });
    },
    stop: async () => void (await request('POST', '/admin/stop', {})),
    close: () => client.destroy(),
  };
}
