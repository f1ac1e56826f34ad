/** The life of an entry of the merge queue, the order entries are tried in, and what is told of their future. Pure. */
import { allowedActions, nextStatus, type TransitionTable } from '../base/transition.ts';
import type { Priority } from '../beads/schema.ts';
import { batchSize } from './batch.ts';
import type { Entry, EntryStatus, ListedEntry, Queue } from './schema.ts';

export type EntryAction = 'gate' | 'requeue' | 'pass' | 'land' | 'hold' | 'conflict' | 'evict' | 'retry' | 'remove';

/** `land` is allowed from wherever work is found on main: what is true is noted, whoever brought it there. */
export const entryTransitions = {
  queued: { gate: 'gating', conflict: 'conflicted', land: 'landed', remove: 'removed' },
  gating: {
    pass: 'landing',
    requeue: 'queued',
    evict: 'evicted',
    conflict: 'conflicted',
    land: 'landed',
    remove: 'removed',
  },
  landing: { land: 'landed', hold: 'held', requeue: 'queued' },
  held: { gate: 'gating', requeue: 'queued', conflict: 'conflicted', land: 'landed', remove: 'removed' },
  conflicted: { retry: 'queued', land: 'landed', remove: 'removed' },
  evicted: { retry: 'queued', land: 'landed', remove: 'removed' },
  landed: {},
  removed: {},
} as const satisfies TransitionTable<EntryStatus, EntryAction>;

const table: TransitionTable<EntryStatus, EntryAction> = entryTransitions;

export const nextEntryStatus = (status: EntryStatus, action: EntryAction): EntryStatus | undefined =>
  nextStatus(table, status, action);

export const entryActions = (status: EntryStatus): EntryAction[] => allowedActions(table, status);

/** Waits to land. */
export const isWaiting = (status: EntryStatus): boolean => ['queued', 'gating', 'landing', 'held'].includes(status);

/** Set aside until somebody acts. */
export const isSetAside = (status: EntryStatus): boolean => status === 'conflicted' || status === 'evicted';

/** Neither landed nor removed. */
export const isOpen = (status: EntryStatus): boolean => isWaiting(status) || isSetAside(status);

const RANK: Readonly<Record<Priority, number>> = { critical: 0, high: 1, medium: 2, low: 3 };
/** Waiting this long (ms) counts as much as one step of priority, so that nothing waits for ever. */
const AGE_STEP_MS = 30 * 60_000;

function urgency(entry: Entry, nowMs: number): number {
  return RANK[entry.priority] - (nowMs - Date.parse(entry.enqueuedAt)) / AGE_STEP_MS;
}

export interface Ordering {
  nowMs: number;
  /** Unfinished blockers of a bead. */
  blockersOf: (beadId: string) => readonly string[];
}

/** Entries that wait to land in the order they are tried: by priority and age, dependencies first. */
export function orderEntries(entries: readonly Entry[], ordering: Ordering): Entry[] {
  const waiting = entries
    .filter((entry) => isWaiting(entry.status))
    .sort((a, b) => urgency(a, ordering.nowMs) - urgency(b, ordering.nowMs) || (a.id < b.id ? -1 : 1));
  const byBead = new Map(waiting.map((entry) => [entry.beadId, entry]));
  const placed = new Set<Entry>();
  const visiting = new Set<Entry>();
  const place = (entry: Entry) => {
    // A circle of dependencies has no order: the more urgent one goes first.
    if (placed.has(entry) || visiting.has(entry)) return;
    visiting.add(entry);
    for (const id of ordering.blockersOf(entry.beadId)) {
      const blocker = byBead.get(id);
      if (blocker) place(blocker);
    }
    placed.add(entry);
  };
  for (const entry of waiting) place(entry);
  return [...placed];
}

/** Blockers of an entry that are not ahead of it in `ordered`: it cannot be tried before they land. */
export function missingBlockers(entry: Entry, ordered: readonly Entry[], ordering: Ordering): string[] {
  const ahead = new Set<string>();
  for (const each of ordered) {
    if (each === entry) break;
    ahead.add(each.beadId);
  }
  return ordering.blockersOf(entry.beadId).filter((id) => !ahead.has(id));
}

/**
 * Expected time until the entry at `index` (from 0) lands: rounds of one batch each, where a batch with a fault in it
 * costs about as many further gates as halving it takes.
 */
export function etaMs(queue: Queue, index: number, slots: number): number {
  const size = batchSize(queue.failureRate);
  const rounds = Math.floor(index / size) + 1;
  const red = 1 - (1 - queue.failureRate) ** size;
  const gates = 1 + red * Math.ceil(Math.log2(size + 1) / Math.log2(slots + 1));
  return Math.round(rounds * gates * queue.gateMs);
}

/** Entries with their place and expected time, those that wait first. */
export function listEntries(
  entries: readonly Entry[],
  queue: Queue,
  ordering: Ordering & { slots: number },
): ListedEntry[] {
  const waiting = orderEntries(entries, ordering).map((entry, index) => ({
    ...entry,
    position: index + 1,
    ...(queue.gateMs > 0 && !queue.paused && !queue.hold ? { etaMs: etaMs(queue, index, ordering.slots) } : {}),
  }));
  const others = entries.filter((entry) => !isWaiting(entry.status));
  return [...waiting, ...others.sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))];
}

export const emptyQueue = (projectId: string): Queue => ({
  projectId,
  paused: false,
  failureRate: 0.1,
  flakeRate: 0,
  batchSize: batchSize(0.1),
  gateRuns: 0,
  reruns: 0,
  cacheHits: 0,
  flakes: 0,
  landed: 0,
  evicted: 0,
  gateMs: 0,
});
