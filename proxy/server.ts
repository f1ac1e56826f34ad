/** The face agents see: authenticate, read, admit; the rest of a request is in attempts.ts. */
import { messageOf } from '../src/base/error.ts';
import { newId } from '../src/base/id.ts';
import type { Log } from '../src/base/log.ts';
import type { Activity, LedgerFilter } from '../src/costs/schema.ts';
import type { Accounts } from './accounts.ts';
import { createAdmission } from './admission.ts';
import { ownHeaders } from './answer-headers.ts';
import { createAttempts } from './attempts.ts';
import { answerClientError } from './client-error.ts';
import { tokenOf } from './headers.ts';
import type { Health } from './health.ts';
import type { Answer } from './http/answer.ts';
import type { Request } from './http/connection.ts';
import { createHttpServer } from './http/server.ts';
import type { Denial, Job } from './job.ts';
import type { ActivityChange, Keyring, Purse } from './keyring.ts';
import type { Ledger } from './ledger.ts';
import type { Limiter } from './limits.ts';
import { createPools } from './pools.ts';
import { answerReport, isReport } from './public-reports.ts';
import type { Recorder } from './recording/recorder.ts';
import { refusals } from './refusal.ts';
import { sendRefusal } from './relay.ts';
import type { ReportReader } from './report-reader.ts';
import { readBody } from './request-body.ts';
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

const HEALTHY = Buffer.from('{"status":"healthy"}');
const MAX_BODY = 64 * 1024 * 1024;
/** Time (ms) a client may take to send its headers and its body. */
const CLIENT_HEADERS_MS = 30_000;
const CLIENT_BODY_MS = 5 * 60_000;

export function createProxyServer(options: ProxyServerOptions): ProxyServer {
  const { keyring, ledger, log, limiter, now } = options;
  const pools = createPools();
  let inFlight = 0;
  const admission = createAdmission(options);
  const attempts = createAttempts({
    ...options,
    admission,
    pools,
    sticky: createStickiness(now),
    refuse,
    guard,
    changed: (job, change) => publish(job.purse, change),
  });

  function publish(purse: Purse, change: ActivityChange): void {
    const activity = keyring.activityOf(purse, change);
    if (activity) options.onActivity(activity);
  }

  function refuse(job: Job, { refusal, parking }: Denial): void {
    const { response, route } = job;
    ledger.add(refusedEntry(job, refusal.status, refusal.message, now()));
    const fields = ownHeaders(job, limiter.allowances(job.limits), now());
    ledger.written(() => guard(job, () => sendRefusal(response, route.wire, refusal, fields)));
    publish(job.purse, { outcome: 'refused', parked: parking });
  }

  /** Reads what is asked for. @throws SyntaxError when the body cannot be read */
  function jobOf(route: Route, purse: Purse, raw: Buffer, request: Request, response: Answer): Job {
    const asked = readFields(route, raw);
    const read = readOptions(request.fields, raw, asked.routing);
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

  function sendModels(route: Route, purse: Purse, response: Answer): void {
    const { policy } = options.rules();
    const allowed = purse.key.models;
    const known = policy.providers
      .flatMap((provider) => provider.models.map((id) => ({ provider: provider.id, id })))
      .filter(({ provider, id }) => !allowed || allowed.includes(id) || allowed.includes(`${provider}/${id}`));
    const body = modelsBody(route, known);
    if (body === undefined) return sendRefusal(response, route.wire, refusals.noModel(route.model ?? ''));
    response.writeHead(200, ['content-type', 'application/json']).end(Buffer.from(body));
  }

  /** What a key may learn of the ledger: its own project, and of a person's key what that person spent. */
  function sendReport(purse: Purse, url: string, response: Answer): Promise<void> {
    const { projectId, userId, name } = purse.key;
    const own: LedgerFilter = {
      ...(projectId === '' ? {} : { projectId }),
      ...(userId === undefined ? {} : { userId }),
      ...(projectId === '' && userId === undefined ? { keyName: name ?? '' } : {}),
    };
    return answerReport(options.reports, new URL(url, 'http://proxy'), own, response);
  }

  function handle(request: Request, response: Answer): void {
    const { method, url, fields } = request;
    const wire = () => wireOf(url, fields);
    if (url === '/' || url === '/health')
      return response.writeHead(200, ['content-type', 'application/json']).end(HEALTHY);
    const token = tokenOf(fields, url);
    const purse = token === undefined ? undefined : keyring.find(token);
    if (!purse) return sendRefusal(response, wire(), refusals.badKey());
    if (method === 'GET' && isReport(url))
      return void sendReport(purse, url, response).catch((error: unknown) => fail(request, response, error));
    const route = routeOf(method, url, fields);
    if (!route) return sendRefusal(response, wire(), refusals.noRoute(url.split('?')[0] ?? ''));
    if (route.call === 'models') return sendModels(route, purse, response);
    readBody(request, MAX_BODY, (body) => {
      if (!Buffer.isBuffer(body)) return sendRefusal(response, route.wire, body);
      orFail(request, response, () => serve(route, purse, body, request, response));
    });
  }

  function serve(route: Route, purse: Purse, body: Buffer, request: Request, response: Answer): void {
    if (purse.revoked) return sendRefusal(response, route.wire, refusals.badKey());
    let job: Job;
    try {
      job = jobOf(route, purse, body, request, response);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return sendRefusal(response, route.wire, refusals.badJson(messageOf(error)));
    }
    begin(job);
  }

  function fail({ url, fields }: Request, response: Answer, error: unknown): void {
    if (response.destroyed) return;
    log.error({ problem: messageOf(error), url: url.split('?')[0] }, 'request failed');
    sendRefusal(response, wireOf(url, fields), refusals.internal());
  }

  function guard({ request, response }: Job, work: () => void): void {
    orFail(request, response, work);
  }

  /** A fault of Godel's own ends one request, not the proxy. */
  function orFail(request: Request, response: Answer, work: () => void): void {
    try {
      work();
    } catch (error) {
      fail(request, response, error);
    }
  }

  const http = createHttpServer({
    handle: (request, response) => orFail(request, response, () => handle(request, response)),
    refuse: answerClientError,
    headMs: options.clientMs?.headers ?? CLIENT_HEADERS_MS,
    bodyMs: options.clientMs?.body ?? CLIENT_BODY_MS,
  });

  return {
    listen: (port) => http.listen(port, '127.0.0.1'),
    inFlight: () => inFlight,
    async stop(limitMs) {
      await http.stop(limitMs);
      pools.stop();
    },
  };
}
