/**
 * Pins: one ref a queue entry, under refs/godel/queue/. It points to a tag object that carries the entry and holds its
 * commit, so neither a deleted branch nor a lost database can lose what was accepted.
 */
import { git, tryGit } from '../base/git.ts';
import { type Entry, type Pinned, pinnedSchema } from './schema.ts';
import { DURABLE } from './trial.ts';

const PREFIX = 'refs/godel/queue/';
const PAUSED = 'paused';

export interface Pin {
  entryId: string;
  commit: string;
  pinned: Pinned;
}

async function writeTag(gitDir: string, name: string, commit: string, text: string, nowMs: number): Promise<string> {
  const seconds = Math.floor(nowMs / 1000);
  const tag = `object ${commit}\ntype commit\ntag ${name}\ntagger Godel <godel@localhost> ${seconds} +0000\n\n${text}\n`;
  return git(gitDir, ['mktag'], { input: tag, config: DURABLE });
}

/** Pins an entry, or pins it anew at another commit. Durable when it returns. */
export async function pinEntry(gitDir: string, entry: Entry, nowMs: number): Promise<void> {
  const text = JSON.stringify(pinnedSchema.parse(entry));
  const tag = await writeTag(gitDir, entry.id, entry.pin, text, nowMs);
  await git(gitDir, ['update-ref', `${PREFIX}${entry.id}`, tag], { config: DURABLE });
}

/** Lets a pin go; one that is gone is no failure. */
export async function unpinEntry(gitDir: string, entryId: string): Promise<void> {
  await git(gitDir, ['update-ref', '-d', `${PREFIX}${entryId}`]);
}

/** All pins that can be read. */
export async function readPins(gitDir: string): Promise<Pin[]> {
  const format = '--format=%(refname)%00%(*objectname)%00%(contents:subject)';
  const listed = await git(gitDir, ['for-each-ref', format, PREFIX]);
  return listed.split('\n').flatMap((line) => {
    const [ref = '', commit = '', text = ''] = line.split('\0');
    const entryId = ref.slice(PREFIX.length);
    if (commit === '' || entryId === PAUSED) return [];
    const pinned = parsePinned(text);
    return pinned ? [{ entryId, commit, pinned }] : [];
  });
}

function parsePinned(text: string): Pinned | undefined {
  try {
    return pinnedSchema.parse(JSON.parse(text));
  } catch {
    // Not written by this version: the commit stays pinned, the entry has to be added again.
    return undefined;
  }
}

/** A paused queue stays paused when the database is lost. */
export async function markPaused(gitDir: string, main: string, by: string | undefined, nowMs: number): Promise<void> {
  if (by === undefined) return unpinEntry(gitDir, PAUSED);
  const tag = await writeTag(gitDir, PAUSED, main, by, nowMs);
  await git(gitDir, ['update-ref', `${PREFIX}${PAUSED}`, tag], { config: DURABLE });
}

export async function pausedBy(gitDir: string): Promise<string | undefined> {
  const shown = await tryGit(gitDir, ['for-each-ref', '--format=%(contents:subject)', `${PREFIX}${PAUSED}`]);
  return shown.stdout.trim() || undefined;
}
