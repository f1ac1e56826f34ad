/**
 * The record by `git fast-import`: groups of changes go in, each becomes a commit that is on disk before its id comes
 * out: pack, index and ref. Whether the ref was moved is for the caller to read.
 */
import { startFastImport, streamData } from '../../base/fast-import.ts';
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

/** Everything to disk, then the id of the commit. */
const ANSWER = '\ncheckpoint\n\nget-mark :1\n';
/**
 * The process keeps the branch, and with it the folders it has read, for the next group. It forgets it before its end, where it
 * would set the ref once more to what it remembers, also when somebody took the ref away meanwhile.
 */
const FORGET = `reset ${STATE_REF}\n\n`;

/** Quotes a path in the form of git's C-style quoting. */
function quotedPath(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function stream(spec: Group): Buffer {
  const seconds = Math.floor(spec.nowMs / 1000);
  const head = [`commit ${STATE_REF}\n`, 'mark :1\n', `committer Godel <godel@localhost> ${seconds} +0000\n`].join('');
  const message = streamData(spec.body ? `${spec.subject}\n\n${spec.body}\n` : `${spec.subject}\n`);
  const parents = [
    spec.expected === null ? '' : `from ${spec.expected}\n`,
    spec.merged === undefined ? '' : `merge ${spec.merged}\n`,
  ];
  const parent = Buffer.from(parents.join(''));
  const changes = spec.changes.map((change) =>
    change.content === null
      ? Buffer.from(`D ${quotedPath(change.path)}\n`)
      : Buffer.concat([Buffer.from(`M 100644 inline ${quotedPath(change.path)}\n`), streamData(change.content)]),
  );
  // Without a parent the process would take the commit it remembers.
  const before = Buffer.from(spec.expected === null ? FORGET : '');
  return Buffer.concat([before, Buffer.from(head), message, parent, ...changes, Buffer.from(ANSWER)]);
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
  // Every group stays a pack, and its name is written down, so that rolling up finds our own. What is new in it is mostly names
  // of objects, which no effort makes smaller.
  const importer = startFastImport(
    gitDir,
    ['fastimport.unpackLimit=1', 'pack.compression=1'],
    [`--export-pack-edges=${packListFile(gitDir)}`],
  );
  return {
    async commit(group) {
      const [oid = ''] = await importer.ask(stream(group), 1);
      return oid;
    },
    complaints: importer.complaints,
    end: () => importer.end(FORGET),
  };
}
