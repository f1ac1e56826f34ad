/**
 * opencode with its own screen: the program in the pane serves an interface of its own, over which prompts, questions and
 * states pass. A person may type and answer there at any time; both ends see one conversation.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { IPty } from 'node-pty';
import { freePort } from '../../../src/base/free-port.ts';
import type { Json } from '../../../src/base/json-lines.ts';
import { oneLine } from '../summary.ts';
import { todosOf } from '../todos.ts';
import type { Ask, Driver, DriverSink, HostConfig, HostPrompt } from './driver.ts';
import type { TitleSays } from './face-program.ts';
import { createScreenWatch } from './face-screen.ts';
import { json } from './json-lines.ts';
import { createOpencodeApi, OPENCODE_PROVIDER, type OpencodeApi } from './opencode-api.ts';
import { createOpencodeAsks } from './opencode-asks.ts';
import { readSessionId, writeSessionId } from './session-id.ts';
import { endTerminal, untilEnded } from './terminal-end.ts';

export interface OpencodeOptions {
  config: HostConfig;
  env: NodeJS.ProcessEnv;
  sink: DriverSink;
  /** Starts the program in a terminal of the size of the pane. */
  terminal: (argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv) => IPty;
  /** Our end of the interface that it serves. */
  api?: typeof createOpencodeApi;
}

const START_MS = 120_000;
const SHOWN_MS = 60_000;
const TAKEN_MS = 60_000;
/** A summary is one answer of a model over the whole conversation. */
const COMPACT_MS = 290_000;

/** A title tells that its screen is drawn, and nothing more. */
export const readOpencodeTitle = (title: string): TitleSays | undefined =>
  /^(OpenCode|OC \|)/.test(title) ? 'idle' : undefined;

/** Texts of the user's messages of a conversation, as the interface gives it. Pure. */
export function userTextsOf(messages: readonly Json[]): string[] {
  return messages
    .filter((message) => json(message.info).role === 'user')
    .map((message) =>
      ((message.parts ?? []) as Json[])
        .filter((part) => part.type === 'text' && part.synthetic !== true)
        .map((part) => String(part.text ?? ''))
        .join('\n'),
    );
}

export function createOpencodeDriver(options: OpencodeOptions): Driver {
  const { config, sink } = options;
  let pty: IPty;
  let api: OpencodeApi;
  let ended: Promise<void> = Promise.resolve();
  let sessionId = '';
  let busy = false;
  let lastError: string | undefined;
  let pending: { text: string; taken: () => void } | undefined;
  let compacted = () => {};
  const asks = createOpencodeAsks();
  const children = new Set<string>();
  const users = new Set<string>();
  const tools = new Set<string>();
  /** Told when nothing is asked any more: a call is said to run while a person is asked for leave. */
  const later: (() => void)[] = [];
  const screen = createScreenWatch(readOpencodeTitle, () => {});

  function begin(): void {
    if (busy) return;
    busy = true;
    lastError = undefined;
    sink.turnStarted();
  }

  function answered(id: string): void {
    if (!asks.close(id)) return;
    sink.answered(id);
    if (asks.ids().length === 0) for (const tell of later.splice(0)) tell();
  }

  function finish(): void {
    if (!busy) return;
    busy = false;
    later.length = 0;
    // What was broken off ends after its turn.
    tools.clear();
    for (const id of asks.ids()) answered(id);
    sink.settled(lastError);
  }

  /** Somebody may go on in another conversation of the pane: that is the agent's then. */
  function settleSession(id: string): void {
    if (id === sessionId || children.has(id)) return;
    sessionId = id;
    writeSessionId(config.sessionIdFile, id);
    sink.session({ sessionId: id });
  }

  function message(properties: Json): void {
    const info = json(properties.info);
    if (info.role !== 'user' || users.has(String(info.id))) return;
    users.add(String(info.id));
    settleSession(String(info.sessionID));
  }

  function tool(part: Json): void {
    const [id, name, state] = [String(part.callID), String(part.tool), json(part.state)];
    if (state.status === 'running' && busy && !tools.has(id)) {
      tools.add(id);
      const todos = todosOf(name, state.input);
      if (todos) sink.todos(todos);
      if (asks.ids().length > 0) later.push(() => sink.toolStarted(name, state.input));
      else sink.toolStarted(name, state.input);
    } else if ((state.status === 'completed' || state.status === 'error') && tools.delete(id))
      sink.toolEnded(name, state.status === 'error');
  }

  function part(properties: Json): void {
    const body = json(properties.part);
    if (body.type === 'tool') return tool(body);
    if (body.type !== 'text' || !users.has(String(body.messageID)) || pending?.text !== body.text) return;
    const { taken } = pending as { taken: () => void };
    pending = undefined;
    begin();
    taken();
  }

  function asked(ask: Ask | undefined): void {
    if (!ask) return;
    begin();
    sink.asked(ask);
  }

  const permission = (properties: Json) => asked(asks.permission(properties));
  const question = (properties: Json) => asked(asks.question(properties));

  function status(id: unknown, type: unknown): void {
    if (id !== sessionId) return;
    if (type === 'idle') finish();
    else begin();
  }

  const over = (properties: Json) => answered(asks.of(String(properties.requestID ?? properties.permissionID)) ?? '');
  const takers: Readonly<Record<string, (properties: Json) => void>> = {
    'session.created'(properties) {
      const info = json(properties.info);
      if (info.parentID !== undefined) children.add(String(info.id));
    },
    'session.status': (properties) => status(properties.sessionID, json(properties.status).type),
    'session.idle': (properties) => status(properties.sessionID, 'idle'),
    'session.compacted'(properties) {
      if (properties.sessionID === sessionId) compacted();
    },
    'session.error'(properties) {
      const error = json(properties.error);
      if (error.name === 'MessageAbortedError') return;
      lastError = oneLine(String(json(error.data).message ?? error.name), 500);
    },
    'message.updated': message,
    'message.part.updated': part,
    'permission.asked': permission,
    'permission.replied': over,
    'question.asked': question,
    'question.replied': over,
    'question.rejected': over,
  };

  /** What was missed while the stream was cut. */
  async function catchUp(): Promise<void> {
    const running = await api.get<Record<string, { type?: string }>>('/session/status');
    status(sessionId, running[sessionId]?.type ?? 'idle');
    for (const each of await api.get<Json[]>('/permission')) permission(each);
    for (const each of await api.get<Json[]>('/question')) question(each);
  }

  async function openSession(): Promise<string[]> {
    const known = readSessionId(config.sessionIdFile);
    const messages = known
      ? await api.get<Json[]>(`/session/${known}/message`).catch((error: unknown) => {
          sink.note(`conversation ${known} could not be continued: ${String(error)}`);
          return undefined;
        })
      : undefined;
    sessionId = known && messages ? known : String((await api.post('/session', {})).id);
    writeSessionId(config.sessionIdFile, sessionId);
    // Its screen takes an order when it was drawn.
    await Promise.race([screen.turnsTo(['idle'], SHOWN_MS), ended]);
    await api.post('/tui/select-session', { sessionID: sessionId });
    return userTextsOf(messages ?? []);
  }

  return {
    canSteer: false,
    async open() {
      const [port, password] = [await freePort(), randomBytes(24).toString('hex')];
      api = (options.api ?? createOpencodeApi)(port, password);
      const env = { ...options.env, OPENCODE_SERVER_PASSWORD: password };
      pty = options.terminal([...config.argv, '--port', String(port)], config.cwd, env);
      pty.onData((output) => screen.take(output));
      ended = untilEnded(pty, (code) => {
        api.stop();
        sink.ended(code);
      });
      await api.ready(START_MS);
      void api.follow(
        (type, properties) => takers[type]?.(properties),
        () => void catchUp().catch((error: unknown) => sink.note(String(error))),
      );
      const userTexts = await openSession();
      return { sessionId, userTexts };
    },
    async send(prompt: HostPrompt) {
      const taken = new Promise<boolean>((resolve) => {
        pending = { text: prompt.text, taken: () => resolve(true) };
      });
      await api.post(`/session/${sessionId}/prompt_async`, { parts: [{ type: 'text', text: prompt.text }] });
      if (!(await Promise.race([taken, delay(TAKEN_MS, false)]))) throw new Error('it did not take the prompt');
      sink.taken(prompt.id);
    },
    async interrupt() {
      await api.post(`/session/${sessionId}/abort`, {});
    },
    async compact() {
      if (busy) throw new Error('it is in the middle of a turn');
      const isDone = new Promise<void>((resolve) => {
        compacted = resolve;
      });
      const model = { providerID: OPENCODE_PROVIDER, modelID: config.model };
      // It answers at the end of the turn in which the summary is written.
      await api.post(`/session/${sessionId}/summarize`, model, COMPACT_MS);
      if (!(await Promise.race([isDone.then(() => true), delay(SHOWN_MS, false)])))
        throw new Error(lastError ?? 'it has not said that it did');
    },
    async answer(askId, choice) {
      const answer = asks.answer(askId, choice);
      if (!answer) return;
      if ('next' in answer) asked(answer.next);
      else await api.post(answer.reply.path, answer.reply.body);
      answered(askId);
    },
    async close() {
      api?.stop();
      await endTerminal(pty, ended);
    },
  };
}
