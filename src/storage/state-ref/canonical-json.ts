/**
 * JSON with one byte form: keys sorted, one field per line, final newline. `git show` and `git log -p` read well.
 * Names that begin with `_` (clocks) come last, since a person reads from the top.
 */

const UNDERSCORE = 95;
const rank = (key: string) => (key.charCodeAt(0) === UNDERSCORE ? 1 : 0);

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

/** Whether `sorted` would change nothing: what was read from a canonical text need not be copied to be written again. */
function isSorted(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.every(isSorted);
  let last: string | undefined;
  for (const key of Object.keys(value)) {
    if (last !== undefined && byName(last, key) > 0) return false;
    if (!isSorted((value as Record<string, unknown>)[key])) return false;
    last = key;
  }
  return true;
}

export function toCanonicalJson(value: unknown): string {
  return `${JSON.stringify(isSorted(value) ? value : sorted(value), null, 2)}\n`;
}

/** Whether `text`, of which `value` was read, is the canonical one. */
export const isCanonicalJson = (text: string, value: unknown): boolean =>
  isSorted(value) && `${JSON.stringify(value, null, 2)}\n` === text;

/** The same on one line, to compare values by. */
export function canonicalKey(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? '';
}
