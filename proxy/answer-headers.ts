/** Headers of Godel's own: what happened to a request, and what is left of its limits, in the client's dialect. Pure. */
import type { Fields } from './http/fields.ts';
import type { Allowance } from './limits.ts';
import type { Wire } from './wire/wire.ts';

/** OpenAI writes a time as `1h2m3s` or `250ms`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.ceil(ms))}ms`;
  const seconds = Math.ceil(ms / 1_000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60), seconds % 60];
  return [hours > 0 ? `${hours}h` : '', hours + minutes > 0 ? `${minutes}m` : '', `${rest}s`].join('');
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
export function limitHeaders(wire: Wire, allowances: readonly Allowance[], nowMs: number): Fields {
  const main = allowances.find((each) => each.unit === 'requests') ?? allowances[0];
  if (!main) return [];
  const fields = [
    'x-ratelimit-limit',
    String(main.limit),
    'x-ratelimit-remaining',
    String(main.remaining),
    'x-ratelimit-reset',
    String(Math.ceil((nowMs + main.resetMs) / 1_000)),
  ];
  for (const allowance of allowances) addInDialect(fields, wire, allowance, nowMs);
  return fields;
}

export interface Trace {
  requestId: string;
  asked: string;
  /** Earlier attempts and why each was given up, for example `anthropic/claude-sonnet-5=429`. */
  tried: readonly string[];
}

/** Without what no field may hold: names of models are what a client makes of them. */
export const printable = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?');

export function traceHeaders(trace: Trace, target?: { provider: string; model: string; attempt: number }): Fields {
  const fields = ['x-godel-request-id', trace.requestId];
  if (target) {
    fields.push('x-godel-provider', printable(target.provider), 'x-godel-model', printable(target.model));
    fields.push('x-godel-attempts', String(target.attempt));
    if (trace.asked !== target.model) fields.push('x-godel-asked', printable(trace.asked));
  }
  if (trace.tried.length > 0) fields.push('x-godel-tried', printable(trace.tried.join(', ')));
  return fields;
}
