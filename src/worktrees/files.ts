/**
 * Ignored files that a worktree shares with the main one: copied (as a clone of the file system where it has that)
 * or linked. A pattern that ends with a slash means whole folders.
 */
import { constants } from 'node:fs';
import { appendFile, cp, lstat, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join, matchesGlob } from 'node:path';
import { git, tryGit } from '../base/git.ts';
import type { SharedFile } from './schema.ts';

export interface FilesSpec {
  gitDir: string;
  /** Top of the main worktree. */
  top: string;
  /** Top of the worktree that receives them. */
  path: string;
  copy: readonly string[];
  link: readonly string[];
}

const isThere = async (path: string) => (await lstat(path).catch(() => undefined)) !== undefined;

/** Keeps `line` out of everybody's status without touching a tracked file. */
export async function exclude(gitDir: string, line: string): Promise<void> {
  const file = join(gitDir, 'info', 'exclude');
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.split('\n').includes(line)) return;
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`);
}

async function ignoredIn(top: string, args: readonly string[]): Promise<string[]> {
  const text = await git(top, ['ls-files', '--others', '--ignored', '--exclude-standard', '-z', ...args]);
  return text.split('\0').filter((name) => name !== '' && !name.startsWith('.godel/'));
}

/** Ignored paths: folders that are ignored as a whole end with a slash, and are opened only for a pattern that begins inside. */
async function candidates(top: string, patterns: readonly string[]): Promise<string[]> {
  const names = await ignoredIn(top, ['--directory']);
  const folders = names.filter((name) => name.endsWith('/'));
  const opened = folders.filter((folder) => patterns.some((each) => each !== folder && each.startsWith(folder)));
  const inside = await Promise.all(opened.map((folder) => ignoredIn(top, ['--', folder])));
  const parents = inside.flat().flatMap((name) => {
    const parts = name.split('/').slice(0, -1);
    return parts.map((_part, index) => `${parts.slice(0, index + 1).join('/')}/`);
  });
  return [...new Set([...names, ...inside.flat(), ...parents])];
}

const isMatch = (name: string, pattern: string) =>
  name.endsWith('/') === pattern.endsWith('/') &&
  (name === pattern || matchesGlob(name.replace(/\/$/, ''), pattern.replace(/\/$/, '')));

function noteOn(name: string, action: SharedFile['action']): string | undefined {
  if (action !== 'link' || !/(^|\/)node_modules$/.test(name)) return undefined;
  return 'links of a workspace inside it lead to the main checkout';
}

/** What the patterns mean right now, in the order it would be done. Changes nothing. */
export async function planFiles(spec: FilesSpec): Promise<SharedFile[]> {
  const patterns = [...spec.link, ...spec.copy];
  if (patterns.length === 0) return [];
  const plan: SharedFile[] = [];
  const isInside = (name: string) => plan.some((each) => each.kind === 'folder' && name.startsWith(`${each.path}/`));
  for (const name of (await candidates(spec.top, patterns)).sort()) {
    const isLinked = spec.link.some((pattern) => isMatch(name, pattern));
    if (!isLinked && !spec.copy.some((pattern) => isMatch(name, pattern))) continue;
    const path = name.replace(/\/$/, '');
    if (isInside(path)) continue;
    const action = isLinked ? 'link' : 'copy';
    const note = noteOn(path, action);
    const there = await isThere(join(spec.path, path));
    plan.push({
      path,
      action,
      kind: name.endsWith('/') ? 'folder' : 'file',
      there,
      ...(note === undefined ? {} : { note }),
    });
  }
  return plan;
}

async function link(spec: FilesSpec, path: string): Promise<void> {
  await symlink(join(spec.top, path), join(spec.path, path));
  // A pattern such as `node_modules/` means folders only, so the link itself would show up as untracked.
  const ignored = await tryGit(spec.path, ['check-ignore', '--quiet', '--', path]);
  if (ignored.code !== 0) await exclude(spec.gitDir, `/${path}`);
}

/**
 * Does what was planned. What is there already is kept; with `refresh`, copies are made anew, for a worktree
 * that nobody has worked in yet.
 */
export async function shareFiles(spec: FilesSpec, options: { refresh?: boolean } = {}): Promise<SharedFile[]> {
  const plan = await planFiles(spec);
  for (const { path, action, there } of plan) {
    if (there && !(options.refresh && action === 'copy')) continue;
    const target = join(spec.path, path);
    await mkdir(dirname(target), { recursive: true });
    if (action === 'link') {
      await link(spec, path);
      continue;
    }
    if (there) await rm(target, { recursive: true, force: true });
    await cp(join(spec.top, path), target, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
    });
  }
  return plan;
}
