/** Operations over HTTP: one set of routes on a Unix socket (trusted) and on 127.0.0.1 (token). */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Handlers } from '../access/context.ts';
import type { Actor } from '../access/schema.ts';
import { actingAs } from '../base/acting.ts';
import type { Clock } from '../base/clock.ts';
import { GodelError, messageOf } from '../base/error.ts';
import type { EventBus, GodelEvent } from '../base/event.ts';
import { newId } from '../base/id.ts';
import type { Log } from '../base/log.ts';
import type { AnyOperation } from '../base/operation.ts';
import { failure } from '../errors.ts';
import type { Operations } from '../operations.ts';
import type { Health } from '../system/schema.ts';
import { createEventsSocket } from './events-socket.ts';
import { forwardToProxy } from './forward.ts';
import { fromQuery, parseInput } from './input.ts';
import { openApi } from './openapi.ts';

export interface EventSource {
  bus: EventBus;
  since: (
    seq: number,
    limit: number,
    filter: { projectId?: string; beadId?: string; agentId?: string },
  ) => Promise<GodelEvent[]>;
  lastSeq: () => number;
  oldestSeq: () => number;
}

export interface ApiOptions {
  operations: Operations;
  handlers: Handlers<Operations>;
  projects: { resolve: (hint: { id?: string | undefined; path?: string | undefined }) => Promise<string> };
  authenticate: (token: string) => Promise<Actor | undefined>;
  /** Resolves when the actor may do it. @throws GodelError role-forbids */
  authorize: (actor: Actor, operation: AnyOperation) => Promise<void>;
  health: { live: () => Promise<Health>; ready: () => Promise<Health>; full: () => Promise<Health> };
  events: EventSource;
  metrics: () => Promise<string>;
  proxy: {
    url: () => string | undefined;
    /** The answer to GET /proxy/v1/usage or /audit for who is known to the daemon; undefined for any other path. */
    report: (url: string) => Promise<unknown>;
  };
  version: string;
  log: Log;
  clock: Clock;
}

export interface Api {
  /** Serves on a Unix socket with mode 0600. */
  listenSocket(path: string): Promise<void>;
  /** Serves on 127.0.0.1 and resolves with the port. @throws GodelError port-taken */
  listenTcp(port: number): Promise<number>;
  stop(): Promise<void>;
}

/** The day the alias /api without a version ends (US-005). */
const SUNSET = 'Mon, 31 May 2027 00:00:00 GMT';
const BODY_LIMIT = 4 * 1024 * 1024;
const OPEN_PATHS = /^\/(api\/v1\/|api\/)?(health(\/live|\/ready)?|openapi\.json|capabilities)(\?|$)/;
const LOCAL_ADMIN: Actor = { kind: 'user', id: 'local', name: process.env.USER || 'local' };

const ANONYMOUS: Actor = { kind: 'user', id: 'anonymous', name: 'anonymous' };

const TRUSTED = Symbol('trusted');
type Marked = { [TRUSTED]?: boolean };

function tokenOf(request: IncomingMessage): string | undefined {
  const { authorization } = request.headers;
  const key = request.headers['x-api-key'];
  if (authorization?.startsWith('Bearer ')) return authorization.slice(7).trim();
  if (typeof key === 'string') return key;
  return new URL(request.url ?? '/', 'http://godel').searchParams.get('token') ?? undefined;
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  if (typeof value !== 'string' || value === '') return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Path parameters; `-` stands for one that is left out, as an agent does for its own bead. */
const named = (params: Record<string, string>) =>
  Object.fromEntries(Object.entries(params).filter(([, value]) => value !== '-'));

/** The error of anything thrown, in the shape of the contract. */
function errorBody(error: GodelError, requestId: string, clock: Clock): object {
  const { reason, hint, params } = error;
  return {
    success: false,
    error: { code: error.kind, message: error.message, details: { ...params, reason, hint } },
    meta: { requestId, timestamp: new Date(clock.now()).toISOString() },
  };
}

function toGodelError(error: unknown): GodelError {
  if (error instanceof GodelError) return error;
  const { statusCode, code } = error as { statusCode?: number; code?: string };
  if (code === 'ENOSPC') return failure('disk-full', { problem: messageOf(error) }, error);
  if (statusCode !== undefined && statusCode < 500) {
    const hint = 'Send a JSON object of at most 4 MB with content-type application/json.';
    return failure('bad-input', { problem: messageOf(error), hint }, error);
  }
  return failure('internal', { problem: messageOf(error) }, error);
}

const unused = (): never => {
  throw new Error('inputs are checked by the schemas of operations');
};
/** Fastify would load two compilers of JSON schemas at every start, for schemas that no route has. */
const NO_COMPILERS = { buildValidator: unused, buildSerializer: unused };

export function createApi(options: ApiOptions): Api {
  const { operations, log, clock } = options;
  const servers: Server[] = [];
  const app: FastifyInstance = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    genReqId: () => newId(),
    schemaController: { compilersFactory: NO_COMPILERS },
    routerOptions: { maxParamLength: 500 },
  });

  async function actorOf(request: IncomingMessage): Promise<Actor | undefined> {
    const token = tokenOf(request);
    if (token !== undefined) return options.authenticate(token);
    return (request.socket as Marked)[TRUSTED] ? LOCAL_ADMIN : undefined;
  }

  /** Project of a request; home-scoped operations get one only when it was named. */
  async function projectOf(operation: AnyOperation, request: IncomingMessage): Promise<string> {
    const hint = { id: header(request, 'x-godel-project'), path: header(request, 'x-godel-path') };
    if (operation.scope === 'project') return options.projects.resolve(hint);
    if (hint.id === undefined && hint.path === undefined) return '';
    return options.projects.resolve(hint).catch(() => '');
  }

  async function invoke(
    key: keyof Operations,
    actor: Actor,
    fields: Record<string, unknown>,
    context: { projectId: string; requestId: string; signal: AbortSignal },
  ): Promise<unknown> {
    const operation: AnyOperation = operations[key];
    await options.authorize(actor, operation);
    const input = parseInput(operation, fields);
    const handler = options.handlers[key] as (input: unknown, context: unknown) => Promise<unknown>;
    return actingAs({ id: actor.id, name: actor.name }, () => handler(input, { actor, ...context }));
  }

  function route(key: keyof Operations, operation: AnyOperation) {
    return async (request: FastifyRequest, reply: FastifyReply) => {
      const actor = (request as FastifyRequest & { actor: Actor }).actor;
      const body = (request.body ?? {}) as Record<string, unknown>;
      const query = request.query as Record<string, unknown>;
      const { token: _token, ...fields } = ['GET', 'DELETE'].includes(operation.http.method)
        ? fromQuery(operation, query)
        : body;
      const gone = new AbortController();
      reply.raw.once('close', () => reply.raw.writableFinished || gone.abort());
      const context = {
        projectId: await projectOf(operation, request.raw),
        requestId: request.id,
        signal: gone.signal,
      };
      const data = await invoke(key, actor, { ...fields, ...named(request.params as Record<string, string>) }, context);
      return reply.code(operation.http.status ?? 200).send({ success: true, data });
    };
  }

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if (request.url.startsWith('/api/') && !request.url.startsWith('/api/v1/')) {
      reply.header('deprecation', 'true').header('sunset', SUNSET).header('link', '</api/v1>; rel="successor-version"');
    }
    const actor = await actorOf(request.raw);
    if (!actor && !OPEN_PATHS.test(request.url) && !request.url.startsWith('/proxy/')) throw failure('unauthorized');
    (request as FastifyRequest & { actor?: Actor }).actor = actor ?? ANONYMOUS;
  });
  app.setErrorHandler((error, request, reply) => {
    const known = toGodelError(error);
    if (known.kind === 'internal_error')
      log.error(
        { requestId: request.id, url: request.url, problem: messageOf(error), stack: (error as Error).stack },
        'request failed',
      );
    return reply.code(known.httpStatus).send(errorBody(known, request.id, clock));
  });
  app.setNotFoundHandler((request) => {
    throw failure('route-unknown', { method: request.method, path: request.url.split('?')[0] });
  });
  // A POST without a body is a call without input.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(body as string));
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }));
    }
  });

  for (const prefix of ['/api/v1', '/api']) {
    for (const [key, operation] of Object.entries(operations) as [keyof Operations, AnyOperation][]) {
      app.route({
        method: operation.http.method,
        url: prefix + operation.http.path,
        bodyLimit: operation.http.maxBytes ?? BODY_LIMIT,
        handler: route(key, operation),
      });
    }
  }
  addFixedRoutes(app, options);

  const sockets = createEventsSocket({
    events: options.events,
    actorOf,
    async command(actor, name, input) {
      const [key] =
        (Object.entries(operations) as [keyof Operations, AnyOperation][]).find(([, each]) => each.name === name) ?? [];
      if (!key) throw failure('unknown-command', { command: name });
      const { agentId, beadId, projectId, ...rest } = input as Record<string, string | undefined>;
      const id = rest.id ?? (name.startsWith('agent') ? agentId : beadId);
      const project = operations[key].scope === 'project' ? await options.projects.resolve({ id: projectId }) : '';
      const fields = { ...rest, ...(id === undefined ? {} : { id }) };
      return invoke(key, actor, fields, {
        projectId: project,
        requestId: newId(),
        signal: new AbortController().signal,
      });
    },
  });

  async function serve(trusted: boolean): Promise<Server> {
    await app.ready();
    const server = createServer((request, response) => app.routing(request, response));
    server.on('connection', (socket) => {
      (socket as Marked)[TRUSTED] = trusted;
    });
    sockets.attach(server);
    servers.push(server);
    return server;
  }

  return {
    async listenSocket(path) {
      const server = await serve(true);
      await rm(path, { force: true });
      await listen(server, (done) => server.listen(path, done));
      await chmod(path, 0o600);
    },
    async listenTcp(port) {
      const server = await serve(false);
      await listen(server, (done) => server.listen(port, '127.0.0.1', done)).catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'EADDRINUSE' ? failure('port-taken', { port, variable: 'GODEL_PORT' }, error) : error;
      });
      return (server.address() as { port: number }).port;
    },
    async stop() {
      await sockets.stop();
      for (const server of servers) {
        if (!server.listening) continue;
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 250).unref();
        await closed;
      }
      await app.close();
    },
  };
}

function listen(server: Server, start: (done: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    start(() => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Health, description and metrics, at the root and under the versioned prefix. */
function addFixedRoutes(app: FastifyInstance, options: ApiOptions): void {
  const { health } = options;
  const send = async (reply: FastifyReply, work: Promise<Health>) => {
    const result = await work;
    return reply.code(result.status === 'unhealthy' ? 503 : 200).send(result);
  };
  // Seldom asked for, and making it takes a tenth of a second of every start.
  let document: ReturnType<typeof openApi> | undefined;
  const capabilities = {
    version: options.version,
    api: ['v1'],
    events: ['godel-events-v1'],
    operations: Object.values(options.operations as Record<string, AnyOperation>).map((operation) => operation.name),
  };
  for (const prefix of ['', '/api/v1', '/api']) {
    app.get(`${prefix}/health`, (_request, reply) => send(reply, health.full()));
    app.get(`${prefix}/health/live`, (_request, reply) => send(reply, health.live()));
    app.get(`${prefix}/health/ready`, (_request, reply) => send(reply, health.ready()));
    app.get(`${prefix}/openapi.json`, async () => {
      document ??= openApi(options.operations, options.version);
      return document;
    });
    app.get(`${prefix}/capabilities`, async () => ({ success: true, data: capabilities }));
    app.get(`${prefix}/metrics`, async (_request, reply) =>
      reply.type('text/plain; version=0.0.4').send(await options.metrics()),
    );
  }
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.all('/proxy/*', async (request, reply) => {
      const { actor } = request as FastifyRequest & { actor?: Actor };
      const report = actor && actor.id !== ANONYMOUS.id ? await options.proxy.report(request.url) : undefined;
      if (report !== undefined) return reply.send(report);
      return forwardToProxy(request, reply, options.proxy.url());
    });
  });
}
