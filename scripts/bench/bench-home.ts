/** A Godel of its own for a measurement, what it needs to measure, and the table it ends in. */
import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { git } from '../../src/base/git.ts';
import { type HomePaths, homePaths } from '../../src/base/paths.ts';
import { isRunning, type RunResult, run } from '../../src/base/process.ts';
import { type Client, createClient } from '../../src/client/client.ts';

export const GODEL = fileURLToPath(new URL('../../dist/godel.js', import.meta.url));

export interface BenchHome {
  folder: string;
  repository: string;
  env: Record<string, string>;
  paths: HomePaths;
  godel(...args: string[]): Promise<RunResult>;
  client(): Client;
  /** Ends the daemon and waits until it is gone. */
  stopDaemon(): Promise<void>;
  remove(): Promise<void>;
}

export const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

/** Id of the bead number `index`: begins with what changes most, so that ids spread over the tree's folders as random ones do. */
export const beadId = (index: number): string => `godel-${[...index.toString(36).padStart(5, '0')].reverse().join('')}`;

/** The value below which `share` of the sorted ones lie. */
export const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;

/** Milliseconds of each of `count` runs, sorted. */
export async function times(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const started = performance.now();
    await work(index);
    found.push(performance.now() - started);
  }
  return found.sort((a, b) => a - b);
}

async function endPid(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  const pid = text === undefined ? undefined : (JSON.parse(text) as { pid: number }).pid;
  if (pid !== undefined && isRunning(pid)) process.kill(pid, 'SIGTERM');
  for (let tries = 0; pid !== undefined && isRunning(pid) && tries < 2_000; tries += 1) await delay(5);
}

export async function createBenchHome(): Promise<BenchHome> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-bench-')));
  const repository = join(folder, 'repo');
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    GODEL_HOME: join(folder, 'home'),
    GODEL_PORT: '0',
    GODEL_PROXY_PORT: '0',
    // What is killed stays away until the measurement has it started.
    GODEL_KEEPER: 'off',
  };
  const paths = homePaths(env);
  await mkdir(repository);
  await git(repository, ['init', '-q', '-b', 'main']);
  await git(repository, ['-c', 'user.name=b', '-c', 'user.email=b@b', 'commit', '-q', '--allow-empty', '-m', 'First']);
  return {
    folder,
    repository,
    env,
    paths,
    godel: (...args) => run(process.execPath, [GODEL, ...args], { cwd: repository, env, timeoutMs: 300_000 }),
    client: () => createClient({ socketPath: paths.socketFile, projectPath: repository }),
    stopDaemon: () => endPid(paths.daemonFile),
    async remove() {
      await endPid(paths.daemonFile);
      await endPid(paths.proxyFile);
      await run('tmux', ['-L', paths.tmuxSocketName, 'kill-server'], { env });
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
