/**
 * The thin git seam. Every call runs with the caller's GIT_* variables dropped, a C locale and a
 * time limit, so neither a hook's environment nor a user's locale can change what a call means.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type RunOptions, type RunResult, run } from './process.ts';

export class GitError extends Error {
  readonly result: RunResult;
  readonly args: readonly string[];

  constructor(args: readonly string[], result: RunResult) {
    const cause = result.timedOut ? 'timed out' : `exit ${result.code ?? result.signal}`;
    super(`git ${args[0]} failed (${cause}): ${result.stderr.trim() || result.stdout.trim()}`);
    this.name = 'GitError';
    this.result = result;
    this.args = args;
  }
}

/** The process environment without GIT_* and with a fixed locale; `extra` is added last. */
export function gitEnvironment(
  extra: Readonly<Record<string, string>> = {},
  base: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [key, value] of Object.entries(base)) {
    if (value !== undefined && !key.startsWith('GIT_')) env[key] = value;
  }
  return { ...env, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', ...extra };
}

export interface GitOptions extends Omit<RunOptions, 'env'> {
  /** Added to the scrubbed environment, for example GIT_INDEX_FILE or an author. */
  env?: Readonly<Record<string, string>>;
  /** `-c key=value` settings for this call only. */
  config?: readonly string[];
}

/** Runs git in `dir` and returns the result whatever the exit code. */
export function tryGit(dir: string, args: readonly string[], options: GitOptions = {}): Promise<RunResult> {
  const config = (options.config ?? []).flatMap((setting) => ['-c', setting]);
  return run('git', [...config, ...args], { ...options, cwd: dir, env: gitEnvironment(options.env) });
}

/** Runs git in `dir`; returns standard output without its final newline; throws GitError on failure. */
export async function git(dir: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  const result = await tryGit(dir, args, options);
  if (result.code !== 0) throw new GitError(args, result);
  return result.stdout.replace(/\n$/, '');
}

/** A line that git has mostly just written: it is in memory, and the pool of threads costs ten times what reading it does. */
function lineOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Commit of a ref as its own file says; undefined when it has none (packed, gone, or another ref store). */
export async function looseRef(gitDir: string, ref: string): Promise<string | undefined> {
  const text = lineOf(join(gitDir, ref));
  return /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
}

/**
 * The git directory that belongs to one worktree alone, as its `.git` file says; no process is needed.
 * Throws when `path` is no worktree.
 */
export async function adminDirOf(path: string): Promise<string> {
  const text = await readFile(join(path, '.git'), 'utf8');
  const target = /^gitdir: (.+)$/m.exec(text)?.[1];
  if (target === undefined) throw new Error(`${path} is not a worktree`);
  return resolve(path, target);
}
