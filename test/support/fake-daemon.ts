/** The in-memory daemon behind the real protocol: HTTP and WebSocket on a Unix socket, as the client speaks it. */
import { createServer, type IncomingMessage } from 'node:http';
import { WebSocketServer } from 'ws';
import { GodelError } from '../../src/base/error.ts';
import type { AnyOperation } from '../../src/base/operation.ts';
import { type Operations, operations } from '../../src/operations.ts';
import type { FakeClient } from './fake-client.ts';

interface Route {
  readonly key: keyof Operations;
  readonly method: string;
  readonly pattern: RegExp;
}

const routes: readonly Route[] = (Object.entries(operations) as [keyof Operations, AnyOperation][]).map(
  ([key, operation]) => ({
    key,
    method: operation.http.method,
    pattern: new RegExp(`^/api/v1${operation.http.path.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`),
  }),
);

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

/** Serves `fake` on `socketPath`; stop cuts every connection. */
export async function serveFake(fake: FakeClient, socketPath: string): Promise<{ stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://daemon');
      const route = routes.find((one) => one.method === request.method && one.pattern.test(url.pathname));
      const named = Object.fromEntries(
        Object.entries(route?.pattern.exec(url.pathname)?.groups ?? {}).map(([name, value]) => [
          name,
          decodeURIComponent(value),
        ]),
      );
      const input = { ...Object.fromEntries(url.searchParams), ...(await bodyOf(request)), ...named };
      try {
        if (!route) throw new Error(`no route ${request.method} ${url.pathname}`);
        const data = await fake.call(route.key, input as never);
        response.end(JSON.stringify({ success: true, data }));
      } catch (error) {
        const failed = error instanceof GodelError ? error : undefined;
        response.statusCode = failed?.httpStatus ?? 500;
        const details = { ...failed?.params, reason: failed?.reason ?? 'internal', hint: failed?.hint ?? '' };
        response.end(
          JSON.stringify({
            success: false,
            error: { code: failed?.kind ?? 'internal_error', message: String(failed?.message ?? error), details },
          }),
        );
      }
    })();
  });
  const sockets = new WebSocketServer({ server, path: '/events', handleProtocols: () => 'godel-events-v1' });
  sockets.on('connection', (socket, request) => {
    const query = new URL(request.url ?? '/', 'http://daemon').searchParams;
    const life = new AbortController();
    socket.on('close', () => life.abort());
    void fake.events({
      since: Number(query.get('since')),
      patterns: (query.get('patterns') ?? '*').split(','),
      onEvent: (event) => socket.send(JSON.stringify({ type: 'event', payload: event })),
      onResync: () => socket.send(JSON.stringify({ type: 'error', payload: { code: 'resync' } })),
      signal: life.signal,
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    async stop() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
