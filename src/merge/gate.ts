/**
 * Gates: the project's command in a warm, detached worktree at the exact commit that would land. A slot is one such
 * worktree; several of them run side by side. What a gate starts carries a marker and is ended with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { git, tryGit } from '../base/git.ts';
import { failure } from '../errors.ts';

export interface GateConfig {
  command: string;
  timeoutMs: number;
  /** Runs in a new gate worktree, and again when a lock file of a package manager changes. */
  setupCommand: string;
  setupTimeoutMs: number;
}

export interface GateRequest {
  commit: string;
  config: GateConfig;
  /** Receives everything the gate prints. */
  logFile: string;
  signal: AbortSignal;
}

export interface GateResult {
  exitCode: number;
  durationMs: number;
}

export interface GateSlotOptions {
  gitDir: string;
  top: string;
  slot: number;
  /** `NAME=value` in the environment of everything this gate starts. */
  marker: string;
  /** `NAME=value` that all gates of the project share. */
  projectMarker: string;
  environment: () => Record<string, string>;
  /** Ends every process that carries the marker. */
  endMarked: (marker: string) => Promise<void>;
}

export interface GateSlot {
  readonly slot: number;
  /** @throws GodelError gate-broken when the worktree cannot be brought to the commit or its set-up fails */
  run(request: GateRequest): Promise<GateResult>;
}

const GIT_TIMEOUT_MS = 600_000;
const LOCK_FILES = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
  'Cargo.lock',
  'go.sum',
  'poetry.lock',
  'uv.lock',
  'requirements.txt',
  'Gemfile.lock',
  'composer.lock',
];

/** What a verdict was true for, beside the tree. */
export function gateHash(config: GateConfig): string {
  const parts = [config.command, config.setupCommand].map((part) => JSON.stringify(part));
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}

export const gateFolder = (top: string, slot: number): string => join(top, '.godel', 'gates', String(slot));

const EXCLUDE_LINE = '.godel/';

/** Keeps Godel's folder out of the person's status. */
async function excludeFolder(gitDir: string): Promise<void> {
  const file = join(gitDir, 'info', 'exclude');
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.split('\n').includes(EXCLUDE_LINE)) return;
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${EXCLUDE_LINE}\n`);
}

/** A worktree at `commit`, detached, without anything a gate before it left uncommitted; ignored files stay warm. */
async function checkOut(gitDir: string, path: string, commit: string): Promise<void> {
  const options = { timeoutMs: GIT_TIMEOUT_MS, config: ['core.hooksPath=/dev/null', 'advice.detachedHead=false'] };
  const linked = (await stat(join(path, '.git')).catch(() => undefined))?.isFile();
  if (linked && (await tryGit(path, ['rev-parse', '--verify', '--quiet', 'HEAD'])).code === 0) {
    // A checkout that was killed leaves its lock; nobody else works in this worktree.
    const dir = await git(path, ['rev-parse', '--absolute-git-dir']);
    await rm(join(dir, 'index.lock'), { force: true });
    await git(path, ['checkout', '--quiet', '--detach', '--force', commit], options);
    await git(path, ['clean', '-ffd', '--quiet'], options);
  } else {
    await rm(path, { recursive: true, force: true });
    await mkdir(dirname(path), { recursive: true });
    await excludeFolder(gitDir);
    await git(gitDir, ['worktree', 'add', '--force', '--force', '--detach', path, commit], options);
  }
  const head = await git(path, ['rev-parse', 'HEAD']);
  if (head !== commit) throw new Error(`the gate worktree is at ${head}`);
}

/** Identity of what the set-up depends on; a worktree set up for another one is set up again. */
async function setupStamp(gitDir: string, commit: string, config: GateConfig): Promise<string> {
  const locks = await git(gitDir, ['ls-tree', commit, '--', ...LOCK_FILES]);
  return createHash('sha256').update(`${config.setupCommand}\n${locks}`).digest('hex');
}

interface CommandSpec {
  command: string;
  cwd: string;
  env: Record<string, string>;
  logFile: string;
  append: boolean;
  timeoutMs: number;
  signal: AbortSignal;
  end: () => Promise<void>;
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Runs a shell command with its output in a file, so that a log outlives whoever waits for it. */
async function runLogged(spec: CommandSpec): Promise<number> {
  const log = await open(spec.logFile, spec.append ? 'a' : 'w', 0o600);
  try {
    const child = spawn('sh', ['-c', spec.command], {
      cwd: spec.cwd,
      env: spec.env,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    let timedOut = false;
    const stop = () => void spec.end();
    const timer = setTimeout(() => {
      timedOut = true;
      stop();
    }, spec.timeoutMs);
    spec.signal.addEventListener('abort', stop, { once: true });
    if (spec.signal.aborted) stop();
    try {
      const code = await exitOf(child);
      if (timedOut) await log.appendFile(`\n(stopped after ${Math.round(spec.timeoutMs / 1000)} s)\n`);
      return timedOut ? 124 : code;
    } finally {
      clearTimeout(timer);
      spec.signal.removeEventListener('abort', stop);
      // A gate may have left servers behind that would disturb the next one.
      await spec.end();
    }
  } finally {
    await log.close();
  }
}

export function createGateSlot(options: GateSlotOptions): GateSlot {
  const { gitDir, top, slot, marker } = options;
  const path = gateFolder(top, slot);
  const readyFile = `${path}.ready`;
  const end = () => options.endMarked(marker);

  function environment(commit: string): Record<string, string> {
    const markers = Object.fromEntries([marker, options.projectMarker].map((each) => each.split('=')));
    return { ...options.environment(), GODEL_GATE_COMMIT: commit, ...markers };
  }

  async function setUp({ commit, config, logFile, signal }: GateRequest): Promise<void> {
    if (config.setupCommand === '') return;
    const stamp = await setupStamp(gitDir, commit, config);
    if ((await readFile(readyFile, 'utf8').catch(() => '')) === stamp) return;
    await rm(readyFile, { force: true });
    const exitCode = await runLogged({
      command: config.setupCommand,
      cwd: path,
      env: environment(commit),
      logFile,
      append: false,
      timeoutMs: config.setupTimeoutMs,
      signal,
      end,
    });
    if (exitCode !== 0) {
      const problem = `the set-up command "${config.setupCommand}" failed with exit code ${exitCode}`;
      throw failure('gate-broken', { problem, logFile });
    }
    await writeFile(readyFile, stamp);
  }

  return {
    slot,
    async run(request) {
      const { commit, config, logFile, signal } = request;
      try {
        await mkdir(dirname(logFile), { recursive: true });
        await checkOut(gitDir, path, commit);
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        throw failure('gate-broken', { problem, logFile: path }, error);
      }
      await setUp(request);
      const started = performance.now();
      const exitCode = await runLogged({
        command: config.command,
        cwd: path,
        env: environment(commit),
        logFile,
        append: config.setupCommand !== '',
        timeoutMs: config.timeoutMs,
        signal,
        end,
      });
      return { exitCode, durationMs: performance.now() - started };
    },
  };
}
