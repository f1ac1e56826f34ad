/**
 * A program with its own face: it runs in a terminal of the host's, which the pane shows as it is. Prompts are pasted
 * into it and are taken when a hook says so; a person may type at any time.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { IPty } from 'node-pty';
import type { Driver, DriverSink, HostConfig, HostPrompt } from './driver.ts';
import { permissionAsk, permissionReply, reportHook, sessionOf } from './hook-events.ts';
import { createHookServer, type HookCall, type HookServer } from './hook-server.ts';
import type { Json } from './json-lines.ts';
import { writeSessionId } from './session-id.ts';

export interface FaceOptions {
  config: HostConfig;
  env: NodeJS.ProcessEnv;
  sink: DriverSink;
  socketFile: string;
  /** Starts the program in a terminal of the size of the pane. */
  terminal: (argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv) => IPty;
  /** Texts of the user's messages in the program's own transcript. */
  userTexts: (transcript: string) => string[];
}

/** Between a pasted text and Enter: some programs take an Enter that comes at once as part of the text. */
const ENTER_PAUSE_MS = 400;
/** How long (ms) to wait for the hook before Enter is pressed again; the text itself is never pasted twice. */
const TAKEN_MS = 4_000;
const MOST_ENTERS = 6;
/** A program that tells nothing of its start is taken as started after this time (ms), or when it has drawn itself. */
const START_MS = 20_000;
const QUIET_MS = 2_000;
const STOP_MS = 5_000;

/** A text as a terminal's input: control characters out, line ends as a paste has them. */
export function pasteOf(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  const plain = text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
  return `\u001b[200~${plain.replaceAll('\n', '\r')}\u001b[201~`;
}

const squeezed = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

export function createFaceDriver(options: FaceOptions): Driver {
  const { config, sink } = options;
  let pty: IPty;
  let server: HookServer;
  let started: ((transcript: string | undefined) => void) | undefined;
  let ended: Promise<void> = Promise.resolve();
  let pending: { prompt: HostPrompt; taken: () => void } | undefined;
  let askCount = 0;
  let known: string | undefined;
  const asks = new Map<string, HookCall>();

  function submitted(text: string): void {
    sink.turnStarted();
    // A long paste comes wrapped in words of the program's own.
    if (!pending || !squeezed(text).includes(squeezed(pending.prompt.text))) return;
    const { prompt, taken } = pending;
    pending = undefined;
    taken();
    sink.taken(prompt.id);
  }

  function permission(call: HookCall): void {
    askCount += 1;
    const id = `ask-${process.pid}-${askCount}`;
    asks.set(id, call);
    call.onGone(() => {
      if (asks.delete(id)) sink.answered(id);
    });
    sink.asked(permissionAsk(id, call.body));
  }

  /** What a tool does after a permission was asked means that it was given in the pane. */
  function withdrawAsks(): void {
    for (const [id, call] of asks) {
      asks.delete(id);
      call.reply();
      sink.answered(id);
    }
  }

  /** The id of a conversation that the program chose is kept for the next life. */
  function noteSession(body: Json): void {
    const { sessionId, file } = sessionOf(body);
    if (sessionId === undefined || sessionId === known) return;
    known = sessionId;
    if (config.sessionId === undefined) writeSessionId(config.sessionIdFile, sessionId);
    sink.session({ sessionId, ...(file ? { file } : {}) });
  }

  function take(call: HookCall): void {
    const { body } = call;
    const event = body.hook_event_name;
    if (event === 'PermissionRequest') return permission(call);
    call.reply();
    if (event === 'PostToolUse' || event === 'PostToolUseFailure' || event === 'Stop') withdrawAsks();
    noteSession(body);
    if (event === 'SessionStart') started?.(sessionOf(body).file);
    else if (event === 'UserPromptSubmit') submitted(String(body.prompt ?? ''));
    else reportHook(body, sink);
  }

  /** Started: a hook says so, or what it drew has stood still for a moment. */
  async function waitForStart(): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = setTimeout(() => started?.(undefined), START_MS);
    pty.onData(() => {
      clearTimeout(timer);
      timer = setTimeout(() => started?.(undefined), QUIET_MS);
    });
    return new Promise<string | undefined>((resolve) => {
      started = resolve;
    }).finally(() => {
      clearTimeout(late);
      clearTimeout(timer);
      started = undefined;
    });
  }

  async function send(prompt: HostPrompt): Promise<void> {
    let isTaken = false;
    const taken = new Promise<void>((resolve) => {
      pending = { prompt, taken: resolve };
    }).then(() => {
      isTaken = true;
    });
    pty.write(pasteOf(prompt.text));
    for (let enters = 0; enters < MOST_ENTERS && !isTaken; enters += 1) {
      await delay(ENTER_PAUSE_MS);
      if (!isTaken) pty.write('\r');
      await Promise.race([taken, delay(TAKEN_MS)]);
    }
    if (isTaken) return;
    pending = undefined;
    throw new Error('it was typed, and the program did not take it');
  }

  return {
    canSteer: false,
    async open() {
      server = createHookServer(options.socketFile, take);
      await server.start();
      pty = options.terminal(config.argv, config.cwd, { ...options.env, GODEL_HOOK_SOCKET: options.socketFile });
      ended = new Promise((resolve) => {
        pty.onExit(({ exitCode, signal }) => {
          resolve();
          sink.ended(exitCode || (signal ? 128 + signal : 0));
        });
      });
      const file = await waitForStart();
      const userTexts = file && existsSync(file) ? options.userTexts(readFileSync(file, 'utf8')) : [];
      return { userTexts, ...(file ? { file } : {}), ...(config.sessionId ? { sessionId: config.sessionId } : {}) };
    },
    send,
    async interrupt() {
      pty.write('\u001b');
    },
    async answer(askId, choice) {
      const call = asks.get(askId);
      if (!call) return;
      asks.delete(askId);
      call.reply(permissionReply(choice));
      sink.answered(askId);
    },
    async close() {
      pty?.kill('SIGTERM');
      await Promise.race([ended, delay(STOP_MS)]);
      pty?.kill('SIGKILL');
      await server?.stop();
    },
  };
}
