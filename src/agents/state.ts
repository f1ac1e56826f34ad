/** The agent's stored lifecycle (spec-v2 section 2.3) and the ranking of observed states. */
import { nextStatus, type TransitionTable } from '../base/transition.ts';
import type { AgentState, Lifecycle, ObservedState, StateSource } from './schema.ts';

export type AgentAction =
  | 'prepared'
  | 'started'
  | 'wait'
  | 'input'
  | 'pause'
  | 'resume'
  | 'complete'
  | 'cleaned'
  | 'fail'
  | 'retry'
  | 'kill';

export const agentTransitions = {
  initializing: { prepared: 'spawning', fail: 'failed', kill: 'killed' },
  spawning: { started: 'executing', fail: 'failed', kill: 'killed' },
  executing: { wait: 'waiting', pause: 'paused', complete: 'completing', fail: 'failed', kill: 'killed' },
  waiting: { input: 'executing', pause: 'paused', complete: 'completing', fail: 'failed', kill: 'killed' },
  paused: { resume: 'executing', fail: 'failed', kill: 'killed' },
  completing: { cleaned: 'completed', fail: 'failed', kill: 'killed' },
  completed: { retry: 'initializing' },
  failed: { retry: 'initializing', kill: 'killed' },
  killed: { retry: 'initializing' },
} as const satisfies TransitionTable<Lifecycle, AgentAction>;

const table: TransitionTable<Lifecycle, AgentAction> = agentTransitions;

export function nextLifecycle(from: Lifecycle, action: AgentAction): Lifecycle | undefined {
  return nextStatus(table, from, action);
}

/** True while a process is expected to be alive. */
export function isLive(lifecycle: Lifecycle): boolean {
  return ['initializing', 'spawning', 'executing', 'waiting', 'paused', 'completing'].includes(lifecycle);
}

const RANK: Readonly<Record<StateSource, number>> = {
  protocol: 6,
  hook: 5,
  proxy: 4,
  title: 3,
  screen: 2,
  process: 1,
};

/** A better source keeps its verdict this long (ms) against a worse one that disagrees. */
export const SOURCE_FRESH_MS = 10_000;

export interface StateReport {
  state: AgentState;
  source: StateSource;
  atMs: number;
  detail?: string | undefined;
}

/** The end of a process is a fact that no older verdict outranks. */
function isFinal(state: AgentState): boolean {
  return state === 'exited' || state === 'failed';
}

/**
 * Merges a report into what is known. A lower source wins only when the better one said nothing
 * for SOURCE_FRESH_MS; a bridge that is connected keeps saying what it knows.
 */
export function observe(known: ObservedState, report: StateReport, freshMs = SOURCE_FRESH_MS): ObservedState {
  const knownAt = Date.parse(known.at);
  const outranked = RANK[report.source] < RANK[known.source];
  if (outranked && !isFinal(report.state) && report.atMs - knownAt < freshMs) return known;
  const at = new Date(report.atMs).toISOString();
  const same = report.state === known.state && report.detail === known.detail;
  const base = { state: report.state, source: report.source, at, since: same ? known.since : at };
  return report.detail === undefined ? base : { ...base, detail: report.detail };
}
