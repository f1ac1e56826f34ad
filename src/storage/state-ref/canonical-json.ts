/**
 * JSON with one byte form: keys sorted, one field per line, final newline. `git show` and `git log -p` read well.
 * Names that begin with `_` (clocks) come last, since a person reads from the top.
 */

const rank = (key: string) => (key.startsWith('_') ? 1 : 0);

function byName(a: string, b: string): number {
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  // Entries with a null prototype: a field may be called __proto__.
  const result: Record<string, unknown> = Object.create(null);
  for (const key of Object.keys(value).sort(byName)) {
    const each = (value as Record<string, unknown>)[key];
    if (each !== undefined) result[key] = sorted(each);
  }
  return result;
}

export function toCanonicalJson(value: unknown): string {
  return `${JSON.stringify(sorted(value), null, 2)}\n`;
}

/** The same on one line, to compare values by. */
export function canonicalKey(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? '';
}
