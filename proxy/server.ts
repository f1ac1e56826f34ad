/** The face agents see: authenticate, route, reserve, relay, settle. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { rootCertificates } from 'node:tls';
import { Pool } from 'undici';
import { newId } from '../src/base/id.ts';
import type { Log } from '../src/base/log.ts';
import type { Activity, LedgerEntry, Provider } from '../src/costs/schema.ts';
import { costOf, noUse, priceOf, reservationOf } from './cost.ts';
import { providerHeaders, tokenOf } from './headers.ts';
import type { Keyring, Purse } from './keyring.ts';
import type { Ledger } from './ledger.ts';
import { type Refusal, refusals } from './refusal.ts';
import { type RelayResult, relay, sendHeld, sendRefusal } from './relay.ts';
import { type Target, targetOf } from './routing.ts';
import { type Exchange, exchange } from './wire/exchange.ts';
import { type RequestFields, readFields } from './wire/fields.ts';
import { modelsBody } from './wire/models.ts';
import { WireError } from './wire/neutral.ts';
import { type Route, routeOf, wireOf } from './wire/routes.ts';

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
  exchange: Exchange;
  reservedNano: number;
  requestId: string;
}

export function createProxyServer(options: ProxyServerOptions): ProxyServer {
  const { keyring, ledger, log } = options;
  const pools = new Map<string, Pool>();
  const servers: Server[] = [];
  let inFlight = 0;

  function poolOf(provider: Provider): Pool {
    const { origin } = new URL(provider.baseUrl);
    const name = `${origin} ${provider.ca ?? ''}`;
    const known = pools.get(name);
    if (known) return known;
    const pool = new Pool(origin, {
      ...(provider.ca === undefined ? {} : { connect: { ca: [...rootCertificates, provider.ca] } }),
      connections: 512,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: 60_000,
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: BODY_TIMEOUT_MS,
    });
    pools.set(name, pool);
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
      if (!reading?.exact) tokens.input = Math.max(tokens.input, Math.ceil(job.exchange.body.length / 4));
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
    job.purse.inFlight += 1;
    inFlight += 1;
    options.onActivity(keyring.activityOf(job.purse, {}));
    let end: (() => void) | undefined;
    const { dropped } = job.exchange;
    const answerHeaders = {
      'x-godel-request-id': job.requestId,
      'x-godel-provider': provider.id,
      ...(dropped.length === 0 ? {} : { 'x-godel-dropped': dropped.join(' ').replaceAll(/[^\x21-\x7e ]/g, '?') }),
    };
    relay({
      dispatcher: poolOf(provider),
      origin: base.origin,
      exchange: job.exchange,
      headers: providerHeaders(request.headers, { provider, apiKey: provider.apiKey, exchange: job.exchange }),
      response,
      answerHeaders,
      onStart: (stop) => {
        end = () => stop(refusals.revoked());
        job.purse.revocations.add(end);
      },
      onSettled: (result) => {
        if (end) job.purse.revocations.delete(end);
        settle(job, result);
        if (result.held) sendHeld(response, job.exchange, result.held, answerHeaders);
        else if (!result.answered)
          sendRefusal(response, job.route.wire, result.problem ?? refusals.internal(), answerHeaders);
      },
    });
  }

  /** Everything that can be refused before a byte goes out. */
  function prepare(route: Route, purse: Purse, body: Buffer): Job | Refusal {
    let fields: RequestFields;
    try {
      fields = readFields(route, body);
    } catch (error) {
      return refusals.badJson(error instanceof Error ? error.message : String(error));
    }
    const target = targetOf(options.providers(), fields.model, route);
    if (!target) return refusals.noModel(fields.model);
    const { provider, model } = target;
    let made: Exchange;
    try {
      made = exchange({ route, fields, body, provider, model, maxOutput: priceOf(provider.id, model)?.maxTokens });
    } catch (error) {
      if (error instanceof WireError) return refusals.badRequest(error.message);
      throw error;
    }
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
    return { route, purse, target, fields, exchange: made, reservedNano, requestId: newId() };
  }

  function sendModels(route: Route, response: ServerResponse): void {
    const known = options
      .providers()
      .flatMap((provider) => provider.models.map((id) => ({ provider: provider.id, id })));
    const body = modelsBody(route, known);
    if (body === undefined) return sendRefusal(response, route.wire, refusals.noModel(route.model ?? ''));
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    const wire = wireOf(url, request.headers);
    if (url === '/' || url === '/health')
      return void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(request.method === 'HEAD' ? undefined : '{"status":"healthy"}');
    const token = tokenOf(request.headers, url);
    const purse = token === undefined ? undefined : keyring.find(token);
    if (!purse) return sendRefusal(response, wire, refusals.badKey());
    const route = routeOf(request.method ?? 'GET', url, request.headers);
    if (!route) return sendRefusal(response, wire, refusals.noRoute(url.split('?')[0] ?? ''));
    if (route.call === 'models') return sendModels(route, response);
    const body = await readBody(request);
    if (!body) {
      sendRefusal(response, wire, refusals.tooLarge(), { connection: 'close' });
      return;
    }
    const job = prepare(route, purse, body);
    if ('type' in job) return sendRefusal(response, route.wire, job);
    const { reply } = job.exchange;
    if (reply) return void response.writeHead(200, { 'content-type': 'application/json' }).end(reply);
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
            sendRefusal(response, wireOf(request.url ?? '/', request.headers), refusals.internal());
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
