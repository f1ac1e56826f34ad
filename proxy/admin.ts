/** The daemon's side of the proxy (src/costs/schema.ts): keys, providers, reports, traffic. On a 0600 Unix socket only. */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { messageOf } from '../src/base/error.ts';
import type { Log } from '../src/base/log.ts';
import {
  type Activity,
  type Provider,
  type ProxyStatus,
  providerSchema,
  virtualKeySchema,
} from '../src/costs/schema.ts';
import type { Keyring } from './keyring.ts';
import type { Ledger } from './ledger.ts';

export interface AdminOptions {
  keyring: Keyring;
  ledger: Ledger;
  status: () => ProxyStatus;
  setProviders: (providers: Provider[]) => Promise<void>;
  stop: () => void;
  log: Log;
}

export interface Admin {
  listen(socketFile: string): Promise<void>;
  publish(activity: Activity): void;
  stop(): Promise<void>;
}

const MAX_BODY = 4 * 1024 * 1024;
const filterSchema = z.object({
  projectId: z.string().optional(),
  agentId: z.string().optional(),
  beadId: z.string().optional(),
  since: z.string().optional(),
});

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

export function createAdmin(options: AdminOptions): Admin {
  const { keyring, ledger } = options;
  const followers = new Set<ServerResponse>();
  let server: Server | undefined;

  function follow(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/jsonl' });
    response.flushHeaders();
    followers.add(response);
    response.on('close', () => followers.delete(response));
    for (const purse of keyring.busy()) response.write(`${JSON.stringify(keyring.activityOf(purse, {}))}\n`);
  }

  /** The answer of a call; undefined when there is no such call. */
  async function answer(method: string, url: URL, request: IncomingMessage): Promise<unknown> {
    const query = Object.fromEntries(url.searchParams);
    const hash = /^\/admin\/keys\/([0-9a-f]{64})$/.exec(url.pathname)?.[1];
    if (method === 'PUT' && hash) {
      keyring.put(virtualKeySchema.parse({ ...((await jsonBody(request)) as object), hash }));
      return {};
    }
    if (method === 'DELETE' && hash) {
      keyring.revoke(hash);
      return {};
    }
    switch (`${method} ${url.pathname}`) {
      case 'DELETE /admin/keys':
        keyring.revokeAgent(z.string().min(1).parse(query.agentId));
        return {};
      case 'PUT /admin/providers':
        await options.setProviders(
          z.object({ providers: z.array(providerSchema) }).parse(await jsonBody(request)).providers,
        );
        return {};
      case 'GET /admin/status':
        return options.status();
      case 'GET /admin/usage':
        return ledger.usage(filterSchema.parse(query));
      case 'GET /admin/ledger': {
        const limit = z.coerce.number().int().min(1).max(1000).default(100).parse(query.limit);
        return { items: ledger.entries({ ...filterSchema.parse(query), limit, cursor: query.cursor }) };
      }
      case 'POST /admin/stop':
        setImmediate(options.stop);
        return {};
      default:
        return undefined;
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://proxy');
    if (request.method === 'GET' && url.pathname === '/admin/activity') return follow(response);
    const result = await answer(request.method ?? 'GET', url, request);
    const body = JSON.stringify(result ?? { error: 'no such call' });
    response.writeHead(result === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(body);
  }

  return {
    async listen(socketFile) {
      await rm(socketFile, { force: true });
      const listening = createServer((request, response) => {
        handle(request, response).catch((error: unknown) => {
          options.log.warn({ url: request.url, problem: messageOf(error) }, 'admin call refused');
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
    publish(activity) {
      for (const follower of followers) follower.write(`${JSON.stringify(activity)}\n`);
    },
    async stop() {
      for (const follower of followers) follower.end();
      server?.closeAllConnections();
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    },
  };
}
