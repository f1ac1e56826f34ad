/**
 * A program with its own face: it runs in a terminal of the host's, which the pane shows as it is. Prompts are pasted
 * into it and are taken when a hook says so; its hooks and its title tell what it does; a person may type at any time.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { IPty } from 'node-pty';
import type { Json } from '../../../src/base/json-lines.ts';
import { type Driver, type DriverSink, type HostConfig, type HostPrompt, REFUSAL } from './driver.ts';
import { createFaceAsks } from './face-asks.ts';
import { createFaceDraft, ENTER_PAUSE_MS, pasteOf } from './face-draft.ts';
import type { FaceProgram, TitleSays } from './face-program.ts';
import { createScreenWatch } from './face-screen.ts';
import { errorOf, reportHook, sessionOf, TOOLS_LISTED } from './hook-events.ts';
import { createHookServer, type HookCall, type HookServer } from './hook-server.ts';
import { writeSessionId } from './session-id.ts';
import { tailOf } from './tail.ts';
import type { Keys } from './terminal.ts';
import { endTerminal, untilEnded } from './terminal-end.ts';

export interface FaceOptions {
  config: HostConfig;
  program: FaceProgram;
  env: NodeJS.ProcessEnv;
  sink: DriverSink;
  socketFile: string;
  /** Where its hooks report. */
  hooks?: typeof createHookServer;
  /** Starts the program in a terminal of the size of the pane. */
  terminal: (argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv) => IPty;
  /** What a person types into the pane. */
  keys?: Keys;
}

/** How long (ms) to wait for the hook before Enter is pressed again; the text itself is never pasted twice. */
const TAKEN_MS = 4_000;
const MOST_ENTERS = 6;
/** A program that tells nothing of its start is taken as started after this time (ms). */
const START_MS = 30_000;
/** How long (ms) its input and its tools may take after that; a program without them is of use as well. */
const READY_MS = 20_000;
/** A title counts when it stands this long (ms): between two steps it may say something else for a moment. */
const TITLE_MS = 800;
/** After an answer the title of the dialog may stand until the tool runs: from outside a hook tells the end, in the pane it may not (ms). */
const ANSWERED_MS = 5_000;
const ANSWERED_HERE_MS = 1_500;
const ESCAPE_MS = 2_500;
const MOST_ESCAPES = 4;
/** A dialog is drawn a moment after its hook, and closes a moment after its key (ms). */
const DIALOG_MS = 6_000;
const KEY_MS = 2_000;
const REST_MS = 1_000;
/** Its own command that makes the conversation shorter, which is one answer of a model; a refusal comes at once (ms). */
const COMPACT = '/compact';
const COMPACT_MS = 290_000;
const REFUSED_MS = 8_000;
const ESCAPE = '\u001b';

const squeezed = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

export function createFaceDriver(options: FaceOptions): Driver {
  const { config, program, sink } = options;
  let pty: IPty;
  let server: HookServer;
  let toolsListed = () => {};
  const tools = new Promise<void>((resolve) => {
    toolsListed = resolve;
  });
  let started: ((by: FaceProgram['startsBy'], transcript?: string) => void) | undefined;
  let ended: Promise<void> = Promise.resolve();
  let pending: { text: string; taken: () => void } | undefined;
  let known: string | undefined;
  let busy = false;
  let turns = 0;
  let beganMs = 0;
  let transcript: string | undefined;
  const overs: (() => void)[] = [];
  /** A refusal is on its way: the turn that it ended goes on with it. */
  let refusing = false;
  /** Lines that may stand in the input since the last interrupt: some programs put the prompt back there. */
  let putBack = 0;
  let lastLines = 1;
  /** Settled while its conversation is not made shorter: what is typed meanwhile could be lost. */
  let compacting: Promise<void> = Promise.resolve();
  let standing: NodeJS.Timeout | undefined;
  const asks = createFaceAsks(program, sink, () => stand('idle', { afterMs: ANSWERED_HERE_MS }));
  const screen = createScreenWatch(program.readTitle, titled);
  const draft = createFaceDraft({
    keys: options.keys,
    isAsking: () => asks.count() > 0 || screen.says() === 'waiting',
    isTaken: () => busy && !refusing,
    putThere: () => putBack,
    clearing: program.clearing,
    write: (keys) => pty.write(keys),
  });

  function begin(): void {
    if (busy) return;
    busy = true;
    beganMs = Date.now();
    turns += 1;
    sink.turnStarted();
  }

  function finish(error = transcript && program.errorIn?.(tailOf(transcript), beganMs)): void {
    if (!busy || refusing) return;
    busy = false;
    // A title of this turn that still stands says nothing about the next.
    clearTimeout(standing);
    asks.giveUp();
    for (const over of overs.splice(0)) over();
    sink.settled(error);
  }

  /** No hook tells of an interrupt, or of what a command of the program's own does; the title does. */
  function stand(says: TitleSays, how: { answers?: boolean; afterMs?: number } = {}): void {
    clearTimeout(standing);
    if (says === 'waiting') return;
    standing = setTimeout(() => {
      if (screen.says() !== says) return;
      if (how.answers) asks.giveUp();
      if (says === 'busy' && !started) begin();
      if (says === 'idle') started?.('title');
      // A dialog whose hook waits may leave the title of an idle program.
      if (says !== 'idle' || (program.reply && asks.count() > 0)) return;
      // No hook told the end: it was broken off, by whomever, and its prompt may be in the input again.
      if (busy) putBack = lastLines;
      finish();
    }, how.afterMs ?? TITLE_MS);
  }

  function titled(says: TitleSays, before: TitleSays | undefined): void {
    if (before === 'waiting') asks.giveUp();
    // A dialog whose title was that of an idle program was answered in the pane: its tool runs now.
    stand(says, { answers: says === 'busy' && before === 'idle' && asks.count() > 0 });
  }

  function submitted(text: string): void {
    begin();
    putBack = 0;
    // A long paste comes wrapped in words of the program's own.
    if (!pending || !squeezed(text).includes(squeezed(pending.text))) return;
    const { taken } = pending;
    pending = undefined;
    taken();
  }

  /** The id of a conversation that the program chose is kept for the next life. */
  function noteSession(body: Json): void {
    const { sessionId, file } = sessionOf(body);
    transcript = file ?? transcript;
    // The file may be another one than the program meant to write when it started.
    if (sessionId === undefined || known === `${sessionId} ${file}`) return;
    known = `${sessionId} ${file}`;
    if (config.sessionId === undefined) writeSessionId(config.sessionIdFile, sessionId);
    sink.session({ sessionId, ...(file ? { file } : {}) });
  }

  function take(told: HookCall): void {
    const body = program.translate ? program.translate(told.body) : told.body;
    if (!body) return told.reply();
    const call = { ...told, body };
    const event = body.hook_event_name;
    if (event === TOOLS_LISTED) {
      call.reply();
      return toolsListed();
    }
    if (event === 'PermissionRequest') {
      begin();
      return asks.add(call);
    }
    call.reply();
    noteSession(body);
    if (event === 'PostToolUse' || event === 'PostToolUseFailure') asks.toolEnded(body);
    if (event === 'SessionStart') started?.('hook', sessionOf(body).file);
    else if (event === 'UserPromptSubmit') submitted(String(body.prompt ?? ''));
    else if (event === 'Stop' || event === 'StopFailure') finish(errorOf(body));
    else {
      begin();
      reportHook(body, sink);
    }
  }

  /** Started: a hook or a title that stands says so, it takes pastes, and its first request has Godel's tools. */
  async function waitForStart(): Promise<string | undefined> {
    let late: NodeJS.Timeout | undefined;
    const told = new Promise<string | undefined>((resolve) => {
      late = setTimeout(() => resolve(undefined), START_MS);
      // By a title only where no hook comes before the first prompt.
      started = (by, file) => {
        if (by === 'hook' || program.startsBy === 'title') resolve(file);
      };
    });
    const file = await told;
    clearTimeout(late);
    const ready = program.waitsForTools ? Promise.all([screen.takesPaste, tools]) : screen.takesPaste;
    await Promise.race([ready, ended, delay(READY_MS)]);
    if (program.drawsFirst) await screen.rests(REST_MS, READY_MS);
    started = undefined;
    return file;
  }

  async function put(text: string, onTaken: () => void): Promise<boolean> {
    const typed = await draft.take();
    putBack = 0;
    try {
      return await paste(text, onTaken);
    } finally {
      await draft.putBack(typed);
      draft.release();
    }
  }

  /** Pastes a text and presses Enter until a hook says that it was taken; false when none does. */
  async function paste(text: string, onTaken: () => void): Promise<boolean> {
    let isTaken = false;
    const taken = new Promise<void>((resolve) => {
      pending = { text, taken: resolve };
    }).then(() => {
      isTaken = true;
      onTaken();
    });
    lastLines = text.split('\n').length;
    pty.write(pasteOf(text));
    for (let enters = 0; enters < MOST_ENTERS && !isTaken; enters += 1) {
      await delay(ENTER_PAUSE_MS);
      if (!isTaken) pty.write('\r');
      await Promise.race([taken, delay(TAKEN_MS)]);
    }
    if (!isTaken) pending = undefined;
    return isTaken;
  }

  async function send(prompt: HostPrompt): Promise<void> {
    await compacting.catch(() => undefined);
    const isTaken = await put(prompt.text, () => sink.taken(prompt.id));
    if (!isTaken) throw new Error('it was typed, and the program did not take it');
  }

  /** No hook tells that a command of its own is over: its transcript does, where it did what it was told to. */
  async function compact(): Promise<void> {
    if (busy) throw new Error('it is in the middle of a turn');
    const typed = await draft.take();
    putBack = 0;
    const beganMs = Date.now();
    pty.write(COMPACT);
    await delay(ENTER_PAUSE_MS);
    pty.write('\r');
    draft.release();
    // What is put into the input meanwhile could be lost.
    await compacted(beganMs).finally(() => draft.putBack(typed));
  }

  async function compacted(beganMs: number): Promise<void> {
    let restMs = 0;
    for (const step = 200; restMs < REFUSED_MS && Date.now() - beganMs < COMPACT_MS; await delay(step)) {
      if (transcript && program.compactedIn(tailOf(transcript), beganMs)) return;
      restMs = screen.says() === 'busy' ? 0 : restMs + step;
    }
    throw new Error('it was told to, and has not said that it did');
  }

  async function interrupt(): Promise<void> {
    const turn = turns;
    const isOver = () => !busy || turns !== turn;
    for (let presses = 0; presses < MOST_ESCAPES && !isOver(); presses += 1) {
      const over = new Promise<void>((resolve) => {
        overs.push(resolve);
      });
      putBack = lastLines;
      pty.write(ESCAPE);
      await Promise.race([over, delay(ESCAPE_MS)]);
    }
    if (!isOver()) throw new Error('it was told to stop, and goes on');
  }

  /** The program says nothing more after a refusal in its dialog: it is told, so that its work goes on. */
  async function refuse(): Promise<void> {
    await screen.turnsTo(['idle'], KEY_MS);
    await delay(TITLE_MS);
    await put(REFUSAL, () => {});
  }

  /** Presses a key of the dialog; `allow` where it does not have the choice. */
  async function press(askId: string, choice: string, body: Json): Promise<void> {
    if (!(await screen.turnsTo(['waiting'], DIALOG_MS))) throw new Error('its question is not on the screen');
    refusing = choice !== 'allow' && choice !== 'always';
    try {
      for (const word of choice === 'always' ? [choice, 'allow'] : [choice]) {
        pty.write(program.keys?.(word, body) ?? '');
        // Its title goes on saying that it waits: for the answer to the next.
        if (!refusing && program.askedMs && asks.count() > 1) {
          await screen.rests(ENTER_PAUSE_MS, KEY_MS);
          return asks.close(askId);
        }
        if (await screen.turnsTo(['busy', 'idle'], KEY_MS)) break;
      }
      if (refusing) await refuse();
    } finally {
      refusing = false;
      if (screen.says() === 'idle') stand('idle');
    }
  }

  return {
    canSteer: false,
    async open() {
      server = (options.hooks ?? createHookServer)(options.socketFile, take);
      await server.start();
      pty = options.terminal(config.argv, config.cwd, { ...options.env, GODEL_HOOK_SOCKET: options.socketFile });
      pty.onData((output) => screen.take(output));
      ended = untilEnded(pty, sink.ended);
      const told = await waitForStart();
      const file = told && existsSync(told) ? told : config.conversationFile;
      const userTexts = file && existsSync(file) ? program.userTexts(readFileSync(file, 'utf8')) : [];
      return { userTexts, ...(file ? { file } : {}), ...(config.sessionId ? { sessionId: config.sessionId } : {}) };
    },
    send,
    interrupt,
    async compact() {
      compacting = compact();
      await compacting;
    },
    async answer(askId, choice) {
      const body = asks.body(askId);
      if (!body) return;
      if (!program.reply) return press(askId, choice, body);
      const next = program.next?.(choice, body);
      if (next) return asks.follow(askId, next);
      asks.close(askId, program.reply(choice, body));
      stand('idle', { afterMs: ANSWERED_MS });
    },
    async close() {
      clearTimeout(standing);
      await endTerminal(pty, ended);
      await server?.stop();
    },
  };
}
