/**
 * Whether an agent gets anywhere, told from signs alone and without asking any model: what it prints, asks the
 * proxy for and changes in its files; and whether it calls the same tools over and over. Pure.
 */
import type { Attention } from './schema.ts';

export interface ProgressLimits {
  /** Seconds without traffic, output and changed files after which a busy agent counts as stuck; 0 = never. */
  stuckSeconds: number;
  /** The same call, or the same short cycle of calls, this often in a row counts as looping; 0 = never. */
  loopRepeats: number;
  /** Calls of the model within one turn; 0 = no cap. */
  callCap: number;
}

/** Times (Unix ms) of the last sign of each kind. */
export interface Signs {
  trafficMs: number;
  outputMs: number;
  filesMs: number;
  /** A request that is in flight is progress by itself: models may think for long. */
  inFlight: number;
}

/** Cycles up to this many calls are recognised: edit, test, edit, test, … */
const LONGEST_CYCLE = 4;
/** As many calls are kept as the longest cycle needs. */
export const keptCalls = (repeats: number) => repeats * LONGEST_CYCLE;

export function lastSignMs(signs: Signs): number {
  return Math.max(signs.trafficMs, signs.outputMs, signs.filesMs);
}

/** How long (ms) nothing happened; 0 while a request is in flight. */
export function silentMs(signs: Signs, nowMs: number): number {
  return signs.inFlight > 0 ? 0 : Math.max(0, nowMs - lastSignMs(signs));
}

/** The length of the cycle that `calls` ends in, repeated `repeats` times; undefined when there is none. */
export function cycleOf(calls: readonly string[], repeats: number): number | undefined {
  for (let length = 1; length <= LONGEST_CYCLE; length += 1) {
    const needed = length * repeats;
    if (repeats < 2 || calls.length < needed) continue;
    const tail = calls.slice(-needed);
    if (tail.every((call, index) => call === tail[index % length])) return length;
  }
  return undefined;
}

const minutes = (ms: number) => (ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`);

/** What a person should look at, or undefined. Only busy agents can be stuck; anything else waits by right. */
export function attentionOf(
  agent: { busy: boolean; signs: Signs; calls: readonly string[]; modelCalls: number },
  limits: ProgressLimits,
  nowMs: number,
): Attention | undefined {
  if (!agent.busy) return undefined;
  const since = new Date(nowMs).toISOString();
  if (limits.callCap > 0 && agent.modelCalls >= limits.callCap)
    return { kind: 'looping', since, detail: `${agent.modelCalls} calls of the model in one turn` };
  const cycle = limits.loopRepeats > 0 ? cycleOf(agent.calls, limits.loopRepeats) : undefined;
  if (cycle !== undefined) {
    const [call = ''] = agent.calls.slice(-1);
    const what =
      cycle === 1 ? `the same call ${limits.loopRepeats} times` : `the same ${cycle} calls ${limits.loopRepeats} times`;
    return { kind: 'looping', since, detail: `${what} in a row: ${call.split('\u0000')[0]}` };
  }
  const silent = silentMs(agent.signs, nowMs);
  if (limits.stuckSeconds === 0 || silent < limits.stuckSeconds * 1000) return undefined;
  return {
    kind: 'stuck',
    since: new Date(lastSignMs(agent.signs)).toISOString(),
    detail: `no traffic, no output and no changed file for ${minutes(silent)}`,
  };
}
