/** What every format of import and export is read into and written from. Pure. */
import type { Bead, Note } from '../beads/schema.ts';

/** One bead as another place describes it. Links name keys of the same text, or ids of beads that are here. */
export interface Draft {
  /** What it is called in its own place; unique in one text. */
  key: string;
  /** The same, told apart from other places: kept in the bead, so that a second import finds it. */
  externalId: string;
  /** Identity of a bead that was exported from a Godel. */
  id?: string | undefined;
  uid?: string | undefined;
  title: string;
  description?: string | undefined;
  type: Bead['type'];
  status: Bead['status'];
  priority: Bead['priority'];
  labels: readonly string[];
  agent?: string | undefined;
  parent?: string | undefined;
  blockedBy: readonly string[];
  /** Absent where the format has no place for them: then a known bead keeps what it has. */
  related?: readonly string[];
  discoveredFrom?: readonly string[];
  dueAt?: string | undefined;
  notes?: readonly Note[];
  createdAt?: string | undefined;
  updatedAt?: string | undefined;
  doneAt?: string | undefined;
  metadata?: Readonly<Record<string, unknown>>;
}

export const EMPTY_DRAFT = {
  type: 'task',
  status: 'open',
  priority: 'medium',
  labels: [],
  blockedBy: [],
} as const satisfies Partial<Draft>;

/** A way to write beads as text and to read them back. */
export interface Format {
  /** @throws Error that names the line */
  parse(text: string): Draft[];
  render(beads: readonly Bead[]): string;
}
