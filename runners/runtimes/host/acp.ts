/** Any agent of the Agent Client Protocol (version 1): Gemini CLI, opencode and others speak it on their standard streams. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../../../src/base/json-lines.ts';
import { oneLine, summaryOf } from '../summary.ts';
import { todosIn, todosOf } from '../todos.ts';
import type { Driver, DriverSink, HostConfig, HostPrompt, Opened } from './driver.ts';
import { type JsonLines, type SpawnJsonLines, spawnJsonLines } from './json-lines.ts';
import { createRpc } from './json-rpc.ts';
import { createOpenAsks } from './open-asks.ts';
import { readSessionId, writeSessionId } from './session-id.ts';

const PROTOCOL_VERSION = 1;
const REPLAY_QUIET_MS = 1_500;
const REPLAY_BEGINS_MS = 10_000;

interface Option {
  optionId: string;
  name: string;
  kind?: string;
}

/** Godel's words for the kinds of options, so that rules and the inbox speak one language. */
const WORDS: Readonly<Record<string, string>> = {
  allow_once: 'allow',
  allow_always: 'always',
  reject_once: 'deny',
  reject_always: 'never',
};

/** Word a person answers with -> option of the program. */
export function choicesOf(options: readonly Option[]): Map<string, string> {
  const choices = new Map<string, string>();
  for (const option of options) {
    const word = WORDS[option.kind ?? ''] ?? option.name;
    choices.set(choices.has(word) ? option.name : word, option.optionId);
  }
  return choices;
}

function textOf(content: unknown): string {
  const part = (content ?? {}) as { type?: string; text?: string };
  return part.type === 'text' ? (part.text ?? '') : '';
}

export function createAcpDriver(
  config: HostConfig,
  env: NodeJS.ProcessEnv,
  sink: DriverSink,
  spawnLines: SpawnJsonLines = spawnJsonLines,
): Driver {
  let lines: JsonLines;
  let sessionId = '';
  let loading = false;
  let running: HostPrompt | undefined;
  const userTexts: string[] = [];
  const asks = createOpenAsks(sink);
  const tools = new Map<string, { name: string; title: string; told: boolean }>();
  let askCount = 0;
  let lastUpdateMs = 0;

  /** The protocol has no acknowledgement: the first sign of the turn is one. */
  function sign(): void {
    if (!running) return;
    sink.taken(running.id);
    running = undefined;
  }

  /** Some programs name a tool first and tell its input later: it is reported when there is something to report. */
  function toolCall(update: Json): void {
    const id = String(update.toolCallId);
    const known = tools.get(id);
    // The first title is the name of the tool; later ones tell what it does.
    const title = known?.title ?? String(update.title ?? '');
    const todos = todosOf(title, update.rawInput);
    if (todos) sink.todos(todos);
    if (known?.told) return;
    const name = known?.name ?? String(update.kind ?? 'tool');
    const summary = summaryOf(update.rawInput);
    const told = summary !== undefined || !['pending', undefined].includes(update.status as string | undefined);
    tools.set(id, { name, title, told });
    const titled = { description: String(update.title ?? ''), input: update.rawInput };
    if (told) sink.toolStarted(name, summary === undefined ? titled : update.rawInput);
  }

  function toolUpdate(update: Json): void {
    const id = String(update.toolCallId);
    toolCall(update);
    const known = tools.get(id);
    if (!known || !['completed', 'failed'].includes(String(update.status))) return;
    tools.delete(id);
    sink.toolEnded(known.name, update.status === 'failed');
  }

  function update(params: Json): void {
    const body = (params.update ?? {}) as Json;
    if (loading) {
      lastUpdateMs = Date.now();
      if (body.sessionUpdate === 'user_message_chunk') userTexts.push(textOf(body.content));
      return;
    }
    if (['agent_message_chunk', 'agent_thought_chunk', 'tool_call', 'plan'].includes(String(body.sessionUpdate)))
      sign();
    if (body.sessionUpdate === 'agent_message_chunk') sink.text(textOf(body.content));
    else if (body.sessionUpdate === 'plan') sink.todos(todosIn(body.entries) ?? []);
    else if (body.sessionUpdate === 'tool_call') toolCall(body);
    else if (body.sessionUpdate === 'tool_call_update') toolUpdate(body);
  }

  async function permission(params: Json): Promise<unknown> {
    askCount += 1;
    const call = (params.toolCall ?? {}) as Json;
    const choices = choicesOf((params.options ?? []) as Option[]);
    sign();
    toolCall({ ...call, status: 'in_progress' });
    const what = summaryOf(call.rawInput) ?? oneLine(String(call.title ?? 'a tool'));
    const choice = await asks.ask({
      id: `ask-${process.pid}-${askCount}`,
      kind: 'permission',
      question: `${String(call.kind ?? 'tool')}: ${what}`,
      choices: [...choices.keys()],
    });
    const optionId = choices.get(choice);
    return { outcome: optionId === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId } };
  }

  const rpc = createRpc(() => lines, {
    onNotification: (method, params) => {
      if (method === 'session/update') update(params);
    },
    onRequest: (method, params) =>
      method === 'session/request_permission'
        ? permission(params)
        : Promise.reject(new Error(`${method} is not offered here`)),
  });

  /** The history comes as updates, from some programs after the answer; it is over when nothing more comes. */
  async function replayed(): Promise<void> {
    const began = Date.now();
    while (userTexts.length === 0 && Date.now() - began < REPLAY_BEGINS_MS) await delay(REPLAY_QUIET_MS / 4);
    while (Date.now() - lastUpdateMs < REPLAY_QUIET_MS) await delay(REPLAY_QUIET_MS / 4);
  }

  async function openSession(canLoad: boolean): Promise<void> {
    const known = readSessionId(config.sessionIdFile);
    const server = config.mcpCommand && { name: 'godel', command: config.mcpCommand, args: [], env: [] };
    const place = { cwd: config.cwd, mcpServers: server ? [server] : [] };
    if (known && canLoad) {
      loading = true;
      const loaded = await rpc.call('session/load', { sessionId: known, ...place }).then(
        () => true,
        (error: unknown) => {
          sink.note(`conversation ${known} could not be continued: ${String(error)}`);
          return false;
        },
      );
      if (loaded) await replayed();
      loading = false;
      if (loaded) {
        sessionId = known;
        return;
      }
    }
    sessionId = String((await rpc.call('session/new', place)).sessionId);
    writeSessionId(config.sessionIdFile, sessionId);
  }

  async function open(): Promise<Opened> {
    lines = spawnLines({
      argv: config.argv,
      cwd: config.cwd,
      env,
      onMessage: rpc.take,
      onNoise: (text) => sink.note(text),
      onEnd(code) {
        rpc.end(`the agent ended with exit code ${code}`);
        sink.ended(code);
      },
    });
    const fs = { readTextFile: false, writeTextFile: false };
    const hello = await rpc.call('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      clientCapabilities: { fs, terminal: false },
    });
    if (config.authMethod) await rpc.call('authenticate', { methodId: config.authMethod });
    const abilities = (hello.agentCapabilities ?? {}) as { loadSession?: boolean };
    await openSession(abilities.loadSession === true);
    return { sessionId, userTexts };
  }

  const say = (text: string) => rpc.call('session/prompt', { sessionId, prompt: [{ type: 'text', text }] });

  /** A command of the program's own is a turn in which nothing is said. */
  async function compact(command: string): Promise<void> {
    sink.turnStarted();
    try {
      await say(command);
    } finally {
      sink.settled();
    }
  }

  const { compactCommand } = config;
  return {
    canSteer: false,
    open,
    ...(compactCommand === undefined ? {} : { compact: () => compact(compactCommand) }),
    async send(prompt) {
      running = prompt;
      sink.turnStarted();
      say(prompt.text).then(
        (result) => {
          sign();
          sink.settled(result.stopReason === 'refusal' ? 'the model refused' : undefined);
        },
        (error: Error) => {
          sign();
          sink.settled(oneLine(error.message, 500));
        },
      );
    },
    async interrupt() {
      asks.giveUp();
      rpc.notify('session/cancel', { sessionId });
    },
    answer: asks.answer,
    close: () => lines.close(),
  };
}
