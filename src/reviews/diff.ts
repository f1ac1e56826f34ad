/** What the branch of a bead changes, relative to where it left the main branch. */
import { git, tryGit } from '../base/git.ts';
import { failure } from '../errors.ts';
import type { ChangedFile } from './schema.ts';

export interface DiffSpec {
  gitDir: string;
  main: string;
  branch: string;
  /** Lines around a change. */
  contextLines: number;
}

export interface Diff {
  base: string;
  head: string;
  files: ChangedFile[];
  patch: string;
  truncated: boolean;
}

/** Bytes of patch text that are shown; more than anybody reads. */
const MAX_PATCH_BYTES = 5 * 1024 * 1024;

const STATUS: Readonly<Record<string, ChangedFile['status']>> = {
  A: 'added',
  M: 'modified',
  D: 'deleted',
  R: 'renamed',
  C: 'copied',
  T: 'type-changed',
};

/** Parses `diff --raw --numstat -z` into files. Pure. */
export function parseFiles(text: string): ChangedFile[] {
  const parts = text.split('\0');
  const statuses = new Map<string, { status: ChangedFile['status']; oldPath?: string }>();
  const files: ChangedFile[] = [];
  let at = 0;
  while (at < parts.length && parts[at] !== '') {
    const part = parts[at] as string;
    if (part.startsWith(':')) {
      const letter = part.split(' ')[4]?.[0] ?? 'M';
      const moved = letter === 'R' || letter === 'C';
      const [first = '', second = ''] = [parts[at + 1], parts[at + 2]];
      statuses.set(moved ? second : first, {
        status: STATUS[letter] ?? 'modified',
        ...(moved ? { oldPath: first } : {}),
      });
      at += moved ? 3 : 2;
      continue;
    }
    const [added = '', removed = '', name = ''] = part.split('\t');
    const path = name === '' ? (parts[at + 2] ?? '') : name;
    const known = statuses.get(path) ?? { status: 'modified' as const };
    files.push({
      path,
      ...known,
      additions: Number(added) || 0,
      deletions: Number(removed) || 0,
      binary: added === '-',
    });
    at += name === '' ? 3 : 1;
  }
  return files;
}

/** @throws GodelError nothing-to-review when the branch does not exist */
export async function beadDiff(spec: DiffSpec): Promise<Diff> {
  const { gitDir, main, branch } = spec;
  const head = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]);
  if (head.code !== 0) throw failure('nothing-to-review', { branch, main });
  const tip = head.stdout.trim();
  const base = await git(gitDir, ['merge-base', `refs/heads/${main}`, tip]);
  const options = ['--no-color', '--no-ext-diff', '--no-textconv', '-M'];
  const names = await git(gitDir, ['diff', ...options, '--raw', '--numstat', '-z', base, tip]);
  const context = `-U${spec.contextLines}`;
  const patch = await git(gitDir, ['diff', ...options, context, base, tip], { maxBytes: MAX_PATCH_BYTES + 1 });
  const truncated = Buffer.byteLength(patch) > MAX_PATCH_BYTES;
  return {
    base,
    head: tip,
    files: parseFiles(names),
    patch: truncated ? patch.slice(0, MAX_PATCH_BYTES) : patch,
    truncated,
  };
}
