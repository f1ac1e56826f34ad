/** Dates as people type them: 2026-12-24, an instant, tomorrow, 3d, 2w. Pure. */
import { failure } from '../errors.ts';
import { localDay } from './state.ts';

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
const SPAN = /^([+-]?)(\d{1,4})([hdw])$/;

function refuse(text: string, flag: string): never {
  throw failure('bad-input', {
    problem: `"${text}" is not a date.`,
    hint: `For example ${flag} 2026-12-24, ${flag} tomorrow, ${flag} 3d, ${flag} 2026-12-24T18:00Z`,
  });
}

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** A day as it is, an instant in UTC. */
function absolute(text: string): string | undefined {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return isDay(text) ? text : undefined;
  const time = /^\d{4}-\d{2}-\d{2}[T ]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/**
 * When something is due; undefined for `none`. Hours give an instant, days and weeks a day.
 * @throws GodelError bad-input
 */
export function parseDue(text: string, nowMs: number, flag = '--due'): string | undefined {
  const word = text.trim().toLowerCase();
  if (word === 'none' || word === '') return undefined;
  if (word === 'today') return localDay(nowMs);
  if (word === 'tomorrow') return localDay(nowMs + (UNIT_MS.d as number));
  const span = SPAN.exec(word);
  if (span) {
    const ms = Number(span[2]) * (UNIT_MS[span[3] ?? ''] as number) * (span[1] === '-' ? -1 : 1);
    return span[3] === 'h' ? new Date(nowMs + ms).toISOString() : localDay(nowMs + ms);
  }
  return absolute(text.trim()) ?? refuse(text, flag);
}

/**
 * The moment since when: a day, an instant, or a span back such as 2h.
 * @throws GodelError bad-input
 */
export function parseSince(text: string, nowMs: number, flag: string): string {
  const span = SPAN.exec(text.trim().toLowerCase());
  if (span) return new Date(nowMs - Number(span[2]) * (UNIT_MS[span[3] ?? ''] as number)).toISOString();
  return absolute(text.trim()) ?? refuse(text, flag);
}
