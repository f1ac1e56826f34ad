/** Listens for clients that speak HTTP/1.1. */
import { createServer } from 'node:net';
import { createRoster } from '../roster.ts';
import { type Connection, type ConnectionOptions, createConnection } from './connection.ts';

export interface HttpServer {
  /** Returns the port. */
  listen(port: number, host: string): Promise<number>;
  /** Takes no more connections; waits for requests under way at most `limitMs`, then cuts them. */
  stop(limitMs: number): Promise<void>;
}

/** How often (ms) slow clients are looked for. */
const CHECK_MS = 1_000;

export function createHttpServer(options: Omit<ConnectionOptions, 'socket'>): HttpServer {
  const connections = createRoster<Connection>();
  let sweep: NodeJS.Timeout | undefined;
  let stopping = false;

  function check(): void {
    const now = performance.now();
    const all = connections.values();
    for (const connection of all) connection.check(now);
    if (all.length > 0) return;
    clearInterval(sweep);
    sweep = undefined;
  }

  const server = createServer({ noDelay: true }, (socket) => {
    const connection = createConnection({ ...options, socket });
    const seat = connections.join(connection);
    socket.once('close', () => connections.leave(seat));
    sweep ??= setInterval(check, CHECK_MS).unref();
    if (stopping) connection.destroy();
  });

  return {
    async listen(port, host) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
      return (server.address() as { port: number }).port;
    },
    async stop(limitMs) {
      stopping = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections.values()) connection.close();
      const limit = setTimeout(() => {
        for (const connection of connections.values()) connection.destroy();
      }, limitMs);
      await closed;
      clearTimeout(limit);
      clearInterval(sweep);
    },
  };
}
