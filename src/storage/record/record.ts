/**
 * A record of the state ref: plain fields and the clocks beside them. `_clock["*"]` is the stamp of its
 * creation and counts for every value that has none of its own; `field/key` is the stamp of one element.
 */
import { isCanonicalJson, toCanonicalJson } from '../state-ref/canonical-json.ts';
import { formatStamp, laterStamp, parseStamp } from './stamp.ts';

export type Fields = Readonly<Record<string, unknown>>;
export type Clocks = Readonly<Record<string, string>>;

export interface StateRecord {
  readonly fields: Fields;
  readonly clocks: Clocks;
}

export const CREATED = '*';
const CLOCK_FIELD = '_clock';
/** Replica of records that were written before there were clocks. */
const NOBODY = '0';

const stampOfTime = (time: unknown): string => {
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return formatStamp({ ms: Number.isNaN(ms) ? 0 : ms, counter: 0, replica: NOBODY });
};

function clocksOf(fields: Record<string, unknown>, clock: unknown): Record<string, string> {
  const known: Record<string, string> = {};
  if (clock !== null && typeof clock === 'object') {
    for (const [path, stamp] of Object.entries(clock)) {
      if (typeof stamp === 'string' && parseStamp(stamp)) known[path] = stamp;
    }
  }
  // Written by hand or by the first version: all of it is as old as it says.
  known[CREATED] ??= stampOfTime(fields.createdAt);
  return known;
}

function parseObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new TypeError('not a JSON object');
  return value as Record<string, unknown>;
}

function recordOf(value: Record<string, unknown>): StateRecord {
  const { [CLOCK_FIELD]: clock, ...fields } = value;
  return { fields, clocks: clocksOf(fields, clock) };
}

/** Reads a record. @throws SyntaxError, TypeError when it is not a JSON object */
export const parseRecord = (text: string): StateRecord => recordOf(parseObject(text));

/** Reads a record that must be written in its one form. @throws SyntaxError, TypeError when it is another text */
export function parseWritten(text: string): StateRecord {
  const value = parseObject(text);
  const record = recordOf(value);
  // Comparing with what was read spares putting the record together again, unless clocks were left out or added.
  const isWhole = Object.keys(record.clocks).length === Object.keys(value[CLOCK_FIELD] ?? {}).length;
  const isWritten = isWhole && hasCreation(value[CLOCK_FIELD]) && isCanonicalJson(text, value);
  if (!isWritten && recordText(record) !== text) throw new TypeError('not in the one form');
  return record;
}

const hasCreation = (clock: unknown): boolean =>
  clock !== null && typeof clock === 'object' && Object.hasOwn(clock, CREATED);

/** The one text of a record; equal records are equal bytes. */
export function recordText(record: StateRecord): string {
  return toCanonicalJson({ ...record.fields, [CLOCK_FIELD]: record.clocks });
}

export const createdStamp = (record: StateRecord): string => record.clocks[CREATED] ?? '';

/** The latest stamp anywhere in a record. */
export function latestStamp(record: StateRecord): string {
  return Object.values(record.clocks).reduce(laterStamp, '');
}

/** What makes two records of one path the same thing: its uid, else the moment and place it was made. */
export const identityOf = (record: StateRecord): string =>
  typeof record.fields.uid === 'string' ? record.fields.uid : createdStamp(record);
