/** The filter: words that must all be found, or `field:value`. */
import type { Bead } from '../../src/beads/schema.ts';

const FIELDS: Readonly<Record<string, (bead: Bead) => readonly string[]>> = {
  type: (bead) => [bead.type],
  priority: (bead) => [bead.priority],
  agent: (bead) => [bead.agent ?? 'none'],
  label: (bead) => bead.labels,
  status: (bead) => [bead.status],
  id: (bead) => [bead.id],
};

function matchesWord(bead: Bead, word: string): boolean {
  const colon = word.indexOf(':');
  const field = colon > 0 ? FIELDS[word.slice(0, colon)] : undefined;
  if (field) return field(bead).some((value) => value.toLowerCase().includes(word.slice(colon + 1)));
  return [bead.id, bead.title, bead.type, bead.priority, bead.agent ?? '', ...bead.labels].some((text) =>
    text.toLowerCase().includes(word),
  );
}

/** True when every word of `filter` is found in the bead; an empty filter matches all. */
export function matchesFilter(bead: Bead, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => matchesWord(bead, word));
}
