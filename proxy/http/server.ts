/** Listens for clients that speak HTTP/1.1. */
import { createServer } from 'node:net';
import { type Connection, type ConnectionOptions, createConnection } from './connection.ts';
import { createOpenConnections } from './open-connections.ts';

export interface HttpServer {
  /** Returns the port. */
  listen(port: number, host: string): Promise<number>;
  /** Takes no more connections; waits for requests under way at most `limitMs`, then cuts them. */
  stop(limitMs: number): Promise<void>;
}

export function createHttpServer(options: Omit<ConnectionOptions, 'socket'>): HttpServer {
  const connections = createOpenConnections<Connection>();
  let stopping = false;

  const server = createServer({ noDelay: true }, (socket) => {
    const connection = createConnection({ ...options, socket });
    socket.once('close', connections.join(connection));
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
      connections.stop();
    },
  };
}
