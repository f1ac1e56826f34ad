/**
 * The filter: words that must all be found, or `field:value`. Titles and fields are looked into here; what the daemon
 * found in descriptions and comments for the same words counts as well.
 */
import type { Bead } from '../../src/beads/schema.ts';
import { isOverdue } from '../../src/beads/state.ts';
import type { Convoy } from '../../src/convoys/schema.ts';
import type { Found } from './state.ts';

/** What a filter needs to know besides the bead. */
export interface FilterSight {
  readonly convoys: ReadonlyMap<string, Convoy>;
  readonly found: Found | undefined;
  readonly nowMs: number;
}

const FIELDS: Readonly<Record<string, (bead: Bead) => readonly string[]>> = {
  type: (bead) => [bead.type],
  priority: (bead) => [bead.priority],
  agent: (bead) => [bead.agent ?? 'none'],
  label: (bead) => bead.labels,
  status: (bead) => [bead.status],
  id: (bead) => [bead.id],
  parent: (bead) => [bead.parentBead ?? 'none'],
  due: (bead) => [bead.dueAt ?? 'none'],
};

type Test = (bead: Bead) => boolean;

const wordsOf = (filter: string) => filter.toLowerCase().split(/\s+/).filter(Boolean);

function isField(word: string): boolean {
  const name = word.slice(0, Math.max(0, word.indexOf(':')));
  return name in FIELDS || name === 'convoy' || word === 'is:late';
}

/** The words of a filter that are looked for in texts, for the daemon's search. */
export function plainWords(filter: string): string {
  return wordsOf(filter)
    .filter((word) => !isField(word))
    .join(' ');
}

/** A convoy by id or name, without its blanks: `convoy:sprint1` is "Sprint 1". */
function inConvoy(value: string, convoys: Iterable<Convoy>): Test {
  const ids = new Set<string>();
  for (const { id, name, beads } of convoys) {
    const texts = [id, name.toLowerCase().replaceAll(/\s+/g, '')];
    if (texts.some((text) => text.includes(value))) for (const bead of beads) ids.add(bead);
  }
  return (bead) => ids.has(bead.id);
}

function fieldTest(word: string, sight: FilterSight): Test {
  if (word === 'is:late') return (bead) => isOverdue(bead, sight.nowMs);
  const [name, value] = [word.slice(0, word.indexOf(':')), word.slice(word.indexOf(':') + 1)];
  if (name === 'convoy') return inConvoy(value, sight.convoys.values());
  const field = FIELDS[name];
  return (bead) => field?.(bead).some((each) => each.toLowerCase().includes(value)) ?? false;
}

function hasWord(bead: Bead, word: string): boolean {
  return [bead.id, bead.title, bead.type, bead.priority, bead.agent ?? '', ...bead.labels].some((text) =>
    text.toLowerCase().includes(word),
  );
}

/** Whether a bead passes; an empty filter passes all. */
export function filterOf(filter: string, sight: FilterSight): Test {
  const words = wordsOf(filter);
  const fields = words.filter(isField).map((word) => fieldTest(word, sight));
  const plain = words.filter((word) => !isField(word));
  const found = new Set(sight.found?.words === plain.join(' ') ? sight.found.ids : []);
  return (bead) =>
    fields.every((test) => test(bead)) && (found.has(bead.id) || plain.every((word) => hasWord(bead, word)));
}
