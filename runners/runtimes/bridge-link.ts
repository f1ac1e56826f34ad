/**
 * The agent's end of the bridge (src/agents/bridge-protocol.ts): reconnects for ever, sends again
 * what the daemon has not confirmed, and says that it is alive. It runs inside a foreign program, so it never throws
 * and never prints. Imports node: only, as it is bundled into that program.
 */
import { connect, type Socket } from 'node:net';
import type { AgentEventInput, BridgeDown, BridgeUpInput } from '../../src/agents/bridge-protocol.ts';

export interface BridgeLinkOptions {
  socketFile: string;
  agentId: string;
  generation: number;
  token: string;
  onPrompt: (prompt: Extract<BridgeDown, { type: 'prompt' }>) => void;
  onInterrupt: () => void;
  /** Absent where the program cannot make its conversation shorter; rejects with why it did not. */
  onCompact?: () => Promise<void>;
  /** The answer of a person to a question with an id. */
  onAnswer?: (answer: Extract<BridgeDown, { type: 'answer' }>) => void;
  source?: 'protocol' | 'hook';
}

export interface BridgeLink {
  emit(event: AgentEventInput): void;
  promptStatus(id: string, status: 'started' | 'refused', reason?: string): void;
  close(): void;
}

type Numbered = Extract<BridgeUpInput, { type: 'event' }>;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const ALIVE_MS = 5_000;
/** Who said anything in this time (ms) before is known to be alive. */
const SPOKE_MS = ALIVE_MS / 2;
/** Events kept while the daemon is away; older ones are of no use to anybody by then. */
const MAX_UNCONFIRMED = 5_000;

/**
 * Time (ms) until programs say that they are alive: all of a machine at the same moment, so that the daemon wakes up once for
 * them and not once for each. Pure.
 */
export const untilAliveMs = (nowMs: number): number => ALIVE_MS - (nowMs % ALIVE_MS);

const STATES = new Set(['idle', 'turn-start', 'tool-start', 'tool-end', 'ask', 'answered', 'settled']);

const saysState = (event: AgentEventInput) => STATES.has(event.kind) && !('asking' in event && event.asking);

export function openBridgeLink(options: BridgeLinkOptions): BridgeLink {
  let socket: Socket | undefined;
  let welcome = false;
  let closed = false;
  let pauseMs = FIRST_PAUSE_MS;
  let spokeMs = 0;
  let seq = Date.now() * 1_000;
  const unconfirmed: Numbered[] = [];
  /** A daemon that starts again is told this first: a question that was asked long ago is still open. */
  let last: AgentEventInput | undefined;

  const write = (message: BridgeUpInput) => {
    if (closed || !socket?.writable) return;
    socket.write(`${JSON.stringify(message)}\n`);
    spokeMs = performance.now();
  };

  let alive = setTimeout(sayAlive, untilAliveMs(Date.now())).unref();

  function sayAlive(): void {
    if (welcome && performance.now() - spokeMs > SPOKE_MS) write({ type: 'alive' });
    alive = setTimeout(sayAlive, untilAliveMs(Date.now())).unref();
  }

  function take(line: string): void {
    const message = JSON.parse(line) as BridgeDown;
    if (message.type === 'welcome') {
      welcome = true;
      pauseMs = FIRST_PAUSE_MS;
      for (const event of unconfirmed) write(event);
    } else if (message.type === 'confirm') {
      while (unconfirmed[0] && unconfirmed[0].seq <= message.seq) unconfirmed.shift();
    } else if (message.type === 'prompt') options.onPrompt(message);
    else if (message.type === 'interrupt') options.onInterrupt();
    else if (message.type === 'compact') void compact(message.id);
    else if (message.type === 'answer') options.onAnswer?.(message);
  }

  async function compact(id: string): Promise<void> {
    const { onCompact } = options;
    const problem = onCompact
      ? await onCompact().then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        )
      : 'its program has no way to';
    emit({ kind: 'compacted', id, ...(problem === undefined ? {} : { problem }) });
  }

  function emit(event: AgentEventInput): void {
    seq += 1;
    if (saysState(event)) last = event;
    const message: Numbered = { type: 'event', seq, at: Date.now(), event };
    unconfirmed.push(message);
    if (unconfirmed.length > MAX_UNCONFIRMED) unconfirmed.shift();
    if (welcome) write(message);
  }

  function open(): void {
    if (closed) return;
    welcome = false;
    let rest = '';
    const current = connect(options.socketFile);
    socket = current;
    current.setEncoding('utf8');
    current.unref();
    current.on('connect', () => {
      const { agentId, generation, token, source = 'hook' } = options;
      write({ type: 'hello', agentId, generation, token, pid: process.pid, source, ...(last ? { last } : {}) });
    });
    current.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        try {
          if (line !== '') take(line);
        } catch {
          // A line this version does not understand is for a newer one.
        }
      }
    });
    current.on('error', () => {});
    current.on('close', () => {
      if (closed) return;
      setTimeout(open, pauseMs).unref();
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    });
  }

  open();

  return {
    emit,
    promptStatus: (id, status, reason) =>
      write({ type: 'prompt-status', id, status, ...(reason === undefined ? {} : { reason }) }),
    close() {
      closed = true;
      clearTimeout(alive);
      socket?.end();
    },
  };
}
