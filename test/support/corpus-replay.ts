/** Plays a tape before the real driver, host and judge: they are told line by line what the program told when it was recorded. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import pino from 'pino';
import type { Driver, DriverSink, HostConfig } from '../../runners/runtimes/host/driver.ts';
import { createFaceDriver } from '../../runners/runtimes/host/face.ts';
import { FACES, type FaceProgram } from '../../runners/runtimes/host/face-program.ts';
import type { HookCall } from '../../runners/runtimes/host/hook-server.ts';
import type { JsonLinesOptions } from '../../runners/runtimes/host/json-lines.ts';
import { createOpencodeDriver } from '../../runners/runtimes/host/opencode.ts';
import type { OpencodeApi } from '../../runners/runtimes/host/opencode-api.ts';
import { createProtocolDriver } from '../../runners/runtimes/host/protocol-drivers.ts';
import godel from '../../runners/runtimes/pi-extension.ts';
import { readShellScreen } from '../../runners/runtimes/shell.ts';
import { createBridge } from '../../src/agents/bridge.ts';
import { verdictOfScreen } from '../../src/agents/verdicts.ts';
import type { Json } from '../../src/base/json-lines.ts';
import type { Log } from '../../src/base/log.ts';
import { createJudge, createStage, type Entry, isTrue, type Judge, type Tape } from './corpus.ts';
import { createScreen } from './fake-terminal.ts';
import { until } from './home.ts';

/** A screen that did not change for this long (ms) is read. */
const QUIET_MS = 1_000;
const READ_MS = 2_000;
const ESCAPE = '\u001b';

/** The program as the driver sees it. */
interface Source {
  driver: (sink: DriverSink) => Driver;
  /** Gives what happened to the driver. */
  feed(entry: Entry): void;
}

function linesOf(config: HostConfig): Source {
  let program: JsonLinesOptions | undefined;
  return {
    driver: (sink) =>
      createProtocolDriver(config, {}, sink, (options) => {
        program = options;
        return { send: () => {}, close: async () => {} };
      }),
    feed(entry) {
      if ('line' in entry) program?.onMessage(entry.line);
      else if ('noise' in entry) program?.onNoise(entry.noise);
      else if ('ended' in entry) program?.onEnd(entry.ended);
    },
  };
}

/** `failed` tells what is in the transcript now. */
function faceOf(config: HostConfig, failed: () => string | undefined): Source {
  let take: ((call: HookCall) => void) | undefined;
  const screen = createScreen();
  const gone = new Map<number, () => void>();
  return {
    driver: (sink) =>
      createFaceDriver({
        config,
        program: { ...(FACES[config.driver] as FaceProgram), errorIn: failed },
        env: {},
        sink,
        socketFile: '-',
        hooks: (_file, given) => {
          take = given;
          return { start: async () => {}, stop: async () => {} };
        },
        terminal: screen.terminal,
      }),
    feed(entry) {
      if ('hook' in entry) {
        const onGone = (listener: () => void) => void gone.set(entry.call, listener);
        take?.({ body: entry.hook, reply: () => {}, onGone });
      } else if ('gone' in entry) gone.get(entry.gone)?.();
      else screen.feed(entry);
    },
  };
}

/** What is put in and what is taken out meet, whichever comes first. */
function createMeeting<T>(): { give(key: string, value: T): void; take(key: string): Promise<T> } {
  const given = new Map<string, T[]>();
  const waiting = new Map<string, ((value: T) => void)[]>();
  const push = <V>(map: Map<string, V[]>, key: string, value: V) => void map.set(key, [...(map.get(key) ?? []), value]);
  return {
    give(key, value) {
      const taker = waiting.get(key)?.shift();
      if (taker) taker(value);
      else push(given, key, value);
    },
    take(key) {
      const value = given.get(key)?.shift();
      return value === undefined ? new Promise((resolve) => push(waiting, key, resolve)) : Promise.resolve(value);
    },
  };
}

/** opencode, which serves an interface beside its screen. */
function servedOf(config: HostConfig): Source {
  const screen = createScreen();
  const answers = createMeeting<Extract<Entry, { request: string }>>();
  let follower: ((type: string, about: Json) => void) | undefined;
  async function ask(request: string): Promise<unknown> {
    const told = await answers.take(request);
    if ('refused' in told) throw new Error(told.refused);
    return told.answer;
  }
  const api: OpencodeApi = {
    ready: async () => void (await ask('ready')),
    get: async <T>(path: string) => (await ask(path)) as T,
    post: async (path) => (await ask(path)) as Json,
    follow(onEvent) {
      follower = onEvent;
      return new Promise(() => {});
    },
    stop: () => {},
  };
  return {
    driver: (sink) => createOpencodeDriver({ config, env: {}, sink, terminal: screen.terminal, api: () => api }),
    feed(entry) {
      if ('about' in entry) follower?.(entry.event, entry.about);
      else if ('request' in entry) answers.give(entry.request, entry);
      else screen.feed(entry);
    },
  };
}

function sourceOf(config: HostConfig, failed: () => string | undefined): Source {
  if (!config.face) return linesOf(config);
  return config.driver === 'opencode' ? servedOf(config) : faceOf(config, failed);
}

const settled = async () => {
  for (let turns = 0; turns < 5; turns += 1) await turnOfLoop();
};

interface Played {
  moments: number;
  /** Each moment at which something else was said than what was so. */
  wrong: string[];
}

/** Says of each moment whether the verdict is true. */
function createTally(judge: Judge): Played & { at(entry: Extract<Entry, { moment: string }>): void } {
  const tally = {
    moments: 0,
    wrong: [] as string[],
    at({ at, moment, truth }: Extract<Entry, { moment: string }>) {
      tally.moments += 1;
      const verdict = judge.verdict(at);
      if (isTrue(truth, verdict)) return;
      const said = `${verdict.state} (${verdict.question?.kind ?? verdict.detail ?? ''}) by ${verdict.source}`;
      tally.wrong.push(`${moment}: it is ${truth.state}, said was ${said}`);
    },
  };
  return tally;
}

/** A program that a host runs; `pass` lets time (ms) go by for the driver. */
async function replayHost({ config: kept, entries }: Tape, pass: (ms: number) => Promise<unknown>): Promise<Played> {
  const place = { argv: ['-'], cwd: '/work/repo', agentName: 'robot', instructions: '', model: 'demo/demo-small' };
  const folder = mkdtempSync(join(tmpdir(), 'tape-'));
  const config = { ...place, sessionIdFile: join(folder, 'session-id'), ...kept } as HostConfig;
  let now = 0;
  /** It was read while the turn ended, which is now. */
  const failed = () => {
    const read = entries.find((entry) => 'failed' in entry && Math.abs(entry.at - now) < READ_MS);
    return read && 'failed' in read ? read.failed : undefined;
  };
  const source = sourceOf(config, failed);
  const stage = createStage(config, () => now, source.driver);
  const tally = createTally(stage.judge);
  for (const entry of entries) {
    await pass(entry.at - now);
    now = entry.at;
    if ('do' in entry) {
      if (entry.do === 'open') void stage.host.open();
      else if (entry.do === 'prompt') stage.prompt(entry.id, entry.text);
      else if (entry.do === 'answer') stage.answer(entry.choice);
      else if (entry.do === 'interrupt') stage.interrupt();
    } else if ('moment' in entry) {
      tally.at(entry);
    } else source.feed(entry);
    await settled();
  }
  rmSync(folder, { recursive: true, force: true });
  return tally;
}

type Handler = (event: unknown, context: unknown) => unknown;

/** Pi: Godel's extension runs as in Pi, and speaks over a real bridge. */
async function replayPi({ entries }: Tape): Promise<Played> {
  const judge = createJudge(0);
  const tally = createTally(judge);
  const home = mkdtempSync(join(tmpdir(), 'pi-tape-'));
  writeFileSync(join(home, 'delivered.txt'), `barrier ${createHash('sha256').update('x').digest('hex')}\n`);
  let now = 0;
  let idle = true;
  let passed: () => void = () => {};
  const bridge = createBridge({
    socketFile: join(home, 'bridge.sock'),
    clock: { now: () => now },
    log: pino({ level: 'silent' }) as Log,
    authenticate: async () => true,
    isCurrent: async () => true,
    onEvent: async (_agent, source, event) => judge.event(event, source, now),
    async onPromptStatus(_agent, id) {
      if (id === 'barrier') passed();
    },
    onConnection: async () => {},
    onAlive: () => {},
  });
  await bridge.start();
  const environment = { BRIDGE_SOCKET: join(home, 'bridge.sock'), AGENT_ID: 'pi', GENERATION: '1', TOKEN: 'x' };
  for (const [name, value] of Object.entries({ ...environment, AGENT_HOME: home }))
    process.env[`GODEL_${name}`] = value;
  const handlers = new Map<string, Handler>();
  const on = (name: string, handler: Handler) => handlers.set(name, handler);
  godel({ on, sendUserMessage: () => {}, registerTool: () => {} } as never);
  const taken = { type: 'message', message: { role: 'user', content: 'x' } };
  const sessionManager = { getSessionFile: () => undefined, getSessionId: () => 'pi', getEntries: () => [taken] };
  const signals = new EventTarget();
  const context = {
    sessionManager,
    signal: signals,
    isIdle: () => idle,
    abort: () => signals.dispatchEvent(new Event('abort')),
    hasPendingMessages: () => false,
  };
  /** What the extension said is told in order: when the daemon hears of this prompt, it has heard of everything before. */
  const barrier = async () => {
    await until('the extension is connected', async () => bridge.isConnected('pi'));
    const pass = new Promise<void>((resolve) => {
      passed = resolve;
    });
    bridge.send('pi', { id: 'barrier', text: 'x', when: 'after-turn' });
    await pass;
  };
  for (const entry of entries) {
    if ('pi' in entry) {
      now = entry.at;
      idle = entry.idle;
      handlers.get(entry.pi)?.({ ...entry.event, type: entry.pi }, context);
      if (entry.pi !== 'session_shutdown') await barrier();
    } else if ('do' in entry && entry.do === 'interrupt') {
      bridge.interrupt('pi');
      await barrier();
    } else if ('do' in entry && entry.do === 'keys' && entry.keys === ESCAPE) context.abort();
    else if ('ended' in entry) judge.ended(entry.ended, entry.at);
    else if ('moment' in entry) tally.at(entry);
  }
  await bridge.stop();
  rmSync(home, { recursive: true, force: true });
  return tally;
}

/** A shell: the daemon reads its screen when it is quiet. */
function replayScreen({ entries }: Tape): Played {
  const judge = createJudge(0);
  const tally = createTally(judge);
  let shown: { at: number; screen: string; isRead: boolean | null } | undefined;
  for (const entry of entries) {
    if (shown && entry.at - shown.at > QUIET_MS) {
      const { screen, isRead } = shown;
      judge.screen(
        verdictOfScreen(readShellScreen(screen), () => isRead ?? undefined),
        entry.at,
      );
    }
    if ('isRead' in entry) {
      shown = entry;
      judge.screen({ state: 'busy' }, entry.at);
    } else if ('moment' in entry) tally.at(entry);
  }
  return tally;
}

export function replay(tape: Tape, pass: (ms: number) => Promise<unknown>): Promise<Played> | Played {
  if (tape.config) return replayHost(tape, pass);
  return tape.runtime === 'shell' ? replayScreen(tape) : replayPi(tape);
}
