/** The face agents see: authenticate, read, admit; the rest of a request is in attempts.ts. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../src/base/error.ts';
import { newId } from '../src/base/id.ts';
import type { Log } from '../src/base/log.ts';
import type { Activity, LedgerFilter } from '../src/costs/schema.ts';
import type { Accounts } from './accounts.ts';
import { createAdmission } from './admission.ts';
import { limitHeaders, traceHeaders } from './answer-headers.ts';
import { createAttempts } from './attempts.ts';
import { answerClientError } from './client-error.ts';
import { tokenOf } from './headers.ts';
import type { Health } from './health.ts';
import type { Denial, Job } from './job.ts';
import type { Keyring, Purse } from './keyring.ts';
import type { Ledger } from './ledger.ts';
import type { Limiter } from './limits.ts';
import { createPools } from './pools.ts';
import { answerReport, isReport } from './public-reports.ts';
import type { Recorder } from './recording/recorder.ts';
import { refusals } from './refusal.ts';
import { sendRefusal } from './relay.ts';
import type { ReportReader } from './report-reader.ts';
import { createBodyReader } from './request-body.ts';
import { readOptions } from './request-options.ts';
import type { Rules } from './routing.ts';
import { refusedEntry } from './settlement.ts';
import { createStickiness } from './stickiness.ts';
import { readFields } from './wire/fields.ts';
import { modelsBody } from './wire/models.ts';
import { type Route, routeOf, wireOf } from './wire/routes.ts';

export interface ProxyServerOptions {
  keyring: Keyring;
  ledger: Ledger;
  accounts: Accounts;
  limiter: Limiter;
  health: Health;
  reports: ReportReader;
  recorder: Recorder;
  rules: () => Rules;
  onActivity: (activity: Activity) => void;
  log: Log;
  now: () => number;
  /** Time (ms) a client may take. */
  clientMs?: { headers: number; body: number } | undefined;
}

export interface ProxyServer {
  listen(port: number): Promise<number>;
  inFlight(): number;
  /** Waits for requests in flight at most `limitMs`, then cuts them. */
  stop(limitMs: number): Promise<void>;
}

const MAX_BODY = 64 * 1024 * 1024;
/** Time (ms) a client may take to send its headers and its body. */
const CLIENT_HEADERS_MS = 30_000;
const CLIENT_BODY_MS = 5 * 60_000;
/** A connection that was idle for so long (ms) is closed. The short time of Node meets a busy client's next request half way. */
const CLIENT_IDLE_MS = 65_000;
/** How often (ms) slow clients are looked for. */
const CHECK_MS = 1_000;

export function createProxyServer(options: ProxyServerOptions): ProxyServer {
  const { keyring, ledger, log, limiter, now } = options;
  const pools = createPools();
  const bodies = createBodyReader({ bytes: MAX_BODY, ms: options.clientMs?.body ?? CLIENT_BODY_MS });
  const servers: Server[] = [];
  let inFlight = 0;
  const admission = createAdmission(options);
  const attempts = createAttempts({
    ...options,
    admission,
    pools,
    sticky: createStickiness(now),
    refuse,
    changed(job, { result, costNano }) {
      const stopReason = result?.reading?.stopReason;
      publish(job.purse, {
        ...(result ? { outcome: result.outcome } : {}),
        ...(costNano === undefined ? {} : { costNano }),
        ...(stopReason === undefined ? {} : { stopReason }),
      });
    },
  });

  function publish(purse: Purse, change: Partial<Activity>): void {
    const activity = keyring.activityOf(purse, change);
    if (activity) options.onActivity(activity);
  }

  function refuse(job: Job, { refusal, parking }: Denial): void {
    ledger.add(refusedEntry(job, refusal.status, refusal.message, now()));
    sendRefusal(job.response, job.route.wire, refusal, {
      ...limitHeaders(job.route.wire, limiter.allowances(job.limits), now()),
      ...traceHeaders({ requestId: job.requestId, asked: job.fields.model, tried: job.tried }),
    });
    publish(job.purse, { outcome: 'refused', ...(parking ? { parked: parking } : {}) });
  }

  /** Reads what is asked for. @throws SyntaxError when the body cannot be read */
  function jobOf(route: Route, purse: Purse, raw: Buffer, request: IncomingMessage, response: ServerResponse): Job {
    const asked = readFields(route, raw);
    const read = readOptions(request.headers, raw, asked.routing);
    const fields = read.body === raw ? asked : readFields(route, read.body);
    return {
      requestId: newId(),
      key: purse.key,
      route,
      fields,
      bodyBytes: read.body.length,
      purse,
      request,
      response,
      body: read.body,
      options: read.options,
      candidates: [],
      limits: admission.limitsOf(purse),
      ticket: undefined,
      attempts: 0,
      tried: [],
      givenUp: new Set(),
      waitedMs: 0,
      need: undefined,
      held: undefined,
    };
  }

  function begin(job: Job): void {
    const denial = admission.admit(job);
    if (denial) return refuse(job, denial);
    inFlight += 1;
    job.response.once('close', () => {
      inFlight -= 1;
    });
    attempts.start(job);
  }

  function sendModels(route: Route, purse: Purse, response: ServerResponse): void {
    const { policy } = options.rules();
    const allowed = purse.key.models;
    const known = policy.providers
      .flatMap((provider) => provider.models.map((id) => ({ provider: provider.id, id })))
      .filter(({ provider, id }) => !allowed || allowed.includes(id) || allowed.includes(`${provider}/${id}`));
    const body = modelsBody(route, known);
    if (body === undefined) return sendRefusal(response, route.wire, refusals.noModel(route.model ?? ''));
    response.writeHead(200, { 'content-type': 'application/json' }).end(body);
  }

  /** What a key may learn of the ledger: its own project, and of a person's key what that person spent. */
  function sendReport(purse: Purse, url: string, response: ServerResponse): Promise<void> {
    const { projectId, userId, name } = purse.key;
    const own: LedgerFilter = {
      ...(projectId === '' ? {} : { projectId }),
      ...(userId === undefined ? {} : { userId }),
      ...(projectId === '' && userId === undefined ? { keyName: name ?? '' } : {}),
    };
    return answerReport(options.reports, new URL(url, 'http://proxy'), own, response);
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
    if (request.method === 'GET' && isReport(url)) return sendReport(purse, url, response);
    const route = routeOf(request.method ?? 'GET', url, request.headers);
    if (!route) return sendRefusal(response, wire, refusals.noRoute(url.split('?')[0] ?? ''));
    if (route.call === 'models') return sendModels(route, purse, response);
    const body = await bodies.read(request);
    if (!Buffer.isBuffer(body)) return sendRefusal(response, wire, body);
    if (purse.revoked) return sendRefusal(response, wire, refusals.badKey());
    let job: Job;
    try {
      job = jobOf(route, purse, body, request, response);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return sendRefusal(response, route.wire, refusals.badJson(messageOf(error)));
    }
    begin(job);
  }

  return {
    async listen(port) {
      const server = createServer(
        {
          headersTimeout: options.clientMs?.headers ?? CLIENT_HEADERS_MS,
          requestTimeout: 0,
          keepAliveTimeout: CLIENT_IDLE_MS,
          connectionsCheckingInterval: CHECK_MS,
          maxHeaderSize: 32 * 1024,
          noDelay: true,
        },
        (request, response) => {
          handle(request, response).catch((error: unknown) => {
            if (request.destroyed && response.destroyed) return;
            log.error({ problem: messageOf(error), url: request.url?.split('?')[0] }, 'request failed');
            sendRefusal(response, wireOf(request.url ?? '/', request.headers), refusals.internal());
          });
        },
      );
      server.on('clientError', answerClientError);
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
      bodies.stop();
      await pools.stop();
    },
  };
}
