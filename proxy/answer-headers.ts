/** Headers of Godel's own: what happened to a request, and what is left of its limits, in the client's dialect. Pure. */
import type { Fields } from './http/fields.ts';
import type { Allowance } from './limits.ts';
import type { Wire } from './wire/wire.ts';

/** OpenAI writes a time as `1h2m3s` or `250ms`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.ceil(ms))}ms`;
  const seconds = Math.ceil(ms / 1_000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60), seconds % 60];
  return `${hours > 0 ? `${hours}h` : ''}${hours + minutes > 0 ? `${minutes}m` : ''}${rest}s`;
}

interface Names {
  limit: string;
  remaining: string;
  reset: string;
}
type Unit = Allowance['unit'];

const named = (make: (unit: Unit, what: string) => string): Record<Unit, Names> => {
  const of = (unit: Unit) => ({
    limit: make(unit, 'limit'),
    remaining: make(unit, 'remaining'),
    reset: make(unit, 'reset'),
  });
  return { requests: of('requests'), tokens: of('tokens') };
};
const ANTHROPIC = named((unit, what) => `anthropic-ratelimit-${unit}-${what}`);
const OTHERS = named((unit, what) => `x-ratelimit-${what}-${unit}`);

function addInDialect(into: Fields, wire: Wire, allowance: Allowance, nowMs: number): void {
  const { unit, limit, remaining, resetMs } = allowance;
  const names = (wire === 'anthropic' ? ANTHROPIC : OTHERS)[unit];
  const reset =
    wire === 'anthropic' ? new Date(nowMs + resetMs).toISOString().replace(/\.\d+Z$/, 'Z') : durationText(resetMs);
  into.push(names.limit, String(limit), names.remaining, String(remaining), names.reset, reset);
}

/** The three plain fields are about requests, else about tokens; the reset is a Unix time in seconds. */
function addLimits(into: Fields, wire: Wire, allowances: readonly Allowance[], nowMs: number): void {
  const main = allowances.find((each) => each.unit === 'requests') ?? allowances[0];
  if (!main) return;
  into.push('x-ratelimit-limit', String(main.limit), 'x-ratelimit-remaining', String(main.remaining));
  into.push('x-ratelimit-reset', String(Math.ceil((nowMs + main.resetMs) / 1_000)));
  for (const allowance of allowances) addInDialect(into, wire, allowance, nowMs);
}

/** Without what no field may hold: names of models are what a client makes of them. */
const printable = (text: string) => (/[^\x20-\x7e]/.test(text) ? text.replaceAll(/[^\x20-\x7e]/g, '?') : text);

/** The request that is answered. */
export interface Asked {
  requestId: string;
  route: { wire: Wire };
  fields: { model: string };
  /** Earlier attempts and why each was given up, for example `anthropic/claude-sonnet-5=429`. */
  tried: readonly string[];
}

/** Who answers it. */
export interface AnsweredBy {
  provider: string;
  model: string;
  /** Number of the attempt. */
  attempt: number;
  /** What the provider's dialect has no word for, and was left out. */
  dropped: readonly string[];
}

/** `allowances`: what is left of the limits; `by` is absent in a refusal. */
export function ownHeaders(asked: Asked, allowances: readonly Allowance[], nowMs: number, by?: AnsweredBy): Fields {
  const { tried } = asked;
  const fields: Fields = [];
  addLimits(fields, asked.route.wire, allowances, nowMs);
  fields.push('x-godel-request-id', asked.requestId);
  if (by) {
    fields.push('x-godel-provider', printable(by.provider), 'x-godel-model', printable(by.model));
    fields.push('x-godel-attempts', String(by.attempt));
    if (asked.fields.model !== by.model) fields.push('x-godel-asked', printable(asked.fields.model));
    if (by.dropped.length > 0) fields.push('x-godel-dropped', printable(by.dropped.join(' ')));
  }
  if (tried.length > 0) fields.push('x-godel-tried', printable(tried.join(', ')));
  return fields;
}
