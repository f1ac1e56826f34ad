/**
 * Giving a record another id, and having what refers to it follow. Pure, and without a stamp of this moment: two
 * clones that settle the same clash make the same bytes.
 */
import { createHash } from 'node:crypto';
import { type Cell, fieldOfPath, fromCells, rulesFor, toCells } from './cells.ts';
import { identityOf, type StateRecord } from './record.ts';
import { list, type Rules } from './rules.ts';
import { nextStamp, parseStamp } from './stamp.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** `length` characters that only depend on the identity of the record and the number of the attempt. */
export function derivedText(record: StateRecord, attempt: number, length: number): string {
  const digest = createHash('sha256')
    .update(`${identityOf(record)} ${attempt}`)
    .digest();
  return Array.from(digest.subarray(0, length), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** The record under another id; the one it had is remembered in `formerIds`. */
export function renamed(record: StateRecord, id: string, rules: Rules): StateRecord {
  const former = (record.fields.formerIds as string[] | undefined) ?? [];
  const fields = { ...record.fields, id, formerIds: [...new Set([...former, String(record.fields.id)])] };
  const ruleOf = rulesFor({ ...rules, formerIds: list }, [record]);
  return fromCells(toCells({ fields, clocks: record.clocks }, ruleOf), ruleOf);
}

/** The stamp right after another one, by the same replica. */
function following(stamp: string): string {
  const parts = parseStamp(stamp);
  return parts ? nextStamp(stamp, 0, parts.replica) : stamp;
}

/** The record with `to` wherever it referred to `from`; undefined when it did not. */
export function withReference(record: StateRecord, from: string, to: string, rules: Rules): StateRecord | undefined {
  const ruleOf = rulesFor(rules, [record]);
  const { created, cells, keyed } = toCells(record, ruleOf);
  const next = new Map<string, Cell>(cells);
  let isChanged = false;
  for (const [path, cell] of cells) {
    const field = fieldOfPath(path);
    if (cell.value !== from || field === 'id' || field === 'formerIds') continue;
    isChanged = true;
    if (ruleOf(field).merge === 'scalar') next.set(path, { value: to, stamp: following(cell.stamp) });
    else {
      next.set(path, { value: undefined, stamp: following(cell.stamp) });
      next.set(`${field}/${to}`, { value: to, stamp: cell.stamp });
    }
  }
  return isChanged ? fromCells({ created, cells: next, keyed }, ruleOf) : undefined;
}
