/** Pi in rpc mode. It gives no id back for a prompt, so a prompt is known by its text when it appears in the conversation. */

import type { Json } from '../../../src/base/json-lines.ts';
import { messageText } from '../message-text.ts';
import { todosOf } from '../todos.ts';
import type { Driver, DriverSink, HostConfig, HostPrompt } from './driver.ts';
import { type JsonLines, type SpawnJsonLines, spawnJsonLines } from './json-lines.ts';

export function createPiDriver(
  config: HostConfig,
  env: NodeJS.ProcessEnv,
  sink: DriverSink,
  spawnLines: SpawnJsonLines = spawnJsonLines,
): Driver {
  let lines: JsonLines;
  let busy = false;
  let lastError: string | undefined;
  let next = 1;
  /** Settled while nothing is compacted; Pi takes no prompt meanwhile. */
  let compacting: Promise<unknown> = Promise.resolve();
  const handed: HostPrompt[] = [];
  const waiting = new Map<string, { resolve: (data: Json) => void; reject: (error: Error) => void }>();

  function call(type: string, fields: Json = {}): Promise<Json> {
    const id = `godel-${next}`;
    next += 1;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      lines.send({ id, type, ...fields });
    });
  }

  function respond(message: Json): void {
    const call = waiting.get(String(message.id));
    if (!call) return;
    waiting.delete(String(message.id));
    if (message.success === true) call.resolve((message.data ?? {}) as Json);
    else call.reject(new Error(String(message.error ?? 'refused')));
  }

  function messageStarted(message: Json): void {
    const { role, content } = (message.message ?? {}) as { role?: string; content?: unknown };
    if (role !== 'user') return;
    const text = messageText(content);
    const index = handed.findIndex((prompt) => prompt.text === text);
    const [prompt] = index < 0 ? [] : handed.splice(index, 1);
    if (prompt) sink.taken(prompt.id);
  }

  const takers: Readonly<Record<string, (message: Json) => void>> = {
    response: respond,
    agent_start() {
      busy = true;
      lastError = undefined;
      sink.turnStarted();
    },
    message_start: messageStarted,
    message_update(message) {
      const event = (message.assistantMessageEvent ?? {}) as Json;
      if (event.type === 'text_delta') sink.text(String(event.delta ?? ''));
    },
    tool_execution_start(message) {
      const todos = todosOf(String(message.toolName), message.args);
      if (todos) sink.todos(todos);
      sink.toolStarted(String(message.toolName), message.args);
    },
    tool_execution_end: (message) =>
      sink.toolEnded(
        String(message.toolName),
        message.isError === true,
        messageText(((message.result ?? {}) as Json).content),
      ),
    turn_end(message) {
      const { stopReason, errorMessage } = (message.message ?? {}) as { stopReason?: string; errorMessage?: string };
      lastError = stopReason === 'error' ? (errorMessage ?? 'unknown error') : undefined;
    },
    agent_settled() {
      busy = false;
      sink.settled(lastError);
    },
  };

  return {
    canSteer: true,
    async open() {
      lines = spawnLines({
        argv: config.argv,
        cwd: config.cwd,
        env,
        onMessage: (message) => takers[String(message.type)]?.(message),
        onNoise: (text) => sink.note(text),
        onEnd(code) {
          for (const each of waiting.values()) each.reject(new Error(`Pi ended with exit code ${code}`));
          waiting.clear();
          sink.ended(code);
        },
      });
      const state = await call('get_state');
      const { messages } = (await call('get_messages')) as { messages?: { role?: string; content?: unknown }[] };
      const userTexts = (messages ?? [])
        .filter((each) => each.role === 'user')
        .map((each) => messageText(each.content));
      const file = typeof state.sessionFile === 'string' ? { file: state.sessionFile } : {};
      return { userTexts, ...file, ...(typeof state.sessionId === 'string' ? { sessionId: state.sessionId } : {}) };
    },
    async send(prompt, steer) {
      await compacting.catch(() => undefined);
      handed.push(prompt);
      const behavior = busy ? { streamingBehavior: steer ? 'steer' : 'followUp' } : {};
      await call('prompt', { message: prompt.text, ...behavior }).catch((error: unknown) => {
        handed.splice(handed.indexOf(prompt), 1);
        throw error;
      });
    },
    async interrupt() {
      if (busy) await call('abort');
    },
    async compact() {
      compacting = call('compact');
      await compacting;
    },
    async answer() {
      // Pi asks nothing by itself.
    },
    close: () => lines.close(),
  };
}
