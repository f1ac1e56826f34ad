/** Headers of Godel's own: what happened to a request, and what is left of its limits, in the client's dialect. Pure. */
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

function addInDialect(into: Record<string, string>, wire: Wire, allowance: Allowance, nowMs: number): void {
  const { unit, limit, remaining, resetMs } = allowance;
  const names = (wire === 'anthropic' ? ANTHROPIC : OTHERS)[unit];
  into[names.limit] = String(limit);
  into[names.remaining] = String(remaining);
  into[names.reset] =
    wire === 'anthropic' ? new Date(nowMs + resetMs).toISOString().replace(/\.\d+Z$/, 'Z') : durationText(resetMs);
}

/** The three plain headers are about requests, else about tokens; the reset is a Unix time in seconds. */
export function limitHeaders(wire: Wire, allowances: readonly Allowance[], nowMs: number): Record<string, string> {
  const main = allowances.find((each) => each.unit === 'requests') ?? allowances[0];
  if (!main) return {};
  const headers: Record<string, string> = {
    'x-ratelimit-limit': String(main.limit),
    'x-ratelimit-remaining': String(main.remaining),
    'x-ratelimit-reset': String(Math.ceil((nowMs + main.resetMs) / 1_000)),
  };
  for (const allowance of allowances) addInDialect(headers, wire, allowance, nowMs);
  return headers;
}

export interface Trace {
  requestId: string;
  asked: string;
  /** Earlier attempts and why each was given up, for example `anthropic/claude-sonnet-5=429`. */
  tried: readonly string[];
}

export function traceHeaders(
  trace: Trace,
  target?: { provider: string; model: string; attempt: number },
): Record<string, string> {
  const safe = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?');
  return {
    'x-godel-request-id': trace.requestId,
    ...(target
      ? {
          'x-godel-provider': safe(target.provider),
          'x-godel-model': safe(target.model),
          'x-godel-attempts': String(target.attempt),
        }
      : {}),
    ...(target && trace.asked !== target.model ? { 'x-godel-asked': safe(trace.asked) } : {}),
    ...(trace.tried.length > 0 ? { 'x-godel-tried': safe(trace.tried.join(', ')) } : {}),
  };
}
