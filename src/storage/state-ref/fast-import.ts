/**
 * One `git fast-import` as it runs: groups of changes go in, each becomes a commit that is on disk before its id comes
 * out. core.fsync=committed flushes pack, index and ref; whether the ref was moved is for the caller to read.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gitEnvironment } from '../../base/git.ts';
import { failure } from '../../errors.ts';
import { STATE_REF } from './layout.ts';
import { packListFile } from './repack.ts';

export interface FileChange {
  path: string;
  /** New text, or null for a deletion. */
  content: string | null;
}

export interface Group {
  /** Commit the ref must be at; null when it must not exist. */
  expected: string | null;
  changes: readonly FileChange[];
  subject: string;
  body?: string;
  /** Commit of another clone whose content is in the changes: it becomes the second parent. */
  merged?: string;
  nowMs: number;
}

const CONFIG = ['core.fsync=committed', 'fastimport.unpackLimit=1', 'gc.auto=0'];
/** Longest time (ms) a group may take. */
const TIMEOUT_MS = 60_000;
/** Longest time (ms) it may take to end. */
const END_MS = 10_000;
/** Characters of what git complained about that are kept. */
const MOST_COMPLAINTS = 16_384;

/**
 * Everything to disk, then the id of the commit. Afterwards the branch is forgotten: at its end the process would set the
 * ref once more to what it remembers, also when somebody took the ref away meanwhile.
 */
const ANSWER = `\ncheckpoint\n\nget-mark :1\nreset ${STATE_REF}\n\n`;

function data(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')]);
}

/** Quotes a path in the form of git's C-style quoting. */
function quotedPath(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function stream(spec: Group): Buffer {
  const seconds = Math.floor(spec.nowMs / 1000);
  const head = [`commit ${STATE_REF}\n`, 'mark :1\n', `committer Godel <godel@localhost> ${seconds} +0000\n`].join('');
  const message = data(spec.body ? `${spec.subject}\n\n${spec.body}\n` : `${spec.subject}\n`);
  const parents = [
    spec.expected === null ? '' : `from ${spec.expected}\n`,
    spec.merged === undefined ? '' : `merge ${spec.merged}\n`,
  ];
  const parent = Buffer.from(parents.join(''));
  const changes = spec.changes.map((change) =>
    change.content === null
      ? Buffer.from(`D ${quotedPath(change.path)}\n`)
      : Buffer.concat([Buffer.from(`M 100644 inline ${quotedPath(change.path)}\n`), data(change.content)]),
  );
  return Buffer.concat([Buffer.from(head), message, parent, ...changes, Buffer.from(ANSWER)]);
}

/** What git said, in words a person can act on. */
export function explain(gitDir: string, text: string): Error {
  if (/No space left|Out of diskspace|disk quota|file too large/i.test(text))
    return failure('disk-full', { problem: text.split('\n')[0] });
  if (/Permission denied|Read-only file system/i.test(text)) {
    return failure('repository-read-only', { path: gitDir, problem: text.split('\n')[0] });
  }
  return new Error(`git fast-import failed: ${text.slice(0, 2_000)}`);
}

export interface Importer {
  /** Commits a group; its id, once everything is flushed. Rejects when the process ended before it answered. */
  commit(group: Group): Promise<string>;
  /** What it complained about so far. */
  complaints(): string;
  /** Lets it finish; resolves when it is gone. */
  end(): Promise<void>;
}

/** Starts a process; `committer` of every commit is Godel, whoever is logged in. */
export function startImporter(gitDir: string): Importer {
  const config = CONFIG.flatMap((setting) => ['-c', setting]);
  // Names the pack it makes, so that rolling up finds our own.
  const edges = `--export-pack-edges=${packListFile(gitDir)}`;
  const args = [...config, 'fast-import', '--quiet', '--done', '--date-format=raw', edges];
  const child = spawn('git', args, { cwd: gitDir, env: gitEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-MOST_COMPLAINTS);
  });
  // A process that ends closes the pipe: its exit tells the story.
  child.stdin.on('error', () => {});
  const ended = whenEnded(child).then(async () => {
    // Its crash report would stay in the user's repository for ever; what it says is in the error.
    const report = /fast_import_crash_\d+/.exec(complaints)?.[0];
    if (report) await rm(join(gitDir, report), { force: true });
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function answered(): Promise<string> {
    const timer = setTimeout(() => {
      complaints = 'git fast-import timed out';
      child.kill('SIGKILL');
    }, TIMEOUT_MS);
    try {
      const { value, done } = await answers.next();
      if (!done) return value;
      await ended;
      throw new Error(complaints.trim());
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    commit(group) {
      child.stdin.write(stream(group));
      return answered();
    },
    complaints: () => complaints.trim(),
    async end() {
      child.stdin.end('done\n');
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Resolves when a process is gone, also when it could not be started. */
function whenEnded(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on('close', () => resolve());
    child.on('error', () => resolve());
  });
}
