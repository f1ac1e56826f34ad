/**
 * A record of the state ref: plain fields and the clocks beside them. `_clock["*"]` is the stamp of its
 * creation and counts for every value that has none of its own; `field/key` is the stamp of one element.
 */
import { toCanonicalJson } from '../state-ref/canonical-json.ts';
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

/** Reads a record. @throws SyntaxError, TypeError when it is not a JSON object */
export function parseRecord(text: string): StateRecord {
  const value: unknown = JSON.parse(text);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new TypeError('not a JSON object');
  const { [CLOCK_FIELD]: clock, ...fields } = value as Record<string, unknown>;
  return { fields, clocks: clocksOf(fields, clock) };
}

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
