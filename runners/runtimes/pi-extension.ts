/**
 * Godel's extension for Pi: reports what the agent does and hands it prompts, over the bridge.
 * Bundled to one file; Pi loads it with `-e`.
 */
import { join } from 'node:path';
import type { ExtensionAPI, ExtensionContext } from '@earendil-works/pi-coding-agent';
import type { BridgeDown } from '../../src/agents/bridge-protocol.ts';
import { type BridgeLink, openBridgeLink } from './bridge-link.ts';
import { messageText } from './message-text.ts';
import { registerGodelTool } from './pi-tool.ts';
import { openPromptRecord } from './prompt-record.ts';
import { aboutCall } from './summary.ts';
import { todosOf } from './todos.ts';

type PromptMessage = Extract<BridgeDown, { type: 'prompt' }>;

/** A prompt that was handed over must show up as a message within this time (ms), or it is handed over again. */
const SHOW_UP_MS = 15_000;

/** Texts of the user messages in the conversation. */
function userTexts(context: ExtensionContext): string[] {
  return context.sessionManager
    .getEntries()
    .filter((entry) => entry.type === 'message' && entry.message.role === 'user')
    .map((entry) => messageText((entry as { message: { content?: unknown } }).message.content));
}

interface Outbox {
  push(prompt: PromptMessage): void;
  /** Keeps prompts back until it is called again: Pi takes none while it compacts. */
  hold(held: boolean): void;
  /** A user message appeared in the conversation. */
  appeared(text: string): void;
  stop(): void;
}

/** Hands prompts to Pi one after another; the next one only when the one before has become a message. */
function createOutbox(
  pi: ExtensionAPI,
  record: ReturnType<typeof openPromptRecord>,
  link: () => BridgeLink | undefined,
  context: () => ExtensionContext | undefined,
): Outbox {
  const waiting: PromptMessage[] = [];
  let current: PromptMessage | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isHeld = false;

  function handOver(prompt: PromptMessage): void {
    record.add(prompt.id, prompt.text);
    try {
      pi.sendUserMessage(prompt.text, { deliverAs: prompt.when === 'after-turn' ? 'followUp' : 'steer' });
      timer = setTimeout(check, SHOW_UP_MS);
      timer.unref();
    } catch (error) {
      finish();
      link()?.promptStatus(prompt.id, 'refused', error instanceof Error ? error.message : String(error));
    }
  }

  /** While Pi is busy a queued prompt may wait long; only an idle Pi that shows nothing has lost it. */
  function check(): void {
    const now = context();
    if (!current || !now) return;
    if (userTexts(now).includes(current.text)) return started();
    if (now.isIdle() && !now.hasPendingMessages()) return handOver(current);
    timer = setTimeout(check, SHOW_UP_MS);
    timer.unref();
  }

  function started(): void {
    if (current) link()?.promptStatus(current.id, 'started');
    finish();
  }

  function finish(): void {
    clearTimeout(timer);
    current = isHeld ? undefined : waiting.shift();
    if (current) handOver(current);
  }

  return {
    push(prompt) {
      if (current?.id === prompt.id || waiting.some((each) => each.id === prompt.id)) return;
      if (record.has(prompt.id)) {
        link()?.promptStatus(prompt.id, 'started');
        return;
      }
      if (current || isHeld) waiting.push(prompt);
      else {
        current = prompt;
        handOver(prompt);
      }
    },
    hold(held) {
      isHeld = held;
      if (!held && !current) finish();
    },
    appeared(text) {
      if (current && text === current.text) started();
    },
    stop: () => clearTimeout(timer),
  };
}

/** Pi's own way; it ends whatever runs, so only at rest. */
async function compact(context: ExtensionContext | undefined, outbox: Outbox): Promise<void> {
  if (!context?.isIdle()) throw new Error('it is in the middle of a turn');
  outbox.hold(true);
  try {
    await new Promise<void>((resolve, reject) =>
      context.compact({ onComplete: () => resolve(), onError: (error) => reject(error) }),
    );
  } finally {
    outbox.hold(false);
  }
}

export default function godel(pi: ExtensionAPI): void {
  const { GODEL_BRIDGE_SOCKET, GODEL_AGENT_ID, GODEL_GENERATION, GODEL_TOKEN, GODEL_AGENT_HOME } = process.env;
  if (!GODEL_BRIDGE_SOCKET || !GODEL_AGENT_ID || !GODEL_TOKEN || !GODEL_AGENT_HOME) return;
  if (process.env.GODEL_PI_TOOL === '1') registerGodelTool(pi, GODEL_AGENT_HOME);
  // Over its protocol the host tells what happens.
  if (process.env.GODEL_PI_BRIDGE === '0') return;
  const record = openPromptRecord(join(GODEL_AGENT_HOME, 'delivered.txt'));
  let link: BridgeLink | undefined;
  let context: ExtensionContext | undefined;
  let lastError: string | undefined;
  /** A person broke the turn off: Pi may call that an error. */
  let interrupted = false;
  const outbox = createOutbox(
    pi,
    record,
    () => link,
    () => context,
  );

  pi.on('session_start', (_event, current) => {
    context = current;
    const file = current.sessionManager.getSessionFile();
    record.reconcile(userTexts(current));
    link ??= openBridgeLink({
      socketFile: GODEL_BRIDGE_SOCKET,
      agentId: GODEL_AGENT_ID,
      generation: Number(GODEL_GENERATION),
      token: GODEL_TOKEN,
      source: 'hook',
      onPrompt: (prompt) => outbox.push(prompt),
      onInterrupt() {
        interrupted = context?.isIdle() === false;
        context?.abort();
      },
      onCompact: () => compact(context, outbox),
    });
    link.emit({ kind: 'session', ...(file ? { file } : {}), sessionId: current.sessionManager.getSessionId() });
    link.emit({ kind: 'idle' });
  });
  pi.on('agent_start', (_event, current) => {
    context = current;
    lastError = undefined;
    interrupted = false;
    current.signal?.addEventListener('abort', () => {
      interrupted = true;
    });
    link?.emit({ kind: 'turn-start' });
  });
  pi.on('message_start', (event) => {
    if (event.message.role === 'user') outbox.appeared(messageText(event.message.content));
  });
  pi.on('tool_execution_start', (event) => {
    const todos = todosOf(event.toolName, event.args);
    if (todos) link?.emit({ kind: 'todos', items: todos });
    link?.emit({ kind: 'tool-start', tool: event.toolName, ...aboutCall(event.args) });
  });
  pi.on('tool_execution_end', (event) =>
    link?.emit({ kind: 'tool-end', tool: event.toolName, isError: event.isError }),
  );
  pi.on('turn_end', (event) => {
    const message = event.message as { stopReason?: string; errorMessage?: string };
    lastError = message.stopReason === 'error' ? (message.errorMessage ?? 'unknown error') : undefined;
    link?.emit({ kind: 'turn-end', ...(message.stopReason ? { stopReason: message.stopReason } : {}) });
  });
  pi.on('ui_prompt_start', (event) => link?.emit({ kind: 'ask', question: event.title ?? `a ${event.kind} is open` }));
  pi.on('agent_settled', (_event, current) => {
    context = current;
    const error = interrupted ? undefined : lastError?.slice(0, 500);
    link?.emit({ kind: 'settled', ...(error === undefined ? {} : { error }) });
  });
  pi.on('session_shutdown', () => {
    outbox.stop();
    link?.emit({ kind: 'shutdown' });
    link?.close();
    link = undefined;
  });
}
