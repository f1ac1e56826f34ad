/**
 * Where agents run. One interface for local, ssh and kubernetes; `runners/` implements it.
 * Everything that holds an agent outlives the daemon: a runner can always list what it holds.
 */
import type { CapHits, CapKeeper, CapReport, Caps } from './schema.ts';

/** How a launched tree is held to its caps. */
export interface CapPlan {
  by: CapKeeper;
  /** Control groups that were made for it; `capHits` and `release` take them. */
  groups: readonly string[];
}

/** What a process tree uses. */
export interface Usage {
  bytes: number;
  /** Processes and their threads. */
  processes: number;
}

export interface RunnerProbe {
  ok: boolean;
  /** What was found, for example `tmux 3.3a`. */
  version?: string;
  /** What is missing and the exact command that installs it. */
  problem?: string;
}

/** Geometry in character cells. */
export interface Size {
  columns: number;
  rows: number;
}

export interface LaunchSpec {
  agentId: string;
  agentName: string;
  generation: number;
  beadId?: string | undefined;
  /** Private directory of the agent; the runner may keep its launch script and log here. */
  home: string;
  cwd: string;
  argv: readonly string[];
  /** The whole environment of the program: nothing else is inherited. */
  env: Readonly<Record<string, string>>;
  /** File that receives everything the terminal prints. */
  logFile: string;
  size: Size;
  caps: Caps;
}

/** What holds a launched program; enough to find it again after any restart. */
export interface Handle {
  runner: string;
  /** Runner's own address: a tmux pane id for `local`. */
  address: string;
  pid: number;
}

export interface Launched extends Handle {
  /** Absent where nothing was to be capped. */
  caps?: CapPlan;
}

export interface Held extends Handle {
  agentId: string;
  generation: number;
  dead: boolean;
  exitCode?: number;
  exitSignal?: number;
  title: string;
  /** Program in the foreground of the terminal. */
  command: string;
}

export interface StopProof {
  /** Pids that existed when the stop began. */
  seen: number[];
  /** Pids still alive afterwards; an empty list is the proof. */
  left: number[];
  /** The strongest signal that was needed. */
  signal: 'SIGTERM' | 'SIGKILL' | 'none';
}

export interface ExecResult {
  exitCode: number;
  output: string;
}

export interface Runner {
  readonly id: 'local' | 'ssh' | 'kubernetes';
  probe(): Promise<RunnerProbe>;
  launch(spec: LaunchSpec): Promise<Launched>;
  /** Argument vector that shows the agent's terminal when it is run by a person's terminal. */
  attachCommand(handle: Handle): readonly string[];
  /** Runs a command beside the agent, in `cwd`, with bounded time. */
  exec(cwd: string, command: string, env: Readonly<Record<string, string>>, timeoutMs: number): Promise<ExecResult>;
  /** The visible screen as plain text, one line a row. */
  screen(handle: Handle): Promise<string>;
  /** Whether a program waits for what is typed into the terminal; undefined where that cannot be known. */
  isRead(handle: Handle): boolean | undefined;
  /** Pastes text into the terminal and presses Enter apart. */
  type(handle: Handle, text: string): Promise<void>;
  pause(handle: Handle): Promise<void>;
  resume(handle: Handle): Promise<void>;
  /**
   * Ends the whole process tree, escapees included, and proves it. Without an address it ends what outlived the terminal: a
   * pid, when it is not 0, is that of a program that ended a moment ago.
   */
  stop(handle: Handle, agentId: string): Promise<StopProof>;
  /** What the process trees below these roots use; a root that is gone is absent. */
  usage(roots: readonly number[]): Promise<ReadonlyMap<number, Usage>>;
  capReport(): Promise<CapReport>;
  /** Undefined when the groups are gone. */
  capHits(groups: readonly string[]): Promise<CapHits | undefined>;
  /** Lets go of the control groups of a tree that has ended. */
  release(groups: readonly string[]): Promise<void>;
  /** Everything this runner holds, for re-adoption. */
  list(): Promise<Held[]>;
  /**
   * Told about deaths and title changes as they happen; a death again and again until the listener answers true, for it
   * has been dealt with. The listener never rejects. Returns its own unsubscribe.
   */
  watch(listener: (held: Held) => unknown): () => void;
  /** Lets go of connections; agents go on. */
  close(): Promise<void>;
}
