/**
 * A record as cells, each one value with one stamp: `title`, `labels/ui`, `metadata/key`, `notes/<id>`.
 * Merging records is choosing between cells, and a change is a set of cells with a new stamp.
 */
import { canonicalKey } from '../state-ref/canonical-json.ts';
import { CREATED, createdStamp, type StateRecord } from './record.ts';
import { type FieldRule, list, log, map, type Rules, scalar } from './rules.ts';
import { laterStamp } from './stamp.ts';

export interface Cell {
  readonly stamp: string;
  /** Undefined when it was removed. */
  readonly value: unknown;
}

export interface Cells {
  readonly created: string;
  readonly cells: ReadonlyMap<string, Cell>;
  /** Fields of sets, maps and logs that are there, be it empty. */
  readonly keyed: ReadonlySet<string>;
}

type FieldRules = (field: string) => FieldRule;

export const fieldOfPath = (path: string): string => path.split('/', 1)[0] ?? path;

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const isEntry = (value: unknown): boolean =>
  isObject(value) && typeof value.id === 'string' && typeof value.createdAt === 'string';

/** A field of a newer version is merged by element when it carries clocks of elements, or looks like a log. */
function guessedRule(field: string, records: readonly StateRecord[]): FieldRule {
  const values = records.map((record) => record.fields[field]);
  const lists = values.filter((value) => Array.isArray(value));
  if (lists.some((value) => value.length > 0) && lists.every((value) => value.every(isEntry))) return log;
  const prefix = `${field}/`;
  const hasElements = records.some((record) => Object.keys(record.clocks).some((path) => path.startsWith(prefix)));
  if (!hasElements) return scalar;
  return values.some(isObject) ? map : list;
}

/** The rule of every field of these records. */
export function rulesFor(rules: Rules, records: readonly StateRecord[]): FieldRules {
  const guessed = new Map<string, FieldRule>();
  return (field) => {
    const known = rules[field] ?? guessed.get(field);
    if (known) return known;
    const rule = guessedRule(field, records);
    guessed.set(field, rule);
    return rule;
  };
}

/** Key of an element of a set or log. */
function keyOf(rule: FieldRule, element: unknown): string {
  if (rule.merge === 'set' && rule.key) return rule.key(element);
  if (rule.merge === 'log' && isObject(element) && typeof element.id === 'string') return element.id;
  return typeof element === 'string' ? element : canonicalKey(element);
}

/** Entries of a field that is not a single value; a value of another shape stays one entry. */
export function entriesOf(rule: FieldRule, value: unknown): [string, unknown][] {
  if (rule.merge === 'map') return isObject(value) ? Object.entries(value) : [];
  return Array.isArray(value) ? value.map((element) => [keyOf(rule, element), element]) : [];
}

export function toCells(record: StateRecord, rules: FieldRules): Cells {
  const created = createdStamp(record);
  const cells = new Map<string, Cell>();
  const keyed = new Set<string>();
  for (const [field, value] of Object.entries(record.fields)) {
    const rule = rules(field);
    if (rule.merge === 'scalar') {
      cells.set(field, { stamp: record.clocks[field] ?? created, value });
      continue;
    }
    keyed.add(field);
    for (const [key, element] of entriesOf(rule, value)) {
      const path = `${field}/${key}`;
      cells.set(path, { stamp: rule.merge === 'log' ? '' : (record.clocks[path] ?? created), value: element });
    }
  }
  for (const [path, stamp] of Object.entries(record.clocks)) {
    if (path !== CREATED && !cells.has(path)) cells.set(path, { stamp, value: undefined });
  }
  return { created, cells, keyed };
}

const timeOf = (entry: unknown): string => (isObject(entry) ? String(entry.updatedAt ?? entry.createdAt ?? '') : '');

function rankOf(rule: FieldRule, cell: Cell): number {
  if (rule.merge !== 'scalar' || !rule.rank) return 0;
  return cell.value === undefined ? Number.NEGATIVE_INFINITY : rule.rank(cell.value);
}

/** The cell that stays. The order is total, so that it does not matter who merges with whom first. */
export function laterCell(rule: FieldRule, a: Cell, b: Cell): Cell {
  const [rankA, rankB] = [rankOf(rule, a), rankOf(rule, b)];
  if (rankA !== rankB) return rankA > rankB ? a : b;
  if (a.stamp !== b.stamp) return a.stamp > b.stamp ? a : b;
  const [keyA, keyB] = [a, b].map((cell) => [
    cell.value === undefined ? '' : '1',
    rule.merge === 'log' ? timeOf(cell.value) : '',
    canonicalKey(cell.value),
  ]) as [string[], string[]];
  const at = keyA.findIndex((part, index) => part !== keyB[index]);
  return at < 0 || (keyA[at] as string) > (keyB[at] as string) ? a : b;
}

interface Entry {
  key: string;
  cell: Cell;
}

function assembled(rule: FieldRule, entries: Entry[]): unknown {
  const present = entries.filter((entry) => entry.cell.value !== undefined);
  if (rule.merge === 'map') return Object.fromEntries(present.map(({ key, cell }) => [key, cell.value]));
  const order = ({ key, cell }: Entry): [string, string] => {
    if (rule.merge === 'log') return [isObject(cell.value) ? String(cell.value.createdAt ?? '') : '', key];
    return [rule.merge === 'set' && rule.order === 'clock' ? cell.stamp : '', key];
  };
  return present
    .map((entry) => ({ order: order(entry), value: entry.cell.value }))
    .sort((a, b) => compare(a.order[0], b.order[0]) || compare(a.order[1], b.order[1]))
    .map((entry) => entry.value);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The record these cells are; stamps equal to that of the creation are left out. */
export function fromCells({ created, cells, keyed }: Cells, rules: FieldRules): StateRecord {
  const fields: Record<string, unknown> = {};
  const clocks: Record<string, string> = { [CREATED]: created };
  const groups = new Map<string, Entry[]>([...keyed].map((field) => [field, []]));
  for (const [path, cell] of cells) {
    const field = fieldOfPath(path);
    const rule = rules(field);
    if (cell.value === undefined || (cell.stamp !== created && rule.merge !== 'log')) clocks[path] = cell.stamp;
    if (rule.merge === 'scalar') {
      if (cell.value !== undefined) fields[path] = cell.value;
    } else groups.set(field, [...(groups.get(field) ?? []), { key: path.slice(field.length + 1), cell }]);
  }
  for (const [field, entries] of groups) {
    const value = assembled(rules(field), entries);
    if (keyed.has(field)) fields[field] = value;
  }
  return { fields, clocks };
}

export const mergedCreation = (a: string, b: string): string => (laterStamp(a, b) === a ? b : a);
