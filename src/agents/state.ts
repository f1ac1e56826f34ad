/** The agent's stored lifecycle (spec-v2 section 2.3) and the ranking of observed states. */
import { nextStatus, type TransitionTable } from '../base/transition.ts';
import type { Agent, AgentState, Lifecycle, ObservedState, Question, StateSource } from './schema.ts';

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

/** True while an agent is in this life and expected to be alive in it. */
export function isInLife(agent: Pick<Agent, 'generation' | 'lifecycle'> | undefined, generation: number): boolean {
  return agent?.generation === generation && isLive(agent.lifecycle);
}

const RANK: Readonly<Record<StateSource, number>> = {
  protocol: 6,
  hook: 5,
  proxy: 4,
  title: 3,
  screen: 2,
  process: 1,
};

/**
 * How long (ms) a source stands by a verdict that nobody confirmed. Bridges say every few seconds that they are alive, titles
 * are read every second, quiet terminals confirm what was said about them: what is older than this is not known any more.
 */
export const FRESH_MS: Readonly<Record<StateSource, number>> = {
  protocol: 20_000,
  hook: 20_000,
  proxy: 30_000,
  title: 10_000,
  screen: 15_000,
  process: 90_000,
};

export interface StateReport {
  state: AgentState;
  source: StateSource;
  atMs: number;
  detail?: string | undefined;
  question?: Question | undefined;
}

/** A verdict with the times its source first and last gave it; `atMs` also moves when it is only confirmed. */
export interface Evidence extends StateReport {
  sinceMs: number;
  saidMs: number;
}

export type EvidenceBySource = Partial<Record<StateSource, Evidence>>;

const same = (a: StateReport, b: StateReport) =>
  a.state === b.state && a.detail === b.detail && a.question?.id === b.question?.id;

/** What the sources say after one of them spoke; a report that is older than what it said last changes nothing. */
export function withReport(known: EvidenceBySource, report: StateReport): EvidenceBySource {
  const before = known[report.source];
  // Not `atMs`: a confirmation bears the daemon's time, and may be handled before a word that was said earlier.
  if (before && report.atMs < before.saidMs) return known;
  const sinceMs = before && same(before, report) ? before.sinceMs : report.atMs;
  return { ...known, [report.source]: { ...report, sinceMs, saidMs: report.atMs } };
}

/**
 * What is known of an agent by its row alone, after a start of the daemon or of the agent. Nobody could confirm what it
 * shows before `bornMs`, so the age of that counts from there; what was old already stays old.
 */
export function remembered(observed: ObservedState, bornMs: number): EvidenceBySource {
  const { evidence = observed.state === 'parked' ? [] : [observed] } = observed;
  const known: EvidenceBySource = {};
  for (const { source, state, at, since, detail } of evidence) {
    const saidMs = Date.parse(at);
    const isShown = source === observed.source && state === observed.state;
    known[source] = {
      state,
      source,
      atMs: isShown ? Math.max(saidMs, bornMs) : saidMs,
      sinceMs: Date.parse(since),
      saidMs,
      ...(detail === undefined ? {} : { detail }),
      ...(isShown && observed.question ? { question: observed.question } : {}),
    };
  }
  return known;
}

/** Sources that still stand by `states` confirm them at `atMs`. */
export function confirmed(
  known: EvidenceBySource,
  atMs: number,
  holds: (evidence: Evidence) => boolean,
): EvidenceBySource {
  const entries = Object.entries(known) as [StateSource, Evidence][];
  return Object.fromEntries(
    entries.map(([source, each]) => [source, holds(each) && atMs > each.atMs ? { ...each, atMs } : each]),
  );
}

/** True when another source began to say something else after `evidence` was first given. */
export function isContradicted(known: EvidenceBySource, evidence: Evidence): boolean {
  return (Object.values(known) as Evidence[]).some(
    (each) => each.source !== 'process' && each.state !== evidence.state && each.sinceMs > evidence.sinceMs,
  );
}

/** What was said, best source first. */
export function ranked(known: EvidenceBySource): Evidence[] {
  return (Object.values(known) as Evidence[]).sort((a, b) => RANK[b.source] - RANK[a.source]);
}

/** The end of a process is a fact that no other verdict outranks. */
function isFinal(state: AgentState): boolean {
  return state === 'exited' || state === 'failed';
}

/** The verdict that counts at `nowMs`: the end of the process, else the best source that is fresh, else unknown. */
export function judge(known: EvidenceBySource, nowMs: number): Evidence {
  const all = ranked(known);
  const end = all.find((each) => each.source === 'process' && isFinal(each.state));
  if (end) return end;
  const fresh = all.find((each) => nowMs - each.atMs <= FRESH_MS[each.source]);
  if (fresh) return fresh;
  const newest = all.toSorted((a, b) => b.atMs - a.atMs)[0];
  const lostMs = newest ? newest.atMs + FRESH_MS[newest.source] : nowMs;
  const detail = newest ? `nothing heard since it was ${newest.state} (by ${newest.source})` : undefined;
  return { state: 'unknown', source: 'process', atMs: nowMs, sinceMs: lostMs, saidMs: nowMs, detail };
}

/** Why an agent may not go on for now, whatever it says of itself. */
export interface Parked {
  detail: string;
  sinceMs: number;
}

/** A question that the agent put to a person by Godel's own command, and whose answer it waits for. */
export interface Asked {
  question: Question;
  sinceMs: number;
}

/** To its program the command that asks is a tool that runs; what it waits for by itself comes first. */
export function withAsked(verdict: Evidence, asked: Asked | undefined): Evidence {
  if (!asked || isFinal(verdict.state) || verdict.state === 'waiting') return verdict;
  const { question, sinceMs } = asked;
  const atMs = Math.max(verdict.atMs, sinceMs);
  return { state: 'waiting', source: 'protocol', atMs, saidMs: sinceMs, sinceMs, detail: question.text, question };
}

/** What is parked is shown so, but for the end of its process. */
export function withParking(verdict: Evidence, parked: Parked | undefined): Evidence {
  if (!parked || isFinal(verdict.state)) return verdict;
  return { state: 'parked', source: 'proxy', atMs: verdict.atMs, saidMs: verdict.saidMs, ...parked };
}

const iso = (ms: number) => new Date(ms).toISOString();

/** The form that is stored and shown. `since` goes on while the state stays, whichever source gives it. */
export function shown(verdict: Evidence, known: EvidenceBySource, before?: ObservedState): ObservedState {
  const stays = before !== undefined && before.state === verdict.state && before.detail === verdict.detail;
  return {
    state: verdict.state,
    source: verdict.source,
    at: iso(verdict.atMs),
    since: stays ? before.since : iso(verdict.sinceMs),
    ...(verdict.detail === undefined ? {} : { detail: verdict.detail }),
    ...(verdict.question === undefined ? {} : { question: verdict.question }),
    evidence: ranked(known).map((each) => ({
      source: each.source,
      state: each.state,
      at: iso(each.atMs),
      since: iso(each.sinceMs),
      ...(each.detail === undefined ? {} : { detail: each.detail }),
    })),
  };
}

/** Rest that began so shortly (ms) before the end may be its doing: many programs break their turn off when they are told to go. */
const END_MS = 5_000;

/** True when what an agent did at its end, or at its pause, is to be gone on with. */
export function isMidTurn(observed: ObservedState, nowMs: number): boolean {
  const last = observed.state === 'unknown' ? observed.evidence?.[0] : observed;
  if (!last) return true;
  // What it was to do first is in its queue, and parking tells it when it may go on.
  if (last.state === 'starting' || last.state === 'parked') return false;
  return last.state !== 'idle' || nowMs - Date.parse(last.since) < END_MS;
}
