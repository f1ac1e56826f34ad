/** Reading the state ref: the whole tree in one stream, a difference, one file, its history. */
import { spawn } from 'node:child_process';
import { git, gitEnvironment, tryGit } from '../../base/git.ts';
import { STATE_REF } from './layout.ts';

export interface StateFile {
  path: string;
  /** Text of the file, or null when it is not there or cannot be read. */
  content: string | null;
  /** Why git could not give its content. */
  problem?: string;
}

/** Commit of the state ref, or null when there is none. */
export async function readRef(gitDir: string): Promise<string | null> {
  const result = await tryGit(gitDir, ['rev-parse', '--verify', '--quiet', '--end-of-options', STATE_REF]);
  return result.code === 0 ? result.stdout.trim() : null;
}

interface Entry {
  oid: string;
  path: string;
}

async function listTree(gitDir: string, oid: string): Promise<Entry[]> {
  const text = await git(gitDir, ['ls-tree', '-r', '-z', oid], { timeoutMs: 120_000, maxBytes: 1024 * 1024 * 1024 });
  return text
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const tab = line.indexOf('\t');
      return { oid: line.slice(0, tab).split(' ')[2] ?? '', path: line.slice(tab + 1) };
    });
}

/** Splits the output of `cat-file --batch` into blobs, in the order they were asked for; undefined for a missing one. */
class BlobReader {
  private rest: Buffer = Buffer.alloc(0);
  private size = -1;

  *push(chunk: Buffer): Generator<string | undefined> {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    for (;;) {
      if (this.size < 0) {
        const end = this.rest.indexOf(10, at);
        if (end < 0) break;
        const line = this.rest.toString('latin1', at, end);
        const size = line.slice(line.lastIndexOf(' ') + 1);
        at = end + 1;
        // A name with spaces is told back as it was asked for, so the last word counts.
        if (line.endsWith(' missing')) {
          yield undefined;
          continue;
        }
        this.size = Number(size);
      }
      if (this.rest.length < at + this.size + 1) break;
      yield this.rest.toString('utf8', at, at + this.size);
      at += this.size + 1;
      this.size = -1;
    }
    this.rest = this.rest.subarray(at);
  }
}

/**
 * Contents of blobs from one `cat-file --batch` process, as far as it comes: a damaged object ends it.
 * Returns how many were read.
 */
async function streamBlobs(
  gitDir: string,
  entries: readonly Entry[],
  take: (files: StateFile[]) => Promise<void>,
  batch: number,
): Promise<number> {
  const child = spawn('git', ['cat-file', '--batch', '--buffer'], {
    cwd: gitDir,
    env: gitEnvironment(),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.on('close', resolve);
    child.on('error', reject);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(entries.map((entry) => `${entry.oid}\n`).join(''));
  const reader = new BlobReader();
  let next = 0;
  const files: StateFile[] = [];
  for await (const chunk of child.stdout) {
    for (const content of reader.push(chunk as Buffer)) {
      const entry = entries[next++];
      if (entry) files.push(fileOf(entry, content));
      if (files.length >= batch) await take(files.splice(0));
    }
  }
  if (files.length > 0) await take(files);
  await closed;
  return next;
}

const fileOf = ({ path, oid }: Entry, content: string | undefined): StateFile =>
  content === undefined ? { path, content: null, problem: `object ${oid} is missing` } : { path, content };

/** Contents of blobs in batches; a damaged one is told by its `problem` and does not hide the others. */
async function readBlobs(
  gitDir: string,
  entries: readonly Entry[],
  take: (files: StateFile[]) => Promise<void>,
  batch: number,
): Promise<void> {
  for (let start = 0; start < entries.length; ) {
    start += await streamBlobs(gitDir, entries.slice(start), take, batch);
    const entry = entries[start];
    if (!entry) return;
    // The stream ended at this one: it is asked for alone, and the stream goes on behind it.
    const alone = await tryGit(gitDir, ['cat-file', 'blob', entry.oid]);
    const problem = alone.stderr.trim().split('\n')[0] || 'it cannot be read';
    await take([alone.code === 0 ? fileOf(entry, alone.stdout) : { path: entry.path, content: null, problem }]);
    start += 1;
  }
}

/** Every file of a commit of the state ref, in batches. */
export async function readAll(
  gitDir: string,
  oid: string,
  take: (files: StateFile[]) => Promise<void>,
  batch = 1_000,
): Promise<void> {
  await readBlobs(gitDir, await listTree(gitDir, oid), take, batch);
}

/** What changed from one commit of the state ref to another. Throws when either is missing. */
export async function readDiff(gitDir: string, from: string, to: string): Promise<StateFile[]> {
  const text = await git(gitDir, ['diff-tree', '-r', '-z', '--no-renames', from, to], { maxBytes: 1024 * 1024 * 1024 });
  const parts = text.split('\0');
  const deleted: StateFile[] = [];
  const changed: Entry[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [meta = '', path = ''] = [parts[at], parts[at + 1]];
    const [, , , oid = '', status] = meta.split(' ');
    if (status === 'D') deleted.push({ path, content: null });
    else changed.push({ oid, path });
  }
  const files = [...deleted];
  if (changed.length > 0) {
    await readBlobs(gitDir, changed, async (batch) => void files.push(...batch), 1_000);
  }
  return files;
}

/** Paths that differ between two commits of the state ref. */
export async function changedPaths(gitDir: string, from: string, to: string): Promise<string[]> {
  const args = ['diff-tree', '-r', '-z', '--no-renames', '--name-only', from, to];
  const text = await git(gitDir, args, { maxBytes: 1024 * 1024 * 1024 });
  return text.split('\0').filter((path) => path !== '');
}

/** One file at a commit. Throws when it is not there. */
export function readPath(gitDir: string, commit: string, path: string): Promise<string> {
  return git(gitDir, ['cat-file', 'blob', `${commit}:${path}`]);
}

/** Texts of many files at a commit; those that are not there are left out. */
export async function readPaths(
  gitDir: string,
  commit: string,
  paths: readonly string[],
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const entries = paths.map((path) => ({ oid: `${commit}:${path}`, path }));
  const take = async (files: StateFile[]) => {
    for (const file of files) if (file.content !== null) texts.set(file.path, file.content);
  };
  if (entries.length > 0) await readBlobs(gitDir, entries, take, 1_000);
  return texts;
}

/** Texts of one file at many commits, by commit. */
export async function readVersions(
  gitDir: string,
  commits: readonly string[],
  path: string,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const entries = commits.map((commit) => ({ oid: `${commit}:${path}`, path: commit }));
  const take = async (files: StateFile[]) => {
    for (const file of files) if (file.content !== null) texts.set(file.path, file.content);
  };
  if (entries.length > 0) await readBlobs(gitDir, entries, take, 1_000);
  return texts;
}

/** Commits that changed a file, newest first. */
export async function pathHistory(gitDir: string, path: string, from: string = STATE_REF): Promise<string[]> {
  const text = await git(gitDir, ['log', '--format=%H', from, '--', path]);
  return text.split('\n').filter((line) => line !== '');
}
