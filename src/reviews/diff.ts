/** What a bead changes: its branch relative to where it left the main branch, or what its landing brought to main. */
import { git, tryGit } from '../base/git.ts';
import { failure } from '../errors.ts';
import type { ChangedFile } from './schema.ts';

export interface DiffSpec {
  gitDir: string;
  main: string;
  beadId: string;
  branch: string;
  /** Where its work is on the main branch; shown once the branch is gone. */
  landedCommit?: string;
  /** The commits of its branch: what a person put on main as they were carries no trailer. */
  commits: readonly string[];
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

interface Range {
  base: string;
  head: string;
}

/** Commits of a landing that a rebase may have made, at most; a bead of more is shown by its last ones. */
const MOST_LANDED = 1000;

/** From below the first to the last commit of a landing: those that lie together and are the bead's. */
async function landedRange({ gitDir, beadId, commits }: DiffSpec, commit: string): Promise<Range | undefined> {
  const format = '--format=%H %(trailers:key=Bead,valueonly,separator=%x2C)';
  const log = await tryGit(gitDir, ['log', '--first-parent', `-${MOST_LANDED}`, format, commit]);
  if (log.code !== 0) return undefined;
  const lines = log.stdout.trim().split('\n').slice(1);
  const isForeign = ([oid = '', bead]: readonly string[]) => bead !== beadId && !commits.includes(oid);
  const below = lines.map((line) => line.split(' ')).find(isForeign)?.[0];
  return below === undefined ? undefined : { base: below, head: commit };
}

/** A branch with something of its own holds the newest work, also of a bead that was reopened. */
async function rangeOf(spec: DiffSpec): Promise<Range> {
  const { gitDir, main, branch, landedCommit } = spec;
  const head = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]);
  const tip = head.code === 0 ? head.stdout.trim() : undefined;
  const base = tip === undefined ? undefined : await git(gitDir, ['merge-base', `refs/heads/${main}`, tip]);
  const own = tip === undefined || base === undefined ? undefined : { base, head: tip };
  if (own && own.base !== own.head) return own;
  const landed = landedCommit === undefined ? undefined : await landedRange(spec, landedCommit);
  if (!landed && !own) throw failure('nothing-to-review', { branch, main });
  return landed ?? (own as Range);
}

/** @throws GodelError nothing-to-review when there is no branch and nothing has landed */
export async function beadDiff(spec: DiffSpec): Promise<Diff> {
  const { gitDir } = spec;
  const { base, head } = await rangeOf(spec);
  const options = ['--no-color', '--no-ext-diff', '--no-textconv', '-M'];
  const names = await git(gitDir, ['diff', ...options, '--raw', '--numstat', '-z', base, head]);
  const context = `-U${spec.contextLines}`;
  const patch = await git(gitDir, ['diff', ...options, context, base, head], { maxBytes: MAX_PATCH_BYTES + 1 });
  const truncated = Buffer.byteLength(patch) > MAX_PATCH_BYTES;
  return {
    base,
    head,
    files: parseFiles(names),
    patch: truncated ? patch.slice(0, MAX_PATCH_BYTES) : patch,
    truncated,
  };
}
