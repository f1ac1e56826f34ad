/** Claude Code over stream-json: prompts carry Godel's id as their uuid, and the program says it back when it takes one. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '../../../src/base/json-lines.ts';
import { messageText } from '../message-text.ts';
import { oneLine, summaryOf } from '../summary.ts';
import { todosOf } from '../todos.ts';
import type { Driver, DriverSink, HostConfig } from './driver.ts';
import { type JsonLines, type SpawnJsonLines, spawnJsonLines } from './json-lines.ts';

interface Part extends Json {
  type: string;
}

/** Where Claude Code keeps a conversation: the folder is the working directory with dashes. */
export function transcriptFile(configDir: string, cwd: string, sessionId: string): string {
  return join(configDir, 'projects', cwd.replaceAll(/[^A-Za-z0-9]/g, '-'), `${sessionId}.jsonl`);
}

/** A long paste is kept between marks of the program's own. */
export const unwrapped = (text: string): string =>
  /^\s*<pasted_content id="[^"]*">\n([\s\S]*)\n<\/pasted_content id="[^"]*">\s*$/.exec(text)?.[1] ?? text;

/** Texts of the user's messages in a transcript; lines of other kinds are passed over. */
export function userTextsIn(transcript: string): string[] {
  const texts: string[] = [];
  for (const line of transcript.split('\n')) {
    if (!line.includes('"user"')) continue;
    try {
      const entry = JSON.parse(line) as { type?: string; message?: { content?: unknown } };
      if (entry.type === 'user') texts.push(unwrapped(messageText(entry.message?.content)));
    } catch {
      // A line that was cut by a kill.
    }
  }
  return texts.filter((text) => text !== '');
}

export interface Pending {
  input: Json;
  suggestions: unknown;
  /** Those that are open, the first of which is asked now. */
  questions: { question: string; options?: { label: string }[] }[];
  answers: Readonly<Record<string, string>>;
}

/** What a request for a permission, or a question of the program, is about. */
export function pendingOf(request: Json): Pending {
  const input = (request.input ?? {}) as Json;
  const all = request.tool_name === 'AskUserQuestion' && Array.isArray(input.questions) ? input.questions : [];
  const answers = (request.answers ?? {}) as Record<string, string>;
  const questions = (all as Pending['questions']).filter(({ question }) => answers[question] === undefined);
  return { input, suggestions: request.permission_suggestions, questions, answers };
}

/** The same request with one of its questions answered, where another is still to be asked. Pure. */
export function nextQuestion(request: Json, pending: Pending, choice: string): Json | undefined {
  const [first] = pending.questions;
  if (!first || pending.questions.length === 1) return undefined;
  return { ...request, answers: { ...pending.answers, [first.question]: choice } };
}

/** The answer to `can_use_tool` for a choice of a person. Pure. */
export function permissionResult(pending: Pending, choice: string): Json {
  const [first] = pending.questions;
  if (first) {
    const answers = { ...pending.answers, [first.question]: choice };
    return { behavior: 'allow', updatedInput: { ...pending.input, answers } };
  }
  if (choice === 'allow' || choice === 'always') {
    const updatedPermissions =
      choice === 'always' && pending.suggestions ? { updatedPermissions: pending.suggestions } : {};
    return { behavior: 'allow', updatedInput: pending.input, ...updatedPermissions };
  }
  const reason = choice === 'deny' ? 'A person refused this.' : `A person refused this: ${choice}`;
  return { behavior: 'deny', message: reason };
}

export function createClaudeDriver(
  config: HostConfig,
  env: NodeJS.ProcessEnv,
  sink: DriverSink,
  spawnLines: SpawnJsonLines = spawnJsonLines,
): Driver {
  let lines: JsonLines;
  let busy = false;
  let interrupted = false;
  let ready: (() => void) | undefined;
  let failed: ((error: Error) => void) | undefined;
  const asks = new Map<string, { requestId: string; body: Json }>();
  const tools = new Map<string, string>();
  const handed = new Set<string>();
  let control = 0;
  /** A summary that was asked for: whether its mark was seen, and who waits. */
  let compacting: { done: boolean; settle: (problem?: string) => void } | undefined;

  function request(body: Json): void {
    control += 1;
    lines.send({ type: 'control_request', request_id: `godel-${control}`, request: body });
  }

  function begin(): void {
    if (busy) return;
    busy = true;
    interrupted = false;
    sink.turnStarted();
  }

  function assistant(message: Json): void {
    begin();
    for (const part of (((message.message ?? {}) as Json).content ?? []) as Part[]) {
      if (part.type !== 'tool_use') continue;
      tools.set(String(part.id), String(part.name));
      const todos = todosOf(String(part.name), part.input);
      if (todos) sink.todos(todos);
      sink.toolStarted(String(part.name), part.input);
    }
  }

  function taken(id: string): void {
    if (handed.delete(id)) sink.taken(id);
  }

  /** The request for a prompt goes out before the prompt is said back: that happens with the first words of the answer. */
  function system(message: Json): void {
    if (message.subtype === 'compact_boundary' && compacting) compacting.done = true;
    if (message.subtype !== 'status' || message.status !== 'requesting') return;
    const [first] = handed;
    if (!busy && first !== undefined) taken(first);
    begin();
  }

  function user(message: Json): void {
    if (message.isReplay === true) {
      taken(String(message.uuid));
      return begin();
    }
    const content = ((message.message ?? {}) as Json).content;
    for (const part of (Array.isArray(content) ? content : []) as Part[]) {
      if (part.type !== 'tool_result') continue;
      const tool = tools.get(String(part.tool_use_id)) ?? 'tool';
      tools.delete(String(part.tool_use_id));
      sink.toolEnded(tool, part.is_error === true, messageText(part.content));
    }
  }

  function result(message: Json): void {
    busy = false;
    const errors = Array.isArray(message.errors) ? message.errors.join('; ') : '';
    const failure = message.is_error === true ? String(message.result ?? errors ?? message.subtype) : undefined;
    const asError = interrupted ? undefined : failure;
    interrupted = false;
    if (compacting)
      compacting.settle(compacting.done ? undefined : (failure ?? String(message.result ?? 'it did not')));
    compacting = undefined;
    sink.settled(asError === undefined ? undefined : oneLine(asError, 500));
  }

  function ask(requestId: string, body: Json): void {
    const pending = pendingOf(body);
    const [first] = pending.questions;
    const before = Object.keys(pending.answers).length;
    const id = before === 0 ? requestId : `${requestId}.${before}`;
    asks.set(id, { requestId, body });
    if (first) {
      const choices = (first.options ?? []).map((option) => option.label);
      return sink.asked({ id, kind: 'question', question: first.question, choices });
    }
    const what = summaryOf(body.input);
    const question = what ? `${String(body.tool_name)}: ${what}` : String(body.tool_name);
    sink.asked({ id, kind: 'permission', question, choices: ['allow', 'always', 'deny'] });
  }

  function controlRequest(message: Json): void {
    const body = (message.request ?? {}) as Json;
    const id = String(message.request_id);
    if (body.subtype === 'can_use_tool') return ask(id, body);
    const error = `${String(body.subtype)} is not offered here`;
    lines.send({ type: 'control_response', response: { subtype: 'error', request_id: id, error } });
  }

  function controlResponse(message: Json): void {
    const response = (message.response ?? {}) as Json;
    if (response.request_id !== 'godel-1') return;
    if (response.subtype === 'success') ready?.();
    else failed?.(new Error(String(response.error ?? 'initialize was refused')));
  }

  function stream(message: Json): void {
    if (message.parent_tool_use_id) return;
    const event = (message.event ?? {}) as Json;
    const delta = (event.delta ?? {}) as Json;
    if (event.type === 'content_block_delta' && delta.type === 'text_delta') sink.text(String(delta.text));
  }

  const takers: Readonly<Record<string, (message: Json) => void>> = {
    assistant,
    system,
    user,
    result,
    stream_event: stream,
    control_request: controlRequest,
    control_response: controlResponse,
    control_cancel_request(message) {
      for (const [id, { requestId }] of asks)
        if (requestId === String(message.request_id) && asks.delete(id)) sink.answered(id);
    },
  };

  function open(): Promise<void> {
    return new Promise((resolve, reject) => {
      ready = resolve;
      failed = reject;
      lines = spawnLines({
        argv: config.argv,
        cwd: config.cwd,
        env,
        onMessage: (message) => takers[String(message.type)]?.(message),
        onNoise: (text) => sink.note(text),
        onEnd(code) {
          reject(new Error(`Claude Code ended with exit code ${code}`));
          sink.ended(code);
        },
      });
      request({ subtype: 'initialize' });
    });
  }

  return {
    canSteer: true,
    async open() {
      const { sessionId } = config;
      const file = sessionId && transcriptFile(env.CLAUDE_CONFIG_DIR ?? '', config.cwd, sessionId);
      const userTexts = file && existsSync(file) ? userTextsIn(readFileSync(file, 'utf8')) : [];
      await open();
      return { userTexts, ...(sessionId ? { sessionId } : {}), ...(file ? { file } : {}) };
    },
    async send({ id, text }) {
      handed.add(id);
      lines.send({ type: 'user', uuid: id, message: { role: 'user', content: text } });
    },
    async interrupt() {
      if (!busy) return;
      interrupted = true;
      request({ subtype: 'interrupt' });
    },
    async compact() {
      if (busy) throw new Error('it is in the middle of a turn');
      const problem = await new Promise<string | undefined>((settle) => {
        compacting = { done: false, settle };
        lines.send({ type: 'user', message: { role: 'user', content: '/compact' } });
      });
      if (problem !== undefined) throw new Error(oneLine(problem, 500));
    },
    async answer(askId, choice) {
      const asked = asks.get(askId);
      if (!asked) return;
      asks.delete(askId);
      const { requestId, body } = asked;
      const pending = pendingOf(body);
      const next = nextQuestion(body, pending, choice);
      const response = { subtype: 'success', request_id: requestId, response: permissionResult(pending, choice) };
      if (next) ask(requestId, next);
      else lines.send({ type: 'control_response', response });
      sink.answered(askId);
    },
    close: () => lines.close(),
  };
}
