/** Runs set-up and teardown commands of worktrees: one at a time for a bead, told about as events, cancellable. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { type HookEnd, type HookName, readLog, runHook } from './hook.ts';

export interface HookRequest {
  project: Project;
  /** Bead, or the name of a warm worktree. */
  beadId: string;
  path: string;
  hook: HookName;
  config: Config;
  env: Record<string, string>;
  signal?: AbortSignal | undefined;
}

export interface HookRunnerOptions {
  units: UnitOfWork;
  /** Environment for commands of a project: what agents may see of the daemon's. */
  environment: () => Record<string, string>;
  logFile: (hook: HookName, beadId: string) => string;
}

export interface HookRunner {
  /** @throws GodelError setup-failed, teardown-failed, hook-cancelled */
  run(request: HookRequest): Promise<void>;
  activity(projectId: string, beadId: string): HookName | undefined;
  /** How often this command was run for a bead since the daemon started: tells one run's log from another's. */
  runs(projectId: string, beadId: string, hook: HookName): number;
  /** Ends the command of a bead with all it started; false when none runs. */
  cancel(projectId: string, beadId: string): boolean;
  logFile(hook: HookName, beadId: string): string;
  stop(): Promise<void>;
}

/** Marks the processes of a command, so that what a killed daemon left can be found. */
export const hookMarker = (projectId: string, beadId: string) => `GODEL_HOOK_OF=${projectId}/${beadId}`;

const TAIL_BYTES = 4_096;
const MAX_LINE = 200;

async function lastLine(file: string): Promise<string> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  const { text } = await readLog(file, Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('$ '));
  return (lines.at(-1) ?? '').trim().slice(0, MAX_LINE);
}

export function createHookRunner(options: HookRunnerOptions): HookRunner {
  const { units } = options;
  const running = new Map<string, { hook: HookName; controller: AbortController; ended: Promise<unknown> }>();
  const counts = new Map<string, number>();
  const stopped = new AbortController();
  const keyOf = (projectId: string, beadId: string) => `${projectId}/${beadId}`;

  async function tell(request: HookRequest, state: string): Promise<void> {
    const { project, beadId, hook, config } = request;
    const command = hook === 'setup' ? config.setup_command : config.teardown_command;
    const metadata = { projectId: project.id, ...(beadId.startsWith('godel-') ? { beadId } : {}) };
    const payload = { beadId, hook, state, command, logFile: options.logFile(hook, beadId) };
    await units.run((unit) => unit.emit({ type: 'worktree:hook', component: 'worktrees', payload, metadata }));
  }

  function environmentOf({ project, beadId, path, hook, env }: HookRequest): Record<string, string> {
    const [name = '', value = ''] = hookMarker(project.id, beadId).split('=');
    return {
      ...options.environment(),
      ...env,
      [name]: value,
      GODEL_HOOK: hook,
      GODEL_WORKTREE: path,
      GODEL_ROOT: project.path,
      ...(beadId.startsWith('godel-') ? { GODEL_BEAD_ID: beadId } : {}),
    };
  }

  async function settle(request: HookRequest, end: HookEnd, command: string, logFile: string): Promise<void> {
    const { beadId: id, hook, config } = request;
    if (end.ended === undefined && end.code === 0) return tell(request, 'done');
    await tell(request, end.ended === 'cancelled' ? 'cancelled' : 'failed');
    if (end.ended === 'cancelled') throw failure('hook-cancelled', { hook: hook === 'setup' ? 'set-up' : hook, id });
    const limit = `none (stopped after ${config.setup_timeout_seconds} s)`;
    const exitCode = end.ended === 'timeout' ? limit : (end.code ?? 'none (ended by a signal)');
    const lastWords = await lastLine(logFile);
    throw failure(hook === 'setup' ? 'setup-failed' : 'teardown-failed', { id, command, exitCode, logFile, lastWords });
  }

  async function run(request: HookRequest): Promise<void> {
    const { project, beadId, hook, config } = request;
    const command = hook === 'setup' ? config.setup_command : config.teardown_command;
    if (command === '') return;
    const key = keyOf(project.id, beadId);
    const other = running.get(key);
    if (other) throw failure('worktree-busy', { id: beadId, state: `in its ${other.hook} command` });
    const controller = new AbortController();
    const signal = AbortSignal.any([
      controller.signal,
      stopped.signal,
      ...(request.signal === undefined ? [] : [request.signal]),
    ]);
    const logFile = options.logFile(hook, beadId);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    running.set(key, { hook, controller, ended });
    try {
      await mkdir(dirname(logFile), { recursive: true });
      await writeFile(logFile, '', { mode: 0o600 });
      counts.set(`${key} ${hook}`, (counts.get(`${key} ${hook}`) ?? 0) + 1);
      await tell(request, 'started');
      const timeoutMs = config.setup_timeout_seconds * 1000;
      const env = environmentOf(request);
      await settle(
        request,
        await runHook({ command, cwd: request.path, env, logFile, timeoutMs, signal }),
        command,
        logFile,
      );
    } finally {
      running.delete(key);
      resolve();
    }
  }

  return {
    run,
    logFile: options.logFile,
    activity: (projectId, beadId) => running.get(keyOf(projectId, beadId))?.hook,
    runs: (projectId, beadId, hook) => counts.get(`${keyOf(projectId, beadId)} ${hook}`) ?? 0,
    cancel(projectId, beadId) {
      const found = running.get(keyOf(projectId, beadId));
      found?.controller.abort();
      return found !== undefined;
    },
    async stop() {
      stopped.abort();
      await Promise.all([...running.values()].map((each) => each.ended));
    },
  };
}
