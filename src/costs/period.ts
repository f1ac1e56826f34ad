/** Moments in the words of people: an ISO date or time, `today`, `month`, or how long ago. Pure. */
import { failure } from '../errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** @throws GodelError bad-input */
export function momentOf(text: string, nowMs: number): string {
  const iso = new Date(nowMs).toISOString();
  if (text === 'now') return iso;
  if (text === 'today') return `${iso.slice(0, 10)}T00:00:00.000Z`;
  if (text === 'month') return `${iso.slice(0, 7)}-01T00:00:00.000Z`;
  const [, amount, unit = ''] = /^(\d+)([mhdw])$/.exec(text) ?? [];
  if (amount !== undefined) return new Date(nowMs - Number(amount) * (UNIT_MS[unit] ?? 0)).toISOString();
  const at = Date.parse(text);
  if (/^\d{4}-\d{2}/.test(text) && Number.isFinite(at)) return new Date(at).toISOString();
  throw failure('bad-input', {
    problem: `"${text}" is no time that is understood.`,
    hint: 'Say 2026-11-27, 2026-11-27T12:00, today, month, 90m, 24h or 7d.',
  });
}

/** A moment that lies ahead, for example when a key expires: `30d` is in thirty days. @throws GodelError bad-input */
export function momentAhead(text: string, nowMs: number): string {
  const [, amount, unit = ''] = /^(\d+)([mhdw])$/.exec(text) ?? [];
  if (amount !== undefined) return new Date(nowMs + Number(amount) * (UNIT_MS[unit] ?? 0)).toISOString();
  const at = momentOf(text, nowMs);
  if (Date.parse(at) > nowMs) return at;
  throw failure('bad-input', { problem: `${text} is over already.`, hint: 'Say a later day, or 30d.' });
}
