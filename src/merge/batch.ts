/**
 * What to gate next. A round is one stack of entries on main: prefixes of it are gated until the longest green one has
 * landed and the first bad entry is known. Everything here is pure; the same code decides for one entry and for 32.
 */

const BATCH_GOAL = 0.7;
const MAX_BATCH = 32;

/** Entries tried together at a failure rate: as many as pass without a fault about every second time. */
export function batchSize(failureRate: number): number {
  const wanted = failureRate <= 0 ? MAX_BATCH : Math.round(BATCH_GOAL / failureRate);
  return Math.min(MAX_BATCH, Math.max(1, wanted));
}

const WEIGHT = 0.02;

/** Exponential average. */
export const averaged = (known: number, sample: number): number => known + WEIGHT * (sample - known);

export interface Round {
  /** Entries in the stack. */
  readonly size: number;
  /** Longest prefix known to be green; 0 is main itself. */
  readonly green: number;
  /** Prefix length -> how often its gate was red. */
  readonly red: ReadonlyMap<number, number>;
}

export interface Policy {
  /** Gates that may run side by side. */
  slots: number;
  /** A red gate is run again this often before anybody is blamed. */
  retries: number;
  failureRate: number;
  /** Share of red gates that were flakes lately. */
  flakeRate: number;
}

export type Step =
  | { readonly kind: 'done' }
  /** The entry at this index (from 1) is to blame. */
  | { readonly kind: 'evict'; readonly index: number }
  /** Gates wanted now, most wanted first; others that run are moot. */
  | { readonly kind: 'gate'; readonly prefixes: readonly number[] };

export const newRound = (size: number): Round => ({ size, green: 0, red: new Map() });

/** Shortest prefix that is red and longer than what is green. */
function shortestRed(round: Round): number | undefined {
  const lengths = [...round.red.keys()].filter((length) => length > round.green);
  return lengths.length === 0 ? undefined : Math.min(...lengths);
}

/** Cuts (low, high) where the first fault is equally likely to lie in every part. */
function splits(low: number, high: number, parts: number, failureRate: number): number[] {
  const p = Math.min(0.5, Math.max(0.001, failureRate));
  const all = 1 - (1 - p) ** (high - low);
  const found = new Set<number>();
  for (let part = 1; part <= parts; part += 1) {
    const share = (part / (parts + 1)) * all;
    const at = low + Math.round(Math.log(1 - share) / Math.log(1 - p));
    found.add(Math.min(high - 1, Math.max(low + 1, at)));
  }
  return [...found];
}

/** Prefixes worth a gate while nothing is red: all of it, and the halves of what is left. */
function hopeful(round: Round, slots: number): number[] {
  const wanted = [round.size];
  for (let at = (round.size - round.green) / 2; at >= 1 && wanted.length < slots; at /= 2) {
    wanted.push(round.green + Math.floor(at));
  }
  return [...new Set(wanted)];
}

export function nextStep(round: Round, policy: Policy): Step {
  if (round.green === round.size) return { kind: 'done' };
  const red = shortestRed(round);
  if (red === undefined) return { kind: 'gate', prefixes: hopeful(round, policy.slots) };
  const times = round.red.get(red) ?? 0;
  if (times <= policy.retries && (red === round.green + 1 || isLikelyFlake(red - round.green, policy))) {
    return { kind: 'gate', prefixes: [red] };
  }
  if (red === round.green + 1) return { kind: 'evict', index: red };
  return { kind: 'gate', prefixes: splits(round.green, red, policy.slots, policy.failureRate) };
}

/** Where flakes are more common than faults it is cheaper to run a red gate again than to search under it. */
function isLikelyFlake(entries: number, { failureRate, flakeRate }: Policy): boolean {
  const faulty = 1 - (1 - failureRate) ** entries;
  return flakeRate > 0.5 && faulty < flakeRate;
}

export interface Noted {
  round: Round;
  /** This prefix was red before and is green now: nobody's fault. */
  flake: boolean;
}

/** The round after a gate of `prefix` ended. */
export function noteVerdict(round: Round, prefix: number, green: boolean): Noted {
  const red = new Map(round.red);
  if (!green) {
    red.set(prefix, (red.get(prefix) ?? 0) + 1);
    return { round: { ...round, red }, flake: false };
  }
  const flake = red.delete(prefix);
  return { round: { ...round, green: Math.max(round.green, prefix), red }, flake };
}
