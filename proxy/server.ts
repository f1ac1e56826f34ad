/** The face agents see: authenticate, route, reserve, relay, settle. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Pool } from 'undici';
import { newId } from '../src/base/id.ts';
import type { Log } from '../src/base/log.ts';
import type { Activity, LedgerEntry, Provider } from '../src/costs/schema.ts';
import { costOf, noUse, priceOf, reservationOf } from './cost.ts';
import { providerHeaders, tokenOf } from './headers.ts';
import type { Keyring, Purse } from './keyring.ts';
import type { Ledger } from './ledger.ts';
import { type Refusal, refusals } from './refusal.ts';
import { type RelayResult, relay, sendRefusal } from './relay.ts';
import { type Route, routeOf, type Target, targetOf, wireOf } from './routing.ts';
import { type RequestFields, scanRequest, splice } from './scan.ts';
import { askForUsage } from './usage-chunk.ts';

export interface ProxyServerOptions {
  keyring: Keyring;
  ledger: Ledger;
  providers: () => readonly Provider[];
  onActivity: (activity: Activity) => void;
  log: Log;
}

export interface ProxyServer {
  listen(port: number): Promise<number>;
  inFlight(): number;
  /** Waits for requests in flight at most `limitMs`, then cuts them. */
  stop(limitMs: number): Promise<void>;
}

const MAX_BODY = 64 * 1024 * 1024;
const HEADERS_TIMEOUT_MS = 15 * 60_000;
const BODY_TIMEOUT_MS = 10 * 60_000;
/** Time (ms) a client may take to send its headers and its body. */
const CLIENT_HEADERS_MS = 30_000;
const CLIENT_REQUEST_MS = 5 * 60_000;

/** The whole body; undefined when it is too large. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) return resolve(undefined);
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BODY) {
        request.pause();
        resolve(undefined);
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('aborted', () => reject(new Error('client went away')));
  });
}

interface Job {
  route: Route;
  purse: Purse;
  target: Target;
  fields: RequestFields;
  body: Buffer;
  dropUsageChunk: boolean;
  reservedNano: number;
  requestId: string;
}

/** What the provider gets: the model's own id, and the request for usage where the dialect needs one. */
function upstreamBody(
  route: Route,
  target: Target,
  fields: RequestFields,
  original: Buffer,
): { body: Buffer; dropUsageChunk: boolean } {
  const asked =
    route.wire === 'chat' && fields.stream ? askForUsage(original, fields) : { body: original, asked: true };
  if (target.model === fields.model) return { body: asked.body, dropUsageChunk: !asked.asked };
  const { modelField } = scanRequest(asked.body);
  return { body: splice(asked.body, modelField, JSON.stringify(target.model)), dropUsageChunk: !asked.asked };
}

export function createProxyServer(options: ProxyServerOptions): ProxyServer {
  const { keyring, ledger, log } = options;
  const pools = new Map<string, Pool>();
  const servers: Server[] = [];
  let inFlight = 0;

  function poolOf(origin: string): Pool {
    const known = pools.get(origin);
    if (known) return known;
    const pool = new Pool(origin, {
      connections: 512,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: 60_000,
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: BODY_TIMEOUT_MS,
    });
    pools.set(origin, pool);
    return pool;
  }

  function entryOf(job: Job, result: RelayResult): LedgerEntry {
    const { purse, target, route, fields } = job;
    const { key } = purse;
    const { reading } = result;
    const tokens = reading?.tokens ?? noUse();
    const finished = result.outcome === 'ok' && reading?.exact === true;
    const begun = result.status >= 200 && result.status < 300;
    // A cut or cancelled answer was paid for as far as it got: events stand for tokens where no count came.
    if (!finished && begun && route.metered) {
      tokens.output = Math.max(tokens.output, reading?.events ?? 0);
      if (!reading?.exact) tokens.input = Math.max(tokens.input, Math.ceil(job.body.length / 4));
    }
    const free = !route.metered || !begun;
    const used = free ? noUse() : tokens;
    return {
      id: newId(),
      requestId: job.requestId,
      at: new Date().toISOString(),
      agentId: key.agentId,
      agentName: key.agentName,
      projectId: key.projectId,
      ...(key.beadId === undefined ? {} : { beadId: key.beadId }),
      ...(key.convoyId === undefined ? {} : { convoyId: key.convoyId }),
      provider: target.provider.id,
      model: target.model,
      dialect: route.wire,
      stream: fields.stream,
      status: result.status,
      outcome: result.outcome,
      tokens: used,
      costNano: free ? 0 : costOf(priceOf(target.provider.id, target.model), used),
      estimated: !free && !finished,
      latencyMs: Math.round(result.latencyMs),
      firstByteMs: result.firstByteMs === null ? null : Math.round(result.firstByteMs),
    };
  }

  function settle(job: Job, result: RelayResult): void {
    const entry = entryOf(job, result);
    job.purse.inFlight -= 1;
    inFlight -= 1;
    keyring.settle(job.purse, job.reservedNano, entry.costNano);
    try {
      ledger.add(entry);
    } catch (error) {
      log.error({ requestId: job.requestId, entry, error }, 'ledger row could not be written');
    }
    const stopReason = result.reading?.stopReason;
    options.onActivity(
      keyring.activityOf(job.purse, {
        outcome: result.outcome,
        costNano: entry.costNano,
        ...(stopReason === undefined ? {} : { stopReason }),
      }),
    );
  }

  function send(job: Job, request: IncomingMessage, response: ServerResponse): void {
    const { provider } = job.target;
    const base = new URL(provider.baseUrl);
    const search = new URL(request.url ?? '/', 'http://proxy').search;
    job.purse.inFlight += 1;
    inFlight += 1;
    options.onActivity(keyring.activityOf(job.purse, {}));
    let end: (() => void) | undefined;
    relay({
      dispatcher: poolOf(base.origin),
      options: {
        origin: base.origin,
        path: base.pathname.replace(/\/$/, '') + job.route.path + search,
        method: 'POST',
        headers: providerHeaders(request.headers, provider, job.body.length),
        body: job.body,
      },
      response,
      wire: job.route.wire,
      dropUsageChunk: job.dropUsageChunk,
      headers: { 'x-godel-request-id': job.requestId, 'x-godel-provider': provider.id },
      onStart: (stop) => {
        end = () => stop(refusals.revoked());
        job.purse.revocations.add(end);
      },
      onSettled: (result) => {
        if (end) job.purse.revocations.delete(end);
        settle(job, result);
      },
    });
  }

  /** Everything that can be refused before a byte goes out. */
  function prepare(route: Route, purse: Purse, body: Buffer): Job | Refusal {
    let fields: RequestFields;
    try {
      fields = scanRequest(body);
    } catch (error) {
      return refusals.badJson(error instanceof Error ? error.message : String(error));
    }
    const target = targetOf(options.providers(), fields.model, route.dialect);
    if (!target) return refusals.noModel(fields.model);
    const sent = upstreamBody(route, target, fields, body);
    const price = priceOf(target.provider.id, target.model);
    const reservedNano = route.metered ? (reservationOf(price, body.length, fields.maxTokens) ?? 0) : 0;
    const { budgetNano } = purse.key;
    if (budgetNano !== undefined && route.metered && !price) {
      return refusals.budget(`The model "${fields.model}" has no known price, and this agent has a budget.`);
    }
    if (!keyring.reserve(purse, reservedNano)) {
      const spent = (purse.spentNano / 1e9).toFixed(4);
      return refusals.budget(
        `The budget of $${((budgetNano ?? 0) / 1e9).toFixed(4)} does not hold this request: $${spent} is spent, up to $${(reservedNano / 1e9).toFixed(4)} more would be needed.`,
      );
    }
    return { route, purse, target, fields, ...sent, reservedNano, requestId: newId() };
  }

  function models(): object {
    const ids = options.providers().flatMap((provider) =>
      provider.models.map((id) => ({
        id: `${provider.id}/${id}`,
        object: 'model',
        type: 'model',
        display_name: id,
        owned_by: provider.id,
        created: 0,
      })),
    );
    return { object: 'list', data: ids, has_more: false };
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const wire = wireOf(url);
    if (url === '/' || url === '/health')
      return void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(request.method === 'HEAD' ? undefined : '{"status":"healthy"}');
    const token = tokenOf(request.headers);
    const purse = token === undefined ? undefined : keyring.find(token);
    if (!purse) return sendRefusal(response, wire, refusals.badKey());
    if (request.method === 'GET' && /^(\/proxy)?\/v1\/models(\?|$)/.test(url)) {
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(models()));
    }
    const route = request.method === 'POST' ? routeOf(url) : undefined;
    if (!route) return sendRefusal(response, wire, refusals.noRoute(url.split('?')[0] ?? ''));
    const body = await readBody(request);
    if (!body) {
      sendRefusal(response, wire, refusals.tooLarge(), { connection: 'close' });
      return;
    }
    const job = prepare(route, purse, body);
    if ('type' in job) return sendRefusal(response, route.wire, job);
    send(job, request, response);
  }

  return {
    async listen(port) {
      const server = createServer(
        {
          headersTimeout: CLIENT_HEADERS_MS,
          requestTimeout: CLIENT_REQUEST_MS,
          maxHeaderSize: 32 * 1024,
          noDelay: true,
        },
        (request, response) => {
          handle(request, response).catch((error: unknown) => {
            if (request.destroyed) return response.destroy();
            log.error({ error, url: request.url }, 'request failed');
            sendRefusal(response, wireOf(request.url ?? '/'), refusals.internal());
          });
        },
      );
      servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, '127.0.0.1', resolve);
      });
      return (server.address() as { port: number }).port;
    },
    inFlight: () => inFlight,
    async stop(limitMs) {
      const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
      for (const server of servers) server.closeIdleConnections();
      const limit = setTimeout(() => {
        for (const server of servers) server.closeAllConnections();
      }, limitMs);
      await Promise.all(closed);
      clearTimeout(limit);
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}
