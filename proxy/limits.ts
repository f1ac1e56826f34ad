/**
 * Rate limits: token buckets for requests and tokens a minute, hour and day, requests at a time and calls a run. All
 * of a request is checked and taken in one synchronous step, so limits hold under any concurrency; tokens are reserved
 * as an estimate and settled with what was used. Pure but for the state it keeps.
 */
import type { LimitSet } from '../src/costs/schema.ts';

type Unit = 'requests' | 'tokens';
type Window = 'minute' | 'hour' | 'day';

const WINDOW_MS: Readonly<Record<Window, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const WINDOWS = Object.keys(WINDOW_MS) as Window[];
const UNITS: readonly Unit[] = ['requests', 'tokens'];

interface Bucket {
  unit: Unit;
  window: Window;
  limit: number;
  /** What is left; below zero when a request used more than it reserved. */
  level: number;
  atMs: number;
}

/** What one subject used lately, read from the ledger when the subject is first seen. */
export type UsedLately = (windowMs: number) => { requests: number; tokens: number };

export interface Subject {
  /** For example `agent:…`. */
  key: string;
  /** In words, for refusals. */
  name: string;
  limits: LimitSet;
  /** Start of the life whose calls are counted. */
  run?: string;
  usedLately: UsedLately;
  callsOfRun: () => number;
}

interface State {
  buckets: Bucket[];
  limits: LimitSet;
  inFlight: number;
  run: string | undefined;
  calls: number;
}

export interface Demand {
  subjects: readonly Subject[];
  /** Upper estimate of the tokens of the request. */
  tokens: number;
  costNano: number | null;
}

export interface LimitRefusal {
  /** `final`: trying again does not help. */
  kind: 'rate' | 'concurrent' | 'calls' | 'cost';
  message: string;
  retryAfterMs?: number;
}

export interface Ticket {
  settle(usedTokens: number): void;
}

/** The tightest bucket of a unit, for the headers of an answer. */
export interface Allowance {
  unit: Unit;
  limit: number;
  remaining: number;
  /** Time (ms) until the bucket is full again. */
  resetMs: number;
}

export interface Limiter {
  admit(demand: Demand): Ticket | LimitRefusal;
  allowances(subjects: readonly Subject[]): Allowance[];
}

function refill(bucket: Bucket, nowMs: number): void {
  const gained = ((nowMs - bucket.atMs) * bucket.limit) / WINDOW_MS[bucket.window];
  bucket.level = Math.min(bucket.limit, bucket.level + Math.max(0, gained));
  bucket.atMs = nowMs;
}

/** A request that is larger than the whole bucket may go when the bucket is full. */
const needOf = (bucket: Bucket, tokens: number) => (bucket.unit === 'requests' ? 1 : Math.min(tokens, bucket.limit));

function bucketsOf(subject: Subject, nowMs: number): Bucket[] {
  return UNITS.flatMap((unit) =>
    WINDOWS.flatMap((window) => {
      const limit = subject.limits[`${unit}_per_${window}`];
      if (limit === undefined) return [];
      const used = subject.usedLately(WINDOW_MS[window])[unit];
      return [{ unit, window, limit, level: Math.max(0, limit - used), atMs: nowMs }];
    }),
  );
}

export function createLimiter(now: () => number): Limiter {
  const states = new Map<string, State>();

  function stateOf(subject: Subject, nowMs: number): State {
    let state = states.get(subject.key);
    if (!state) {
      state = { buckets: bucketsOf(subject, nowMs), limits: subject.limits, inFlight: 0, run: undefined, calls: 0 };
      states.set(subject.key, state);
    } else if (state.limits !== subject.limits) {
      // New limits: what is known of the last period counts against them.
      state.buckets = bucketsOf(subject, nowMs);
      state.limits = subject.limits;
    }
    if (subject.run !== undefined && state.run !== subject.run) {
      state.run = subject.run;
      state.calls = subject.callsOfRun();
    }
    return state;
  }

  function refusalOf(subject: Subject, state: State, demand: Demand, nowMs: number): LimitRefusal | undefined {
    const { limits, name } = subject;
    if (limits.max_cost_usd !== undefined && (demand.costNano ?? 0) > limits.max_cost_usd * 1e9) {
      const most = ((demand.costNano ?? 0) / 1e9).toFixed(4);
      return {
        kind: 'cost',
        message: `It may cost up to $${most}; one request of ${name} may cost $${limits.max_cost_usd}.`,
      };
    }
    if (limits.calls_per_run !== undefined && subject.run !== undefined && state.calls >= limits.calls_per_run)
      return { kind: 'calls', message: `${name} has made all ${limits.calls_per_run} calls of one run.` };
    if (limits.concurrent !== undefined && state.inFlight >= limits.concurrent) {
      const message = `${name} already has ${state.inFlight} requests in flight, the most at a time.`;
      return { kind: 'concurrent', message, retryAfterMs: 1_000 };
    }
    let worst: LimitRefusal | undefined;
    for (const bucket of state.buckets) {
      refill(bucket, nowMs);
      const lacking = needOf(bucket, demand.tokens) - bucket.level;
      if (lacking <= 0) continue;
      const retryAfterMs = Math.ceil((lacking * WINDOW_MS[bucket.window]) / bucket.limit);
      if (retryAfterMs <= (worst?.retryAfterMs ?? 0)) continue;
      worst = {
        kind: 'rate',
        message: `${name} has used its ${bucket.limit} ${bucket.unit} a ${bucket.window}.`,
        retryAfterMs,
      };
    }
    return worst;
  }

  function take(states: readonly State[], tokens: number): Ticket {
    for (const state of states) {
      state.inFlight += 1;
      state.calls += 1;
      for (const bucket of state.buckets) bucket.level -= needOf(bucket, tokens);
    }
    let open = true;
    return {
      settle(usedTokens) {
        if (!open) return;
        open = false;
        const nowMs = now();
        for (const state of states) {
          state.inFlight -= 1;
          for (const bucket of state.buckets) {
            if (bucket.unit !== 'tokens') continue;
            refill(bucket, nowMs);
            bucket.level = Math.min(bucket.limit, bucket.level + needOf(bucket, tokens) - usedTokens);
          }
        }
      },
    };
  }

  return {
    admit(demand) {
      const nowMs = now();
      const found: State[] = [];
      for (const subject of demand.subjects) {
        const state = stateOf(subject, nowMs);
        const refusal = refusalOf(subject, state, demand, nowMs);
        if (refusal) return refusal;
        found.push(state);
      }
      return take(found, demand.tokens);
    },
    allowances(subjects) {
      const nowMs = now();
      const tightest: Partial<Record<Unit, Allowance>> = {};
      for (const subject of subjects)
        for (const bucket of stateOf(subject, nowMs).buckets) {
          refill(bucket, nowMs);
          const remaining = Math.max(0, Math.floor(bucket.level));
          const known = tightest[bucket.unit];
          if (known && known.remaining / known.limit <= remaining / bucket.limit) continue;
          const resetMs = Math.ceil(((bucket.limit - bucket.level) * WINDOW_MS[bucket.window]) / bucket.limit);
          tightest[bucket.unit] = { unit: bucket.unit, limit: bucket.limit, remaining, resetMs };
        }
      return Object.values(tightest);
    },
  };
}
