/** How a field of a record merges. A field without a rule (of a newer version) is decided by its clocks, see cells.ts. */

export type FieldRule =
  /**
   * One value, the latest clock wins, after the highest rank where there is one (an absent value ranks lowest).
   * A quiet one is never worth telling a person about.
   */
  | { readonly merge: 'scalar'; readonly quiet?: boolean; readonly rank?: (value: unknown) => number }
  /** Elements that come and go one by one, sorted by key or by when they were added. */
  | { readonly merge: 'set'; readonly order: 'key' | 'clock'; readonly key?: (element: unknown) => string }
  /** Entries of an object, each a value of its own. */
  | { readonly merge: 'map' }
  /** Entries with an `id` that are added and edited (`updatedAt`), never removed. */
  | { readonly merge: 'log' };

export type Rules = Readonly<Record<string, FieldRule>>;

export const scalar: FieldRule = { merge: 'scalar' };
export const quiet: FieldRule = { merge: 'scalar', quiet: true };
export const tags: FieldRule = { merge: 'set', order: 'key' };
export const list: FieldRule = { merge: 'set', order: 'clock' };
export const map: FieldRule = { merge: 'map' };
export const log: FieldRule = { merge: 'log' };
/** A set of objects that are told apart by `key`. */
export const setBy = (key: (element: Readonly<Record<string, unknown>>) => string): FieldRule => ({
  merge: 'set',
  order: 'clock',
  key: (element) => key((element ?? {}) as Readonly<Record<string, unknown>>),
});
/** One value of which the highest `rank` wins, then the latest: the generation of a claim, for example. */
export const ranked = (rank: (value: Readonly<Record<string, unknown>>) => number): FieldRule => ({
  merge: 'scalar',
  quiet: true,
  rank: (value) => rank((value ?? {}) as Readonly<Record<string, unknown>>),
});
