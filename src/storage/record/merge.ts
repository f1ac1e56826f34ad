/**
 * Merging two records of one path without a common ancestor: commutative, associative, idempotent.
 * Nothing here reads a clock or a disk; the same two records give the same bytes everywhere.
 */
import { canonicalKey } from '../state-ref/canonical-json.ts';
import { type Cell, fieldOfPath, fromCells, laterCell, mergedCreation, rulesFor, toCells } from './cells.ts';
import { createdStamp, identityOf, type StateRecord } from './record.ts';
import type { Rules } from './rules.ts';
import { parseStamp } from './stamp.ts';

/** Both records in one. They must be the same thing, see `identityOf`. */
export function mergeRecords(a: StateRecord, b: StateRecord, rules: Rules): StateRecord {
  const ruleOf = rulesFor(rules, [a, b]);
  const [left, right] = [toCells(a, ruleOf), toCells(b, ruleOf)];
  const cells = new Map<string, Cell>(left.cells);
  for (const [path, cell] of right.cells) {
    const known = cells.get(path);
    cells.set(path, known ? laterCell(ruleOf(fieldOfPath(path)), known, cell) : cell);
  }
  const keyed = new Set([...left.keyed, ...right.keyed]);
  return fromCells({ created: mergedCreation(left.created, right.created), cells, keyed }, ruleOf);
}

/** One value that two sides changed differently since they last agreed. */
export interface FieldConflict {
  /** Field, or `field/key` inside a map. */
  field: string;
  kept: Cell;
  lost: Cell;
}

/**
 * What a person has to know about a merge: single values changed on both sides since `base`.
 * Without a base (histories that never met) every value that differs counts.
 */
export function findConflicts(
  a: StateRecord,
  b: StateRecord,
  base: StateRecord | undefined,
  rules: Rules,
): FieldConflict[] {
  const ruleOf = rulesFor(rules, base ? [a, b, base] : [a, b]);
  const [left, right] = [toCells(a, ruleOf).cells, toCells(b, ruleOf).cells];
  const before = base && toCells(base, ruleOf).cells;
  const conflicts: FieldConflict[] = [];
  for (const [field, one] of left) {
    const rule = ruleOf(fieldOfPath(field));
    const other = right.get(field);
    if (!other || one.stamp === other.stamp) continue;
    if (rule.merge === 'set' || rule.merge === 'log' || (rule.merge === 'scalar' && rule.quiet)) continue;
    if (canonicalKey(one.value) === canonicalKey(other.value)) continue;
    const since = before?.get(field)?.stamp ?? '';
    if (one.stamp <= since || other.stamp <= since) continue;
    // One writer who changed it twice: the later change is what he meant.
    if (parseStamp(one.stamp)?.replica === parseStamp(other.stamp)?.replica) continue;
    const kept = laterCell(rule, one, other);
    conflicts.push({ field, kept, lost: kept === one ? other : one });
  }
  return conflicts;
}

/** Of two different things at one path: the older keeps it, and the other has to go elsewhere. */
export function settleClash(a: StateRecord, b: StateRecord): { keeper: StateRecord; moving: StateRecord } {
  const order = (record: StateRecord) => [createdStamp(record), identityOf(record)].join(' ');
  return order(a) <= order(b) ? { keeper: a, moving: b } : { keeper: b, moving: a };
}

export const isClash = (a: StateRecord, b: StateRecord): boolean => identityOf(a) !== identityOf(b);
