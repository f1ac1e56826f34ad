/** A convoy's status follows its beads; only `archived` is set by a person. How far it is, and when it may be done. */
import { allowedActions, nextStatus, type TransitionTable } from '../base/transition.ts';
import type { BeadStatus } from '../beads/schema.ts';
import type { ConvoyStatus, Estimate, Progress } from './schema.ts';

export type ConvoyAction = 'complete' | 'resume' | 'archive' | 'restore';

export const convoyTransitions = {
  active: { complete: 'completed', archive: 'archived' },
  completed: { resume: 'active', archive: 'archived' },
  archived: { restore: 'active' },
} as const satisfies TransitionTable<ConvoyStatus, ConvoyAction>;

const table: TransitionTable<ConvoyStatus, ConvoyAction> = convoyTransitions;

export function nextConvoyStatus(status: ConvoyStatus, action: ConvoyAction): ConvoyStatus | undefined {
  return nextStatus(table, status, action);
}

export function convoyActions(status: ConvoyStatus): ConvoyAction[] {
  return allowedActions(table, status);
}

/** Completed when it has beads and all of them that still exist are done. */
export function convoyStatusOf(current: ConvoyStatus, beads: readonly (BeadStatus | undefined)[]): ConvoyStatus {
  const known = beads.filter((status) => status !== undefined);
  const isDone = known.length > 0 && known.every((status) => status === 'done');
  return (current === 'archived' ? undefined : nextConvoyStatus(current, isDone ? 'complete' : 'resume')) ?? current;
}

/** How many beads are where; percent is of those that are done, rounded down. */
export function progressOf(statuses: readonly BeadStatus[], blocked = 0): Progress {
  const count = (status: BeadStatus) => statuses.filter((each) => each === status).length;
  const [done, total] = [count('done'), statuses.length];
  const percent = total === 0 ? 0 : Math.floor((100 * done) / total);
  return {
    done,
    total,
    percent,
    open: count('open'),
    inProgress: count('in-progress'),
    review: count('review'),
    blocked,
  };
}

export interface History {
  progress: Pick<Progress, 'done' | 'total'>;
  /** When the convoy began (Unix ms). */
  sinceMs: number;
  /** When its beads became done (Unix ms), in any order. */
  doneMs: readonly number[];
  /** How many beads of the whole project became done in the last PROJECT_DAYS days. */
  projectDone: number;
  nowMs: number;
}

const DAY_MS = 86_400_000;
/** Older than this says little about now. */
const OWN_DAYS = 30;
export const PROJECT_DAYS = 14;
const LEAST_OWN = 2;
const LEAST_PROJECT = 3;

const unknown = (reason: string): Estimate => ({ basis: 'none', reason });

/**
 * When the rest will be done if it goes on as it went: by what was finished of the convoy, else by what the whole
 * project finishes. Says that it does not know when there is too little to go by. Pure.
 */
export function estimate({ progress, sinceMs, doneMs, projectDone, nowMs }: History): Estimate {
  const left = progress.total - progress.done;
  if (progress.total === 0) return unknown('it has no beads');
  if (left === 0) return unknown('all of it is done');
  const fromMs = Math.max(sinceMs, nowMs - OWN_DAYS * DAY_MS);
  const own = doneMs.filter((ms) => ms >= fromMs && ms <= nowMs);
  if (own.length >= LEAST_OWN && nowMs > fromMs) return at('convoy', own.length / (nowMs - fromMs), left, nowMs);
  if (projectDone >= LEAST_PROJECT) return at('project', projectDone / (PROJECT_DAYS * DAY_MS), left, nowMs);
  return unknown('too little was finished lately to go by');
}

function at(basis: 'convoy' | 'project', perMs: number, left: number, nowMs: number): Estimate {
  const ms = nowMs + left / perMs;
  return { basis, perDay: Math.round(perMs * DAY_MS * 100) / 100, at: new Date(ms).toISOString() };
}

/** One line about an estimate. */
export function estimateText(given: Estimate): string {
  if (given.basis === 'none') return `unknown: ${given.reason}`;
  const how = given.basis === 'convoy' ? 'at its own pace' : 'if the whole project works on it';
  return `${given.at?.slice(0, 16).replace('T', ' ')} UTC, ${given.perDay} beads a day ${how}`;
}
