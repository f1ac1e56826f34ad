/** What the readers of conversations share. Pure. */
import type { Json } from '../../../src/base/json-lines.ts';
import type { SessionTurn } from '../../../src/sessions/schema.ts';

export const asObject = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

export const toLines = (entries: readonly Json[]): string =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

/** Works something out once for each line: conversations are read again at every turn, and their lines do not change. */
export function onceEach<Found>(work: (line: Json) => Found): (line: Json) => Found {
  const known = new WeakMap<Json, { found: Found }>();
  return (line) => {
    const before = known.get(line);
    if (before) return before.found;
    const found = work(line);
    known.set(line, { found });
    return found;
  };
}

/** An entry of a file, which is a turn or lies between turns. */
export interface Entry {
  id: string;
  parent: string | null;
  turn?: Omit<SessionTurn, 'id' | 'parent'> | undefined;
}

/** Turns with the nearest turn above each as its parent. */
export function turnsOf(entries: readonly Entry[]): SessionTurn[] {
  /** Entry -> the turn it is, or the nearest one above it. */
  const standsFor = new Map<string, string | null>();
  const turns: SessionTurn[] = [];
  for (const { id, parent, turn } of entries) {
    const above = parent === null ? null : (standsFor.get(parent) ?? null);
    standsFor.set(id, turn ? id : above);
    if (turn) turns.push({ id, parent: above, ...turn });
  }
  return turns;
}

export type Unlinked = Omit<SessionTurn, 'parent'>;

/** Turns of a conversation without branches: each has the one before it as its parent. */
export const inARow = (turns: readonly Unlinked[]): SessionTurn[] =>
  turns.map((turn, index) => ({ ...turn, parent: turns[index - 1]?.id ?? null }));

/** Entries from the first one to `last`, by their links. */
export function chainTo<T extends { id: string; parent: string | null }>(entries: readonly T[], last: string): T[] {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  const chain = new Set<T>();
  for (let at = byId.get(last); at && !chain.has(at); at = byId.get(at.parent ?? '')) chain.add(at);
  return entries.filter((entry) => chain.has(entry));
}
