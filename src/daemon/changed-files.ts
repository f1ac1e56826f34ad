/** When a worktree last changed: asked only when every cheaper sign of an agent is silent. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { tryGit } from '../base/git.ts';

const MOST_FILES = 2_000;

const mtimeOf = async (path: string) => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;

/** Unix ms of the newest change that git does not ignore, commits included; 0 when nothing is known. */
export async function newestChangeMs(worktree: string): Promise<number> {
  const head = await tryGit(worktree, ['rev-parse', '--path-format=absolute', '--git-path', 'logs/HEAD']);
  if (head.code !== 0) return 0;
  const listed = await tryGit(worktree, ['ls-files', '-z', '-m', '-o', '--exclude-standard']);
  const names = listed.code === 0 ? listed.stdout.split('\0').filter(Boolean).slice(0, MOST_FILES) : [];
  const times = await Promise.all([head.stdout.trim(), ...names.map((name) => join(worktree, name))].map(mtimeOf));
  return Math.max(0, ...times);
}
