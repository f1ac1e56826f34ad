/** The local runner: every agent in a pane of Godel's own tmux server. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Handle, Held, Launched, LaunchSpec, Runner } from '../../src/agents/runner.ts';
import type { Clock } from '../../src/base/clock.ts';
import { messageOf } from '../../src/base/error.ts';
import { newId } from '../../src/base/id.ts';
import { createInTurn } from '../../src/base/in-turn.ts';
import type { Log } from '../../src/base/log.ts';
import { isRunning, run } from '../../src/base/process.ts';
import { shellQuote } from '../../src/base/shell.ts';
import { type CapKeepingOptions, type Confinement, createCapKeeping } from './caps.ts';
import { launchScript, printfText } from './launch-script.ts';
import { pasteable } from './paste.ts';
import { endTree, pauseTree, resumeTree, usageOfTrees } from './process-tree.ts';
import { isTerminalRead } from './terminal-reader.ts';
import { HOLD_SESSION, type TmuxServer } from './tmux-server.ts';

export interface LocalRunnerOptions {
  server: TmuxServer;
  clock: Clock;
  log: Log;
  caps: CapKeepingOptions;
}

/** Pause (ms) between a paste and its Enter: an Enter in the same read as the paste is swallowed. */
const ENTER_PAUSE_MS = 120;
/** How often (ms) the processes of the panes are looked for; tmux itself tells what changes, and no process is started. */
const WATCH_MS = 1_000;
/** Every so many of these, all panes are listed although nothing was told. */
const LIST_TICKS = 10;
/** In so many of these, every process is looked at once. */
const ROUND_TICKS = 5;

const FIELDS = [
  'pane_id',
  'pane_pid',
  'pane_dead',
  'pane_dead_status',
  'pane_dead_signal',
  '@godel_agent',
  '@godel_generation',
  'pane_current_command',
  'pane_title',
];
const SEPARATOR = '\u001f';
const FORMAT = FIELDS.map((field) => `#{${field}}`).join(SEPARATOR);

/** What is worth a look when it changes; tmux pays for each field once a second. */
const FOLLOWED = FIELDS.filter((field) => field !== 'pane_current_command')
  .map((field) => `#{${field}}`)
  .join(SEPARATOR);

const exitFileOf = (spec: LaunchSpec) => join(spec.home, `exit-${spec.generation}`);
const markerOf = (agentId: string) => `GODEL_AGENT_ID=${agentId}`;

/** One line of `list-panes`; undefined for panes that hold no agent. Pure. */
export function parseHeld(line: string): Held | undefined {
  // Control mode shows control characters as octal escapes.
  const [pane = '', pid = '', dead, status = '', signal = '', agentId = '', generation = '', command = '', title = ''] =
    line.replaceAll('\\037', SEPARATOR).split(SEPARATOR);
  if (agentId === '') return undefined;
  return {
    runner: 'local',
    address: pane,
    pid: Number(pid),
    agentId,
    generation: Number(generation),
    // tmux notes the closed terminal first and the exit a moment later; a program may also live on without it.
    dead: dead === '1' && (status !== '' || signal !== ''),
    command,
    title,
    ...(status === '' ? {} : { exitCode: Number(status) }),
    ...(signal === '' ? {} : { exitSignal: Number(signal) }),
  };
}

export function createLocalRunner(options: LocalRunnerOptions): Runner {
  const { server, log } = options;
  const caps = createCapKeeping(options.caps);
  /** One conversation with a pane at a time. */
  const locked = createInTurn();
  const listeners = new Set<(held: Held) => unknown>();
  /** Ends that were dealt with, of panes that are kept to be read. */
  const settled = new Set<string>();
  let seen = new Map<string, string>();
  /** Looks in a row at which the process of a pane was gone although tmux calls it alive. */
  const missing = new Map<string, number>();
  /** The processes of the panes at the last look, and whether one look more is due. */
  let pids: number[] = [];
  let due = true;
  let ticks = 0;
  let unfollow: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();

  async function list(): Promise<Held[]> {
    const lines = await server.tmux('list-panes', '-a', '-F', FORMAT);
    const held = lines.map(parseHeld).filter((each) => each !== undefined);
    // A session that is grouped with another lists its panes again.
    return [...new Map(held.map((each) => [each.address, each])).values()];
  }

  async function writeScript(spec: LaunchSpec, held: Confinement | undefined): Promise<string> {
    await mkdir(spec.home, { recursive: true, mode: 0o700 });
    const file = join(spec.home, 'launch.sh');
    await rm(file, { force: true });
    const exitFile = exitFileOf(spec);
    await rm(exitFile, { force: true });
    await writeFile(file, launchScript({ ...spec, ...held, exitFile }), { mode: 0o600 });
    await writeFile(spec.logFile, '', { mode: 0o600, flag: 'a' });
    return file;
  }

  async function launch(spec: LaunchSpec): Promise<Launched> {
    const held = await caps.confine(`${spec.agentId}-${spec.generation}`, spec.caps);
    try {
      const handle = await open(spec, await writeScript(spec, held));
      return held === undefined ? handle : { ...handle, caps: { by: held.by, groups: held.groups } };
    } catch (error) {
      await caps.release(held?.groups ?? []);
      throw error;
    }
  }

  async function open(spec: LaunchSpec, script: string): Promise<Handle> {
    const shell = `exec env -i TMUX_PANE="$TMUX_PANE" sh ${shellQuote(script)}`;
    // One step: marks and log are there before the program can print, or end.
    const window = `${spec.agentId}-${spec.generation}`;
    const target = `=${HOLD_SESSION}:=${window}`;
    const create = ['new-window', '-d', '-P', '-F', '#{pane_id} #{pane_pid}', '-t', `=${HOLD_SESSION}:`, '-n', window];
    const set = (name: string, value: string) => ['set-option', '-p', '-t', target, name, value];
    const [[line = ''] = []] = await server.sequence([
      [...create, shell],
      ['pipe-pane', '-O', '-t', target, `exec cat >> "$(printf '${printfText(spec.logFile)}')"`],
      set('@godel_agent', spec.agentId),
      set('@godel_generation', String(spec.generation)),
      set('@godel_name', spec.agentName),
      set('@godel_exit', exitFileOf(spec)),
      ...(spec.beadId === undefined ? [] : [set('@godel_bead', spec.beadId)]),
    ]);
    const [pane = '', pid = ''] = line.split(' ');
    return { runner: 'local', address: pane, pid: Number(pid) };
  }

  /** tmux may not tell of an end under load: a pane whose process is gone for two looks has ended. */
  async function withEnd(held: Held): Promise<Held> {
    if (held.dead || isRunning(held.pid)) {
      missing.delete(held.address);
      return held;
    }
    const looks = (missing.get(held.address) ?? 0) + 1;
    missing.set(held.address, looks);
    if (looks < 2) {
      due = true;
      return held;
    }
    const [file = ''] = await server.tmux('display-message', '-p', '-t', held.address, '#{@godel_exit}');
    const code = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
    return { ...held, dead: true, ...(Number.isNaN(code) ? {} : { exitCode: code }) };
  }

  /** An end is told at every look until it has been dealt with; telling it once could be lost with one error. */
  function tell(held: Held, key: string): void {
    for (const listener of [...listeners]) {
      void Promise.resolve(listener(held)).then((isSettled) => {
        if (isSettled && held.dead) settled.add(key);
      });
    }
  }

  async function look(): Promise<void> {
    due = false;
    const next = new Map<string, string>();
    const alive: number[] = [];
    const ended = new Set<string>();
    for (const listed of await list()) {
      const held = await withEnd(listed);
      // A pane may be listed between the settings of its options, so those belong to what is compared.
      const key = JSON.stringify([held.address, held.agentId, held.generation]);
      const stamp = JSON.stringify([key, held.dead, held.title]);
      next.set(held.address, stamp);
      if (!held.dead) alive.push(held.pid);
      else ended.add(key);
      const isNews = held.dead ? !settled.has(key) : seen.get(held.address) !== stamp;
      if (isNews) tell(held, key);
      if (isNews && held.dead) due = true;
    }
    for (const key of settled) if (!ended.has(key)) settled.delete(key);
    for (const address of missing.keys()) if (!next.has(address)) missing.delete(address);
    seen = next;
    pids = alive;
  }

  async function tick(): Promise<void> {
    ticks += 1;
    // It is tmux that tells of an end; each process is looked at now and then in case that it did not.
    const ended = (pid: number, index: number) => index % ROUND_TICKS === ticks % ROUND_TICKS && !isRunning(pid);
    if (due || ticks % LIST_TICKS === 0 || pids.some(ended)) await look();
  }

  function inOrder(work: () => Promise<void>): void {
    looking = looking
      .then(work)
      .catch((error: unknown) => log.debug({ problem: messageOf(error) }, 'panes could not be listed'));
  }

  function startWatch(): void {
    timer ??= setInterval(() => inOrder(tick), WATCH_MS);
    unfollow ??= server.followPanes(FOLLOWED, () => {
      // One look for all that is told until it begins.
      if (!due) inOrder(tick);
      due = true;
    });
  }

  async function typeText(handle: Handle, text: string): Promise<void> {
    const buffer = `godel-${newId()}`;
    const [file = 'tmux', ...args] = server.command;
    // Standard input of a client has no length limit; an argument has.
    const loaded = await run(file, [...args, 'load-buffer', '-b', buffer, '-'], {
      env: server.env,
      input: pasteable(text),
    });
    if (loaded.code !== 0) throw new Error(`tmux load-buffer: ${loaded.stderr.trim()}`);
    await server.tmux('paste-buffer', '-p', '-d', '-b', buffer, '-t', handle.address);
    await delay(ENTER_PAUSE_MS);
    await server.tmux('send-keys', '-t', handle.address, 'Enter');
    await delay(ENTER_PAUSE_MS);
  }

  /** Closing a pane ends the zoom of its window; a person who looks at another pane of it keeps that. */
  async function closePane(pane: string): Promise<void> {
    const panes = await server.tmux('list-panes', '-t', pane, '-F', '#{pane_id} #{pane_active}#{window_zoomed_flag}');
    const zoomed = panes.find((line) => line.endsWith(' 11'))?.split(' ')[0];
    const again = zoomed === undefined || zoomed === pane ? [] : [['resize-pane', '-Z', '-t', zoomed]];
    await server.sequence([['kill-pane', '-t', pane], ...again]);
  }

  return {
    id: 'local',
    async probe() {
      try {
        return { ok: true, version: `tmux ${(await server.version()).text}` };
      } catch (error) {
        return { ok: false, problem: messageOf(error) };
      }
    },
    launch,
    attachCommand: (handle) => [
      ...server.command,
      'attach-session',
      '-t',
      handle.address,
      ';',
      'resize-pane',
      '-Z',
      '-t',
      handle.address,
    ],
    async exec(cwd, command, env, timeoutMs) {
      const result = await run('sh', ['-c', `exec 2>&1; ${command}`], { cwd, env, timeoutMs });
      return { exitCode: result.timedOut ? 124 : (result.code ?? 1), output: result.stdout };
    },
    async screen(handle) {
      return (await server.tmux('capture-pane', '-p', '-t', handle.address)).join('\n');
    },
    isRead: ({ pid }) => isTerminalRead(pid),
    type: (handle, text) => locked(handle.address, () => typeText(handle, text)),
    async pause(handle) {
      await pauseTree(handle.pid, await markerFor(handle));
    },
    async resume(handle) {
      await resumeTree(handle.pid, await markerFor(handle));
    },
    async stop(handle, agentId) {
      // What outlived its terminal is ended without tmux, which may be what is gone.
      const listed = handle.address === '' ? [] : await list();
      const held = listed.find((each) => each.address === handle.address && each.agentId === agentId);
      // A pane id that now belongs to somebody else must not be touched, its pid may be reused.
      const root = held && !held.dead ? held.pid : undefined;
      const proof = await endTree(root, markerOf(agentId), root ?? (handle.pid || undefined));
      if (held) await closePane(handle.address).catch(() => undefined);
      return proof;
    },
    usage: usageOfTrees,
    capReport: caps.report,
    capHits: caps.hits,
    release: caps.release,
    list,
    watch(listener) {
      listeners.add(listener);
      startWatch();
      return () => listeners.delete(listener);
    },
    async close() {
      clearInterval(timer);
      unfollow?.();
      await looking;
      await caps.close();
      await server.close();
    },
  };

  async function markerFor(handle: Handle): Promise<string> {
    const held = (await list()).find((each) => each.address === handle.address);
    if (!held) throw new Error(`pane ${handle.address} is gone`);
    return markerOf(held.agentId);
  }
}
