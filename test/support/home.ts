/** A Godel of its own for one test file: private home, repository and tmux server; everything it started is ended by pid. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { git } from '../../src/base/git.ts';
import { type HomePaths, homePaths } from '../../src/base/paths.ts';
import { isRunning, type RunResult, run } from '../../src/base/process.ts';
import { type Client, createClient } from '../../src/client/client.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const GODEL = join(root, 'dist', 'godel.js');

export interface TestHome {
  folder: string;
  repository: string;
  env: Record<string, string>;
  paths: HomePaths;
  /** Runs the compiled CLI in the repository. */
  godel(
    args: readonly string[],
    options?: { cwd?: string; env?: Record<string, string>; timeoutMs?: number },
  ): Promise<RunResult>;
  /** Runs it and parses its JSON; throws when it fails. */
  json<T>(...args: string[]): Promise<T>;
  client(): Client;
  daemonPid(): number;
  proxyPid(): number;
  stop(): Promise<void>;
}

/** Waits until `probe` gives something; throws with `what` after the limit (ms). */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  limitMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${limitMs} ms`);
    await delay(25);
  }
}

/** A repository with one commit on main. */
export async function makeRepository(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await git(folder, ['init', '-q', '-b', 'main']);
  await git(folder, ['config', 'user.name', 'Tester']);
  await git(folder, ['config', 'user.email', 'tester@example.org']);
  await writeFile(join(folder, 'README.md'), '# Test\n');
  await git(folder, ['add', '-A']);
  await git(folder, ['commit', '-q', '-m', 'First commit']);
  return realpath(folder);
}

async function endPid(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
  if (!isRunning(pid)) return;
  process.kill(pid, 'SIGTERM');
  await until(`process ${pid} ends`, async () => !isRunning(pid), 5_000).catch(() => process.kill(pid, 'SIGKILL'));
}

/** Its path has characters that shells and tmux would replace if they were given a chance. */
export async function createHome(extra: Record<string, string> = {}): Promise<TestHome> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel #1 5%d ')));
  const repository = await makeRepository(join(folder, 'repo'));
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    GODEL_HOME: join(folder, 'home'),
    GODEL_PORT: '0',
    GODEL_PROXY_PORT: '0',
    // A daemon that a test kills stays away until the test has it started.
    GODEL_KEEPER: 'off',
    ...extra,
  };
  const paths = homePaths(env);
  const godel: TestHome['godel'] = (args, options = {}) =>
    run(process.execPath, [GODEL, ...args], {
      cwd: options.cwd ?? repository,
      env: { ...env, ...options.env },
      timeoutMs: options.timeoutMs ?? 60_000,
    });
  const pidIn = (file: string) => (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid;
  return {
    folder,
    repository,
    env,
    paths,
    godel,
    async json<T>(...args: string[]) {
      const result = await godel([...args, '--json']);
      if (result.code !== 0) throw new Error(`godel ${args.join(' ')}: exit ${result.code}\n${result.stderr}`);
      return JSON.parse(result.stdout) as T;
    },
    client: () => createClient({ socketPath: paths.socketFile, projectPath: repository }),
    daemonPid: () => pidIn(paths.daemonFile),
    proxyPid: () => pidIn(paths.proxyFile),
    async stop() {
      await endPid(paths.daemonFile);
      await endPid(paths.proxyFile);
      await run('tmux', ['-L', paths.tmuxSocketName, 'kill-server'], { env }).catch(() => undefined);
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}

/** A prompt that carries a script for the demo provider. */
export function script(...lines: string[]): string {
  return ['```demo', ...lines, '```'].join('\n');
}
