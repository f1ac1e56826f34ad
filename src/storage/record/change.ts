/** A local change as stamps: compares what a record shall be with what it was. Pure. */
import { canonicalKey } from '../state-ref/canonical-json.ts';
import { type Cell, entriesOf, fieldOfPath, fromCells, rulesFor, toCells } from './cells.ts';
import { CREATED, type Fields, latestStamp, type StateRecord } from './record.ts';
import type { FieldRule, Rules } from './rules.ts';

/** Gives the next stamp that is later than `after`. */
export type Stamper = (after: string) => string;

/** Elements that keep the order of adding need a stamp each; all else of one change shares one. */
const isOrdered = (rule: FieldRule) => rule.merge === 'set' && rule.order === 'clock';

/** A new record. */
export function createRecord(fields: Fields, rules: Rules, stamp: Stamper): StateRecord {
  const created = stamp('');
  const clocks: Record<string, string> = { [CREATED]: created };
  let last = created;
  for (const [field, value] of Object.entries(fields)) {
    const rule = rules[field];
    if (!rule || !isOrdered(rule)) continue;
    for (const [key] of entriesOf(rule, value).slice(1)) {
      last = stamp(last);
      clocks[`${field}/${key}`] = last;
    }
  }
  const record = { fields: withoutUndefined(fields), clocks };
  const ruleOf = rulesFor(rules, [record]);
  return fromCells(toCells(record, ruleOf), ruleOf);
}

const withoutUndefined = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/**
 * `before` with the values of `after`. What differs is stamped later than everything in `before`, so the person who
 * saw a value and changed it wins over it, whatever their clock says. Entries of logs are never taken away.
 */
export function changeRecord(before: StateRecord, after: Fields, rules: Rules, stamp: Stamper): StateRecord {
  const target = { fields: withoutUndefined(after), clocks: before.clocks };
  const ruleOf = rulesFor(rules, [before, target]);
  const [old, wanted] = [toCells(before, ruleOf), toCells(target, ruleOf)];
  let last = latestStamp(before);
  let shared: string | undefined;
  const next = (rule: FieldRule): string => {
    if (!isOrdered(rule) && shared !== undefined) return shared;
    last = stamp(last);
    if (!isOrdered(rule)) shared = last;
    return last;
  };
  const cells = new Map<string, Cell>(old.cells);
  for (const [path, { value }] of wanted.cells) {
    const known = old.cells.get(path);
    if (value === undefined || (known && canonicalKey(known.value) === canonicalKey(value))) continue;
    const rule = ruleOf(fieldOfPath(path));
    cells.set(path, { value, stamp: rule.merge === 'log' ? '' : next(rule) });
  }
  for (const [path, known] of old.cells) {
    const rule = ruleOf(fieldOfPath(path));
    if (known.value === undefined || rule.merge === 'log' || wanted.cells.get(path)?.value !== undefined) continue;
    cells.set(path, { value: undefined, stamp: next(rule) });
  }
  const keyed = new Set([...old.keyed, ...wanted.keyed]);
  return fromCells({ created: old.created, cells, keyed }, ruleOf);
}

/**
 * Takes in a record that somebody edited without touching its clocks (by hand, or with another tool): what differs
 * from ours under the same stamp is a change made now.
 */
export function adoptEdits(ours: StateRecord, theirs: StateRecord, rules: Rules, stamp: Stamper): StateRecord {
  const ruleOf = rulesFor(rules, [ours, theirs]);
  const [known, cells] = [toCells(ours, ruleOf).cells, new Map<string, Cell>(toCells(theirs, ruleOf).cells)];
  const floor = [latestStamp(ours), latestStamp(theirs)].sort()[1] ?? '';
  let now: string | undefined;
  for (const [path, cell] of cells) {
    const other = known.get(path);
    const isEdited = other?.stamp === cell.stamp && canonicalKey(other.value) !== canonicalKey(cell.value);
    if (!isEdited || cell.stamp === '') continue;
    now ??= stamp(floor);
    cells.set(path, { value: cell.value, stamp: now });
  }
  if (now === undefined) return theirs;
  const { created, keyed } = toCells(theirs, ruleOf);
  return fromCells({ created, cells, keyed }, ruleOf);
}
