/**
 * One commit on the state ref per group of changes, by one short-lived `git fast-import`.
 * `from <expected oid>` makes it a compare-and-swap: when the ref moved, fast-import refuses and
 * the ref is untouched. core.fsync=committed flushes pack, index and ref before it answers.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tryGit } from '../../base/git.ts';
import type { RunResult } from '../../base/process.ts';
import { failure } from '../../errors.ts';
import { STATE_REF } from './layout.ts';
import { readRef } from './read.ts';
import { packListFile } from './repack.ts';

export interface FileChange {
  path: string;
  /** New text, or null for a deletion. */
  content: string | null;
}

export interface GroupSpec {
  gitDir: string;
  /** Commit the ref must be at; null when it must not exist. */
  expected: string | null;
  changes: readonly FileChange[];
  subject: string;
  body?: string;
  /** Commit of another clone whose content is in the changes: it becomes the second parent. */
  merged?: string;
  nowMs: number;
}

/** Somebody else moved the ref; nothing was written. */
export class StateMovedError extends Error {
  constructor() {
    super(`${STATE_REF} was moved by another writer`);
    this.name = 'StateMovedError';
  }
}

const CONFIG = ['core.fsync=committed', 'fastimport.unpackLimit=1', 'gc.auto=0'];

function data(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')]);
}

/** Quotes a path in the form of git's C-style quoting. */
function quotedPath(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function stream(spec: GroupSpec): Buffer {
  const seconds = Math.floor(spec.nowMs / 1000);
  const head = [`commit ${STATE_REF}\n`, `committer Godel <godel@localhost> ${seconds} +0000\n`].join('');
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
  return Buffer.concat([Buffer.from(head), message, parent, ...changes, Buffer.from('\ndone\n')]);
}

function explain(spec: GroupSpec, result: RunResult): Error {
  const text = result.timedOut ? 'git fast-import timed out' : result.stderr.trim();
  if (/No space left|Out of diskspace|disk quota|file too large/i.test(text))
    return failure('disk-full', { problem: text.split('\n')[0] });
  if (/Permission denied|Read-only file system/i.test(text)) {
    return failure('repository-read-only', { path: spec.gitDir, problem: text.split('\n')[0] });
  }
  return new Error(`git fast-import failed: ${text.slice(0, 2_000)}`);
}

/**
 * Writes a group and returns the new commit, read back from the ref.
 * @throws StateMovedError, GodelError disk-full, repository-read-only
 */
export async function writeGroup(spec: GroupSpec): Promise<string> {
  // Without a parent fast-import would start a new history over an existing ref.
  if (spec.expected === null && (await readRef(spec.gitDir)) !== null) throw new StateMovedError();
  // Names the pack it makes, so that rolling up finds our own.
  const args = [
    'fast-import',
    '--quiet',
    '--done',
    '--date-format=raw',
    `--export-pack-edges=${packListFile(spec.gitDir)}`,
  ];
  const result = await tryGit(spec.gitDir, args, {
    input: stream(spec),
    config: CONFIG,
    timeoutMs: 60_000,
  });
  const now = await readRef(spec.gitDir);
  if (result.code !== 0 || now === null || now === spec.expected) {
    // Its crash report would stay in the user's repository for ever; what it says is in the error.
    const report = /fast_import_crash_\d+/.exec(result.stderr)?.[0];
    if (report) await rm(join(spec.gitDir, report), { force: true });
    if (now !== spec.expected) throw new StateMovedError();
    throw explain(spec, result);
  }
  return now;
}
