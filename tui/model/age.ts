/** Ages as shown, and when the next one changes: at rest nothing is due, so nothing repaints. */
import type { Agent, AgentState } from '../../src/agents/schema.ts';
import { toastLifeMs } from './reduce.ts';
import type { Model } from './state.ts';

const GRID_MS = 5_000;
const MINUTE_MS = 60_000;
/** States whose age is news; the others show since when. */
const AGEING: ReadonlySet<AgentState> = new Set(['busy', 'waiting', 'starting']);

/** `5s`, `3m`, `2h`; steps of five seconds, all at the same moment, so that many agents cause one repaint. */
export function ageText(sinceMs: number, nowMs: number): string {
  const grid = Math.floor(nowMs / GRID_MS) * GRID_MS;
  const seconds = Math.max(0, Math.floor((grid - sinceMs) / GRID_MS) * 5);
  if (seconds < 5) return '';
  if (seconds < 60) return `${seconds}s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds / 3600)}h`;
}

/** Exact seconds, then minutes: for what a person waits on. */
export function waitText(sinceMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

function clockText(iso: string): string {
  const date = new Date(iso);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}

/** `busy 12s`, `waiting 3m!`, `idle 14:05` (since then). */
export function stateText(agent: Agent, nowMs: number): string {
  const { state, since } = agent.observed;
  if (!AGEING.has(state)) return `${state} ${clockText(since)}`;
  const age = ageText(Date.parse(since), nowMs);
  return `${state}${age === '' ? '' : ` ${age}`}${state === 'waiting' ? '!' : ''}`;
}

function nextOnGrid(nowMs: number, gridMs: number): number {
  return Math.floor(nowMs / gridMs) * gridMs + gridMs;
}

/** When the screen changes by time alone (Unix ms), or undefined when it does not. */
export function nextTick(model: Model): number | undefined {
  const { nowMs } = model;
  const due: number[] = [];
  if (model.toast) due.push(model.toast.atMs + toastLifeMs(model.toast));
  if (model.connection.state !== 'live') {
    due.push(nextOnGrid(nowMs, nowMs - model.connection.sinceMs < MINUTE_MS ? 1_000 : MINUTE_MS));
  }
  if (model.pending.length > 0) due.push(nextOnGrid(nowMs, 1_000));
  for (const id of model.crew) {
    const observed = model.agents.get(id)?.observed;
    if (!observed || !AGEING.has(observed.state)) continue;
    due.push(nextOnGrid(nowMs, nowMs - Date.parse(observed.since) < MINUTE_MS + GRID_MS ? GRID_MS : MINUTE_MS));
  }
  return due.length === 0 ? undefined : Math.max(nowMs + 50, Math.min(...due));
}
