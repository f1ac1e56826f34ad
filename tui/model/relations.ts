/** What points at a bead: who waits for it, its sub-beads and the like. Read off all beads once per change of them. */
import type { Bead } from '../../src/beads/schema.ts';
import { linksOf } from '../../src/beads/state.ts';

export interface Relations {
  readonly children: readonly string[];
  readonly blocks: readonly string[];
  readonly related: readonly string[];
  readonly discovered: readonly string[];
}

const NONE: Relations = { children: [], blocks: [], related: [], discovered: [] };
type Beads = ReadonlyMap<string, Bead>;
type Index = ReadonlyMap<string, Record<keyof Relations, string[]>>;

const known = new WeakMap<Beads, Index>();

function indexOf(beads: Beads): Index {
  const index = new Map<string, Record<keyof Relations, string[]>>();
  const add = (id: string, field: keyof Relations, from: string) => {
    const relations = index.get(id) ?? { children: [], blocks: [], related: [], discovered: [] };
    relations[field].push(from);
    index.set(id, relations);
  };
  for (const bead of beads.values()) {
    if (bead.parentBead !== undefined) add(bead.parentBead, 'children', bead.id);
    for (const { kind, to } of linksOf(bead)) {
      add(to, kind === 'blocked-by' ? 'blocks' : kind === 'related' ? 'related' : 'discovered', bead.id);
    }
  }
  return index;
}

export function relationsOf(beads: Beads, id: string): Relations {
  let index = known.get(beads);
  if (!index) {
    index = indexOf(beads);
    known.set(beads, index);
  }
  return index.get(id) ?? NONE;
}
