/**
 * Hybrid logical clock stamps (milliseconds, counter, replica) as text of fixed width: comparing
 * two stamps as text is comparing them in time, and replicas break ties.
 */
const MS_WIDTH = 9;
const COUNTER_WIDTH = 4;
const MAX_COUNTER = 36 ** COUNTER_WIDTH - 1;

export interface Stamp {
  ms: number;
  counter: number;
  replica: string;
}

export function formatStamp({ ms, counter, replica }: Stamp): string {
  const time = Math.max(0, Math.floor(ms)).toString(36).padStart(MS_WIDTH, '0');
  return `${time}-${counter.toString(36).padStart(COUNTER_WIDTH, '0')}-${replica}`;
}

/** Parts of a stamp; undefined when the text is none. */
export function parseStamp(text: string): Stamp | undefined {
  const [, ms, counter, replica] = /^([0-9a-z]{9})-([0-9a-z]{4})-([0-9a-z]+)$/.exec(text) ?? [];
  if (ms === undefined || counter === undefined || replica === undefined) return undefined;
  return { ms: Number.parseInt(ms, 36), counter: Number.parseInt(counter, 36), replica };
}

/** The first stamp of `replica` that is later than `after` and not before `nowMs`. */
export function nextStamp(after: string, nowMs: number, replica: string): string {
  const last = parseStamp(after);
  if (!last || nowMs > last.ms) return formatStamp({ ms: nowMs, counter: 0, replica });
  if (last.counter < MAX_COUNTER) return formatStamp({ ms: last.ms, counter: last.counter + 1, replica });
  return formatStamp({ ms: last.ms + 1, counter: 0, replica });
}

export const laterStamp = (a: string, b: string): string => (a < b ? b : a);
