/** A real program on the stage of the corpus, with everything that passes between it and Godel on a tape. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import xterm from '@xterm/headless';
import { type IPty, spawn } from 'node-pty';
import { hookSocketOf } from '../../runners/runtimes/hook-settings.ts';
import type { Driver, DriverSink, HostConfig } from '../../runners/runtimes/host/driver.ts';
import { createFaceDriver, type FaceOptions } from '../../runners/runtimes/host/face.ts';
import { FACES, type FaceProgram } from '../../runners/runtimes/host/face-program.ts';
import { TOOLS_LISTED } from '../../runners/runtimes/host/hook-events.ts';
import { createHookServer } from '../../runners/runtimes/host/hook-server.ts';
import { type SpawnJsonLines, spawnJsonLines } from '../../runners/runtimes/host/json-lines.ts';
import { createOpencodeDriver, readOpencodeTitle } from '../../runners/runtimes/host/opencode.ts';
import { createOpencodeApi } from '../../runners/runtimes/host/opencode-api.ts';
import { createProtocolDriver } from '../../runners/runtimes/host/protocol-drivers.ts';
import type { Dialect, Permission, PrepareSpec, Runtime } from '../../src/agents/runtime.ts';
import { newId } from '../../src/base/id.ts';
import { createStage, type Entry, isTrue, type Stage, type Tape, type Truth } from '../../test/support/corpus.ts';
import type { Facts } from './facts.ts';

export interface Subject {
  /** Name of the tape. */
  name: string;
  runtime: Runtime;
  mode: 'pane' | 'protocol';
  dialect: Dialect;
  permission: Permission;
  path: string;
  version: string;
  /** How many times longer than others it may take to tell what it does. */
  patience: number;
  command?: string;
  env?: Record<string, string>;
}

export interface Rig {
  subject: Subject;
  facts: Facts;
  cwd: string;
  open(): Promise<void>;
  /** Writes down what is so now, and compares it with what Godel says. */
  mark(moment: string, truth: Truth): void;
  prompt(...lines: string[]): void;
  answer(choice: string): void;
  interrupt(): void;
  /** Ends the program, as Godel does. */
  stop(): void;
  /** Keys of a person in the pane. */
  keys(keys: string): void;
  /** Rows of the pane; empty where there is none. */
  screen(): string;
  ended: Promise<void>;
  tape(): Tape;
}

const SIZE = { cols: 100, rows: 30 };

type Put = (what: Record<string, unknown>) => void;

const recordLines =
  (put: Put): SpawnJsonLines =>
  (options) => {
    const lines = spawnJsonLines({
      ...options,
      onMessage(line) {
        put({ line });
        options.onMessage(line);
      },
      onNoise(noise) {
        put({ noise });
        options.onNoise(noise);
      },
      onEnd(code) {
        put({ ended: code });
        options.onEnd(code);
      },
    });
    return {
      send(sent) {
        put({ sent });
        lines.send(sent);
      },
      close: () => lines.close(),
    };
  };

const recordHooks =
  (put: Put): typeof createHookServer =>
  (socketFile, take) => {
    let calls = 0;
    return createHookServer(socketFile, (call) => {
      calls += 1;
      const number = calls;
      put({ hook: call.body, call: number });
      call.onGone(() => put({ gone: number }));
      take({
        ...call,
        reply(output) {
          if (output) put({ replied: number, with: output });
          call.reply(output);
        },
      });
    });
  };

/** What it tells of its own state (plugins, catalogues, its heart) is of no use. */
const ABOUT_WORK = /^(session|message|permission|question)\./;

const recordApi =
  (put: Put): typeof createOpencodeApi =>
  (port, password) => {
    const api = createOpencodeApi(port, password);
    async function passed<T>(request: string, answer: Promise<T>): Promise<T> {
      try {
        put({ request, answer: (await answer) ?? null });
      } catch (error) {
        put({ request, refused: String(error) });
      }
      return answer;
    }
    return {
      ...api,
      ready: (limitMs) => passed('ready', api.ready(limitMs)),
      get: <T>(path: string) => passed(path, api.get<T>(path)),
      post: (path, body, limitMs) => passed(path, api.post(path, body, limitMs)),
      follow: (onEvent, onGap) =>
        api.follow((event, about) => {
          if (ABOUT_WORK.test(event)) put({ event, about });
          onEvent(event, about);
        }, onGap),
    };
  };

const PASTE_ON = '\u001b[?2004h';
// biome-ignore lint/suspicious/noControlCharactersInRegex: sequences of a terminal are made of them.
const TITLE = /\u001b\](?:0|2);([^\u0007\u001b]*)(?:\u0007|\u001b\\)/g;

/** What the driver reads in the output: titles that say something else than before, and that pastes are taken. */
function recordOutput(put: Put, readTitle: FaceProgram['readTitle']): (output: string) => void {
  let said: string | undefined;
  let pastes = false;
  return (output) => {
    if (!pastes && output.includes(PASTE_ON)) {
      pastes = true;
      put({ pastes });
    }
    for (const [, title = ''] of output.matchAll(TITLE)) {
      const says = readTitle(title);
      if (says !== undefined && says !== said) put({ titled: title });
      said = says ?? said;
    }
  };
}

/** What the driver finds in the transcript. */
function recordErrors(program: FaceProgram, put: Put): FaceProgram {
  const { errorIn } = program;
  if (!errorIn) return program;
  return {
    ...program,
    errorIn(transcript, sinceMs) {
      const failed = errorIn(transcript, sinceMs);
      if (failed !== undefined) put({ failed });
      return failed;
    },
  };
}

export interface Screen {
  pty: IPty;
  rows(): string;
  title(): string;
}

export function openScreen(argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Screen {
  const [file = '', ...args] = argv;
  const pty = spawn(file, args, { ...SIZE, name: 'xterm-256color', cwd, env: env as Record<string, string> });
  const terminal = new xterm.Terminal({ ...SIZE, allowProposedApi: true });
  let title = '';
  terminal.onTitleChange((given) => {
    title = given;
  });
  // What the terminal itself answers, when a program asks what it is.
  terminal.onData((answer) => pty.write(answer));
  pty.onData((data) => terminal.write(data));
  const row = (at: number) =>
    terminal.buffer.active.getLine(terminal.buffer.active.baseY + at)?.translateToString(true) ?? '';
  return {
    pty,
    rows: () =>
      Array.from({ length: SIZE.rows }, (_, at) => row(at))
        .join('\n')
        .trimEnd(),
    title: () => title,
  };
}

export interface Prepared {
  home: string;
  cwd: string;
  argv: readonly string[];
  env: Record<string, string>;
  sessionId?: string | undefined;
}

/** As Godel's own server of tools does, it says that its tools are known. */
const LISTED = `
  const file = process.env.GODEL_HOOK_SOCKET;
  if (file) require("node:net").connect(file).on("error", () => {}).end(JSON.stringify({ hook_event_name: "${TOOLS_LISTED}" }) + "\\n");
`;

/** The private home that the product makes for an agent. */
export async function prepareHome(subject: Subject, folder: string, cwd: string, facts: Facts): Promise<Prepared> {
  const home = mkdtempSync(join(folder, `${subject.name}-`));
  const agentId = newId();
  const mcpCommand = join(home, 'mcp');
  const server = join(import.meta.dirname, '../../test/support/mcp-stand-in.ts');
  const node = `'${process.execPath}'`;
  writeFileSync(mcpCommand, `#!/bin/sh\n${node} -e '${LISTED}'\nexec ${node} '${server}'\n`, { mode: 0o755 });
  mkdirSync(join(home, 'tmp'));
  const spec: PrepareSpec = {
    agentId,
    agentName: 'robot',
    generation: 1,
    home,
    cwd,
    proxyUrl: facts.url,
    virtualKey: 'x',
    choice: { provider: 'demo', model: 'demo-small', dialect: subject.dialect },
    bridgeSocket: join(home, 'bridge.sock'),
    instructions: 'You are robot.',
    mcpCommand,
    mode: subject.mode,
    permission: subject.permission,
    command: subject.command,
  };
  const prepared = await subject.runtime.prepare(spec);
  const env = {
    PATH: subject.path,
    HOME: home,
    LANG: 'C.UTF-8',
    TERM: 'tmux-256color',
    TMPDIR: join(home, 'tmp'),
    GODEL_PROXY_KEY: 'x',
    ANTHROPIC_BASE_URL: facts.url,
    ANTHROPIC_AUTH_TOKEN: 'x',
    GODEL_AGENT_ID: agentId,
    GODEL_AGENT_HOME: home,
    GODEL_GENERATION: '1',
    GODEL_TOKEN: 'x',
    GODEL_BRIDGE_SOCKET: spec.bridgeSocket,
    ...prepared.env,
    ...subject.env,
  };
  return { home, cwd, argv: prepared.argv, env, sessionId: prepared.sessionId };
}

export interface Recorder {
  put: Put;
  mark(moment: string, truth: Truth, verdict: ReturnType<Stage['judge']['verdict']>, screen?: Screen): void;
  entries: Entry[];
  /** Time of the clock at which the tape begins. */
  began: number;
}

export function createRecorder(subject: Subject): Recorder {
  const began = Date.now();
  const entries: Entry[] = [];
  const put: Put = (what) => void entries.push({ at: Date.now() - began, ...what } as Entry);
  return {
    put,
    entries,
    began,
    mark(moment, truth, verdict, screen) {
      const shown = screen ? { screen: screen.rows(), title: screen.title() } : {};
      put({ moment, truth, ...shown });
      const right = isTrue(truth, verdict);
      const said = `${verdict.state}${verdict.detail ? ` (${verdict.detail.slice(0, 60)})` : ''} by ${verdict.source}`;
      process.stdout.write(`${right ? 'right' : 'WRONG'}  ${subject.name}: ${moment}: ${truth.state}; said ${said}\n`);
    },
  };
}

interface Recorded {
  config: HostConfig;
  env: Record<string, string>;
  sink: DriverSink;
  put: Put;
  /** Told of the terminal that the program runs in. */
  open: (screen: Screen) => void;
}

/** The driver that the host would use, with what passes between it and its program written down. */
function recordedDriver({ config, env, sink, put, open }: Recorded): Driver {
  if (!config.face) return createProtocolDriver(config, env, sink, recordLines(put));
  const program = FACES[config.driver];
  const terminal: FaceOptions['terminal'] = (words, where, environment) => {
    const screen = openScreen(words, where, environment);
    open(screen);
    screen.pty.onData(recordOutput(put, program?.readTitle ?? readOpencodeTitle));
    screen.pty.onExit(({ exitCode }) => put({ ended: exitCode }));
    return screen.pty;
  };
  if (!program) return createOpencodeDriver({ config, env, sink, terminal, api: recordApi(put) });
  return createFaceDriver({
    config,
    env,
    sink,
    terminal,
    program: recordErrors(program, put),
    socketFile: hookSocketOf(env.GODEL_BRIDGE_SOCKET as string, env.GODEL_AGENT_ID as string),
    hooks: recordHooks(put),
  });
}

/** Puts a program of the host on the stage. */
export async function openRig(subject: Subject, folder: string, cwd: string, facts: Facts): Promise<Rig> {
  const { argv, env } = await prepareHome(subject, folder, cwd, facts);
  const config = JSON.parse(readFileSync(argv[2] as string, 'utf8')) as HostConfig;
  const { put, entries, mark } = createRecorder(subject);
  let screen: Screen | undefined;
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const open = (given: Screen) => {
    screen = given;
  };
  const stage = createStage(config, Date.now, (sink) => recordedDriver({ config, env, sink, put, open }), end);
  return {
    subject,
    facts,
    cwd,
    ended,
    open() {
      put({ do: 'open' });
      return stage.host.open();
    },
    mark: (moment, truth) => mark(moment, truth, stage.judge.verdict(Date.now()), screen),
    prompt(...lines) {
      const text = lines.join('\n');
      const id = newId();
      put({ do: 'prompt', id, text });
      stage.prompt(id, text);
    },
    answer(choice) {
      put({ do: 'answer', choice });
      stage.answer(choice);
    },
    interrupt() {
      put({ do: 'interrupt' });
      stage.interrupt();
    },
    stop: () => void stage.host.stop(),
    keys(keys) {
      put({ do: 'keys', keys });
      screen?.pty.write(keys);
    },
    screen: () => screen?.rows() ?? '',
    tape: () => ({
      runtime: subject.runtime.id,
      mode: subject.mode,
      version: subject.version,
      recorded: new Date().toISOString().slice(0, 10),
      config: {
        driver: config.driver,
        permission: config.permission,
        ...(config.face ? { face: true } : {}),
        ...(config.sessionId ? { sessionId: config.sessionId } : {}),
        ...(config.authMethod ? { authMethod: config.authMethod } : {}),
      },
      entries,
    }),
  };
}
