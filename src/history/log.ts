/** The versions of one file of the state ref, and what changed from one to the next. */
import { git } from '../base/git.ts';
import { type Fields, parseRecord } from '../storage/record/record.ts';
import { canonicalKey } from '../storage/state-ref/canonical-json.ts';
import { STATE_REF } from '../storage/state-ref/layout.ts';
import { readVersions } from '../storage/state-ref/read.ts';
import type { HistoryEntry } from './schema.ts';

const SEPARATOR = '\u001f';
const FORMAT = ['%H', '%ct', '%(trailers:key=Godel-Replica,valueonly,separator=%x20)', '%B'].join('%x1f');
/** Fields that change with every change. */
const SILENT = new Set(['updatedAt']);

interface Commit {
  commit: string;
  at: string;
  replica: string;
  message: string;
}

async function commitsOf(gitDir: string, path: string, limit: number): Promise<Commit[]> {
  const args = ['log', '-z', `--max-count=${limit}`, `--format=${FORMAT}`, STATE_REF, '--', path];
  const text = await git(gitDir, args, { timeoutMs: 60_000 });
  return text
    .split('\0')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [commit = '', seconds = '0', replica = '', message = ''] = part.split(SEPARATOR);
      return { commit, at: new Date(Number(seconds) * 1000).toISOString(), replica, message };
    });
}

/** The line of a commit that is about this noun; a group lists one a change. */
function subjectOf(message: string, id: string): string {
  const lines = message.split('\n');
  const own = lines.filter((line) => line.startsWith(`${id}: `)).map((line) => line.slice(id.length + 2));
  return own.length > 0 ? [...new Set(own)].join('; ') : (lines[0] ?? '');
}

const whoIn = (subject: string): string | undefined =>
  / by ([^\s;]+)|\(([^()]+)\)/.exec(subject)?.slice(1).find(Boolean);

function fieldsOf(text: string | undefined): Fields {
  try {
    return text === undefined ? {} : parseRecord(text).fields;
  } catch {
    // An unreadable version: what comes after it shows as new.
    return {};
  }
}

function changesBetween(before: Fields, after: Fields): HistoryEntry['changes'] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !SILENT.has(name));
  return names
    .filter((name) => canonicalKey(before[name]) !== canonicalKey(after[name]))
    .map((field) => ({
      field,
      ...(before[field] === undefined ? {} : { from: before[field] }),
      ...(after[field] === undefined ? {} : { to: after[field] }),
    }));
}

/** Versions of a file, newest first, each compared with the one before. */
export async function fileHistory(
  gitDir: string,
  path: string,
  id: string,
  limit: number,
  nameOf: (replica: string) => Promise<string | undefined>,
): Promise<HistoryEntry[]> {
  // One more than is shown, to compare the last one with.
  const commits = await commitsOf(gitDir, path, limit + 1);
  const texts = await readVersions(
    gitDir,
    commits.map(({ commit }) => commit),
    path,
  );
  const entries: HistoryEntry[] = [];
  for (const [index, { commit, at, replica, message }] of commits.slice(0, limit).entries()) {
    const older = commits[index + 1];
    const subject = subjectOf(message, id);
    entries.push({
      commit,
      at,
      by: whoIn(subject) ?? (await nameOf(replica)) ?? (replica || 'unknown'),
      ...(replica ? { replica } : {}),
      subject,
      changes: changesBetween(fieldsOf(older && texts.get(older.commit)), fieldsOf(texts.get(commit))),
    });
  }
  return entries;
}
