/** Codex over its app-server: threads, turns and approvals as JSON-RPC. A prompt carries Godel's id as the client's id of its message. */
import type { Json } from '../../../src/base/json-lines.ts';
import { oneLine } from '../summary.ts';
import { todosIn } from '../todos.ts';
import type { Ask, Driver, DriverSink, HostConfig, HostPrompt } from './driver.ts';
import { type JsonLines, type SpawnJsonLines, spawnJsonLines } from './json-lines.ts';
import { createRpc } from './json-rpc.ts';
import { createOpenAsks } from './open-asks.ts';
import { readSessionId, writeSessionId } from './session-id.ts';

interface Item extends Json {
  type: string;
}

const DECISIONS: Readonly<Record<string, string>> = { allow: 'accept', always: 'acceptForSession', deny: 'decline' };

function userText(item: Item): string {
  const content = (item.content ?? []) as { type: string; text?: string }[];
  return content.map((part) => (part.type === 'text' ? (part.text ?? '') : '')).join('');
}

/** Texts of the user's messages of a thread that was resumed. */
export function userTextsOf(thread: Json): string[] {
  const turns = (thread.turns ?? []) as { items?: Item[] }[];
  return turns.flatMap((turn) => (turn.items ?? []).filter((item) => item.type === 'userMessage').map(userText));
}

/** Texts of the user's messages in a rollout file. */
export function userTextsIn(rollout: string): string[] {
  const texts: string[] = [];
  for (const line of rollout.split('\n')) {
    if (!line.includes('"user_message"')) continue;
    try {
      const { payload } = JSON.parse(line) as { payload?: { type?: string; message?: unknown } };
      if (payload?.type === 'user_message' && typeof payload.message === 'string') texts.push(payload.message);
    } catch {
      // A line that was cut by a kill.
    }
  }
  return texts;
}

/** Name and input of an item that is a tool call; undefined for words and thoughts. */
export function toolOf(item: Item): { tool: string; input: Json } | undefined {
  switch (item.type) {
    case 'commandExecution':
      return { tool: 'shell', input: { command: item.command } };
    case 'fileChange': {
      const changes = (item.changes ?? []) as { path?: string }[];
      return { tool: 'edit', input: { path: changes.map((change) => change.path ?? ''), changes } };
    }
    case 'mcpToolCall':
      return { tool: `${String(item.server)}.${String(item.tool)}`, input: (item.arguments ?? {}) as Json };
    case 'webSearch':
      return { tool: 'web-search', input: { query: item.query } };
    default:
      return undefined;
  }
}

function askOf(method: string, params: Json, id: string): Ask {
  if (method === 'item/tool/requestUserInput') {
    const [first] = (params.questions ?? []) as { question?: string; options?: { label: string }[] }[];
    const choices = (first?.options ?? []).map((option) => option.label);
    return { id, kind: 'question', question: first?.question ?? 'a question', choices };
  }
  const what = method.includes('commandExecution') ? `shell: ${oneLine(String(params.command ?? ''))}` : 'edit files';
  const reason = params.reason ? ` (${oneLine(String(params.reason))})` : '';
  return { id, kind: 'permission', question: `${what}${reason}`, choices: ['allow', 'always', 'deny'] };
}

function answerOf(method: string, params: Json, choice: string): Json {
  if (method === 'item/tool/requestUserInput') {
    const [first] = (params.questions ?? []) as { id?: string }[];
    return { answers: { [first?.id ?? '']: { answers: [choice] } } };
  }
  return { decision: DECISIONS[choice] ?? 'decline' };
}

const ASKS = new Set([
  'item/commandExecution/requestApproval',
  'item/fileChange/requestApproval',
  'item/tool/requestUserInput',
]);

export function createCodexDriver(
  config: HostConfig,
  env: NodeJS.ProcessEnv,
  sink: DriverSink,
  spawnLines: SpawnJsonLines = spawnJsonLines,
): Driver {
  let lines: JsonLines;
  let threadId = '';
  let turnId: string | undefined;
  let lastError: string | undefined;
  /** Who waits for the turn that makes the thread shorter. */
  let compacted: ((problem?: string) => void) | undefined;
  const asks = createOpenAsks(sink);

  function started(item: Item): void {
    if (item.type === 'userMessage' && typeof item.clientId === 'string') sink.taken(item.clientId);
    const tool = toolOf(item);
    if (tool) sink.toolStarted(tool.tool, tool.input);
  }

  function completed(item: Item): void {
    const tool = toolOf(item);
    const bad = ['failed', 'declined'].includes(String(item.status));
    if (tool) sink.toolEnded(tool.tool, bad, item.aggregatedOutput ? String(item.aggregatedOutput) : undefined);
    if (item.type === 'agentMessage') sink.text('\n');
  }

  const takers: Readonly<Record<string, (params: Json) => void>> = {
    'turn/started'(params) {
      turnId = String((params.turn as Json).id);
      lastError = undefined;
      sink.turnStarted();
    },
    'turn/completed'(params) {
      const turn = params.turn as { status?: string; error?: { message?: string } };
      turnId = undefined;
      const problem = turn.status === 'failed' ? oneLine(turn.error?.message ?? lastError ?? 'failed', 500) : undefined;
      compacted?.(problem);
      compacted = undefined;
      sink.settled(problem);
    },
    'turn/plan/updated'(params) {
      const todos = todosIn(params.plan);
      if (todos) sink.todos(todos);
    },
    'item/started': (params) => started(params.item as Item),
    'item/completed': (params) => completed(params.item as Item),
    'item/agentMessage/delta': (params) => sink.text(String(params.delta ?? '')),
    error(params) {
      lastError = ((params.error ?? {}) as { message?: string }).message;
      if (lastError) sink.note(lastError);
    },
    'serverRequest/resolved': (params) => asks.withdraw(String(params.requestId)),
  };

  const rpc = createRpc(() => lines, {
    onNotification(method, params) {
      // Hidden helper threads (titles, reviews) report over the same pipe.
      if (params.threadId === undefined || params.threadId === threadId) takers[method]?.(params);
    },
    async onRequest(method, params, requestId) {
      if (!ASKS.has(method)) throw new Error(`${method} is not offered here`);
      return answerOf(method, params, await asks.ask(askOf(method, params, String(requestId))));
    },
  });

  async function openThread(): Promise<Json> {
    const known = readSessionId(config.sessionIdFile);
    const common = { cwd: config.cwd, developerInstructions: config.instructions };
    const answer = known
      ? await rpc.call('thread/resume', { threadId: known, ...common }).catch((error: unknown) => {
          // A thread without a turn was never written; it has nothing to lose.
          sink.note(`conversation ${known} could not be continued: ${String(error)}`);
          return rpc.call('thread/start', common);
        })
      : await rpc.call('thread/start', common);
    return answer.thread as Json;
  }

  async function send(prompt: HostPrompt, steer: boolean): Promise<void> {
    const input = [{ type: 'text', text: prompt.text }];
    const message = { threadId, clientUserMessageId: prompt.id, input };
    if (steer && turnId !== undefined) await rpc.call('turn/steer', { ...message, expectedTurnId: turnId });
    else await rpc.call('turn/start', message);
  }

  return {
    canSteer: true,
    async open() {
      lines = spawnLines({
        argv: config.argv,
        cwd: config.cwd,
        env,
        onMessage: rpc.take,
        onNoise: (text) => sink.note(text),
        onEnd(code) {
          rpc.end(`Codex ended with exit code ${code}`);
          sink.ended(code);
        },
      });
      await rpc.call('initialize', { clientInfo: { name: 'godel', title: 'Godel', version: '1' } });
      rpc.notify('initialized');
      const thread = await openThread();
      threadId = String(thread.id);
      writeSessionId(config.sessionIdFile, threadId);
      const file = typeof thread.path === 'string' ? { file: thread.path } : {};
      return { sessionId: threadId, userTexts: userTextsOf(thread), ...file };
    },
    send,
    async interrupt() {
      if (turnId !== undefined) await rpc.call('turn/interrupt', { threadId, turnId });
    },
    async compact() {
      if (turnId !== undefined) throw new Error('it is in the middle of a turn');
      const ended = new Promise<string | undefined>((settle) => {
        compacted = settle;
      });
      await rpc.call('thread/compact/start', { threadId });
      const problem = await ended;
      if (problem !== undefined) throw new Error(problem);
    },
    answer: asks.answer,
    close: () => lines.close(),
  };
}
