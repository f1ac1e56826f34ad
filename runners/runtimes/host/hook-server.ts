/**
 * Where the hooks of a program report: a private socket of its host. One connection a hook: one JSON line in, and for
 * hooks that may decide something one JSON line out. A hook that hangs up before it was answered was answered elsewhere.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { Json } from '../../../src/base/json-lines.ts';

export interface HookCall {
  body: Json;
  /** Ends the hook, with what it prints for its program. */
  reply(output?: Json): void;
  /** Called when the hook went away without a reply. */
  onGone(listener: () => void): void;
}

export interface HookServer {
  start(): Promise<void>;
  stop(): Promise<void>;
}

const MAX_BYTES = 64 * 1024 * 1024;

function serve(socket: Socket, take: (call: HookCall) => void): void {
  let text = '';
  let taken = false;
  let replied = false;
  const gone: (() => void)[] = [];
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('close', () => {
    if (!replied) for (const listener of gone) listener();
  });
  socket.on('data', (piece: string) => {
    text += piece;
    if (text.length > MAX_BYTES) return void socket.destroy();
    const end = text.indexOf('\n');
    if (end < 0 || taken) return;
    taken = true;
    const reply = (output?: Json) => {
      replied = true;
      socket.end(output ? `${JSON.stringify(output)}\n` : '');
    };
    try {
      take({ body: JSON.parse(text.slice(0, end)) as Json, reply, onGone: (listener) => gone.push(listener) });
    } catch {
      reply();
    }
  });
}

export function createHookServer(socketFile: string, take: (call: HookCall) => void): HookServer {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, take);
  });
  return {
    async start() {
      rmSync(socketFile, { force: true });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(socketFile, resolve);
      });
      chmodSync(socketFile, 0o600);
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(socketFile, { force: true });
    },
  };
}
