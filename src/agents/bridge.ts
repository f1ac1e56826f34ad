/** The daemon's end of the bridge: a Unix socket that agents' extensions connect to. */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/error.ts';
import type { Log } from '../base/log.ts';
import {
  type AgentEvent,
  ALIVE_INTERVAL_MS,
  type BridgeDown,
  type BridgeUp,
  bridgeUpSchema,
} from './bridge-protocol.ts';
import type { DeliverWhen } from './store.ts';

export type BridgeSource = 'protocol' | 'hook';

export interface BridgeOptions {
  socketFile: string;
  clock: Clock;
  log: Log;
  authenticate: (agentId: string, generation: number, token: string) => Promise<boolean>;
  /** True while this is the life that the agent is in; asked for every word that changes something. */
  isCurrent: (agentId: string, generation: number) => Promise<boolean>;
  onEvent: (agentId: string, source: BridgeSource, event: AgentEvent, atMs: number) => Promise<void>;
  onPromptStatus: (
    agentId: string,
    id: string,
    status: 'accepted' | 'started' | 'refused',
    reason?: string,
  ) => Promise<void>;
  /** `last` is what the agent said last of its state; absent while it starts, and when the connection ended. */
  onConnection: (agentId: string, connected: boolean, source: BridgeSource, last?: AgentEvent) => Promise<void>;
  /** The agent said something: it is alive and stands by what it said last. */
  onAlive: (agentId: string, atMs: number) => void;
}

export interface Bridge {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** False when the agent is not connected. */
  send(agentId: string, prompt: { id: string; text: string; when: DeliverWhen }): boolean;
  interrupt(agentId: string): boolean;
  compact(agentId: string, id: string): boolean;
  /** Hands the answer of a question to the agent; false when it is not connected. */
  answer(agentId: string, answer: BridgeAnswer): boolean;
  isConnected(agentId: string): boolean;
  /** Lets go of the connection of a life that has ended. */
  drop(agentId: string): void;
}

export interface BridgeAnswer {
  askId: string;
  choice?: string | undefined;
  text?: string | undefined;
}

interface Connection {
  socket: Socket;
  /** Highest event that was taken, and how many of them it was not told of. */
  taken: { seq: number; untold: number };
  agentId: string;
  generation: number;
  source: BridgeSource;
  timer: NodeJS.Timeout;
}

/** Said every few seconds by every agent: it is known without being parsed. */
const ALIVE = JSON.stringify({ type: 'alive' } satisfies BridgeUp);
const MAX_LINE = 4 * 1024 * 1024;
const SILENT_MS = 3 * ALIVE_INTERVAL_MS;

/** What an agent says all the time, and may say once more after a crash of the daemon: it is the same then. */
const ROUTINE: ReadonlySet<AgentEvent['kind']> = new Set(['turn-start', 'tool-start', 'tool-end', 'settled']);
/** Routine words are confirmed along with the next message, or when there are so many of them. */
const MOST_UNTOLD = 32;

/** An agent that was started by an older version says only whether it is idle. */
function lastOf({ last, idle }: Extract<BridgeUp, { type: 'hello' }>): AgentEvent | undefined {
  if (last || idle === undefined) return last;
  return idle ? { kind: 'idle' } : { kind: 'turn-start' };
}

export function createBridge(options: BridgeOptions): Bridge {
  const { log } = options;
  const connections = new Map<string, Connection>();
  /** Highest confirmed event of each life of each agent. */
  const confirmed = new Map<string, number>();
  let server: Server | undefined;
  const sockets = new Set<Socket>();

  const write = (socket: Socket, ...messages: readonly BridgeDown[]) =>
    socket.write(messages.map((each) => `${JSON.stringify(each)}\n`).join(''));

  /** What an agent is told of what was taken of it, which it need not keep any longer; nothing when it knows. */
  function confirmation({ taken }: Connection): BridgeDown[] {
    if (taken.untold === 0) return [];
    taken.untold = 0;
    return [{ type: 'confirm', seq: taken.seq }];
  }

  function confirm(connection: Connection): void {
    if (connection.taken.untold > 0 && connection.socket.writable)
      write(connection.socket, ...confirmation(connection));
  }

  async function greet(socket: Socket, hello: Extract<BridgeUp, { type: 'hello' }>): Promise<Connection | undefined> {
    const { agentId, generation, token } = hello;
    if (!(await options.authenticate(agentId, generation, token))) {
      write(socket, { type: 'refused', reason: 'unknown agent, an older life of it, or a wrong token' });
      socket.end();
      return undefined;
    }
    connections.get(agentId)?.socket.destroy();
    const timer = setTimeout(() => socket.destroy(), SILENT_MS);
    const taken = { seq: 0, untold: 0 };
    const connection = { socket, taken, agentId, generation, source: hello.source, timer };
    connections.set(agentId, connection);
    write(socket, { type: 'welcome', confirmedSeq: confirmed.get(`${agentId}:${generation}`) ?? 0 });
    await options.onConnection(agentId, true, hello.source, lastOf(hello));
    return connection;
  }

  /** What is said next waits for none of it: statuses have an order of their own, and share a transaction with what comes along. */
  function noteStatus(agentId: string, { id, status, reason }: Extract<BridgeUp, { type: 'prompt-status' }>): void {
    options
      .onPromptStatus(agentId, id, status, reason)
      .catch((error: unknown) => log.warn({ agentId, problem: messageOf(error) }, 'status of a prompt not taken'));
  }

  async function take(connection: Connection, message: BridgeUp): Promise<void> {
    const { agentId, generation, socket } = connection;
    if (connections.get(agentId) !== connection) return;
    connection.timer.refresh();
    // A connection may outlive its agent's life, and speak on until the next one connects.
    if (!(await options.isCurrent(agentId, generation))) {
      write(socket, { type: 'refused', reason: 'an older life of this agent' });
      socket.end();
      return;
    }
    options.onAlive(agentId, options.clock.now());
    if (message.type === 'alive') confirm(connection);
    else if (message.type === 'prompt-status') noteStatus(agentId, message);
    else if (message.type === 'event') await takeEvent(connection, message);
  }

  async function takeEvent(connection: Connection, said: Extract<BridgeUp, { type: 'event' }>): Promise<void> {
    const { agentId, generation, source, taken } = connection;
    const key = `${agentId}:${generation}`;
    if (said.seq > (confirmed.get(key) ?? 0)) {
      await options.onEvent(agentId, source, said.event, said.at);
      confirmed.set(key, said.seq);
    }
    taken.seq = said.seq;
    taken.untold += 1;
    if (!ROUTINE.has(said.event.kind) || taken.untold >= MOST_UNTOLD) confirm(connection);
  }

  function accept(socket: Socket): void {
    sockets.add(socket);
    let rest = '';
    let connection: Connection | undefined;
    let order: Promise<void> = Promise.resolve();
    socket.setEncoding('utf8');
    const handle = async (line: string) => {
      const message: BridgeUp = line === ALIVE ? { type: 'alive' } : bridgeUpSchema.parse(JSON.parse(line));
      if (connection) await take(connection, message);
      else if (message.type === 'hello') connection = await greet(socket, message);
      else socket.destroy();
    };
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) socket.destroy();
      for (const line of lines.filter((each) => each !== '')) {
        order = order
          .then(() => handle(line))
          .catch((error: unknown) => {
            log.warn({ agentId: connection?.agentId, problem: messageOf(error) }, 'bridge message not taken');
          });
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      if (!connection) return;
      clearTimeout(connection.timer);
      if (connections.get(connection.agentId) !== connection) return;
      connections.delete(connection.agentId);
      void options
        .onConnection(connection.agentId, false, connection.source)
        .catch((error: unknown) => log.warn({ problem: messageOf(error) }, 'bridge close not noted'));
    });
  }

  /** False when the agent is not connected. */
  function tell(agentId: string, message: BridgeDown): boolean {
    const connection = connections.get(agentId);
    if (!connection?.socket.writable) return false;
    write(connection.socket, ...confirmation(connection), message);
    return true;
  }

  return {
    async start() {
      await rm(options.socketFile, { force: true });
      const listening = createServer(accept);
      server = listening;
      await new Promise<void>((resolve, reject) => {
        listening.once('error', reject);
        listening.listen(options.socketFile, resolve);
      });
      await chmod(options.socketFile, 0o600);
    },
    async stop() {
      for (const connection of connections.values()) confirm(connection);
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    },
    send: (agentId, { id, text, when }) => tell(agentId, { type: 'prompt', id, text, when }),
    interrupt: (agentId) => tell(agentId, { type: 'interrupt' }),
    compact: (agentId, id) => tell(agentId, { type: 'compact', id }),
    answer: (agentId, answer) => tell(agentId, { type: 'answer', ...answer }),
    isConnected: (agentId) => connections.has(agentId),
    drop: (agentId) => void connections.get(agentId)?.socket.destroy(),
  };
}
