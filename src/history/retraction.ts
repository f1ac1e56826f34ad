/**
 * Taking notes back. Every clone has a copy, so a note cannot be removed: it says nothing any more, and that wins over what
 * it said wherever the two meet. Its words stay in the history of git. Pure.
 */
import type { Note } from '../beads/schema.ts';

const TAKEN_BACK = '(taken back)';

/** Later than what it takes back, whatever the clock says: the later one stays in a merge. */
function momentAfter(note: Note, now: string): string {
  const last = note.updatedAt ?? note.createdAt;
  return now > last ? now : new Date(Date.parse(last) + 1).toISOString();
}

/** `notes` without the words of those that are in `after` and were not in `before`. */
export function retracted(
  notes: readonly Note[],
  { before, after }: { before: readonly Note[]; after: readonly Note[] },
  now: string,
): Note[] {
  const known = new Set(before.map((note) => note.id));
  const added = new Set(after.filter((note) => !known.has(note.id)).map((note) => note.id));
  return notes.map((note) =>
    added.has(note.id) ? { ...note, text: TAKEN_BACK, updatedAt: momentAfter(note, now) } : note,
  );
}
