/** The merge queue as the board knows it: entries that wait or were set aside, and work that clashes. Pure. */
import type { Entry, ListedEntry, MergeView, Overlap, Queue } from '../../src/merge/schema.ts';
import { emptyQueue, isOpen, listEntries } from '../../src/merge/state.ts';
import { duration, remark } from '../../src/merge/text.ts';
import type { Model } from './state.ts';

export interface MergeModel {
  readonly queue: Queue;
  readonly slots: number;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly overlaps: readonly Overlap[];
}

export const noMerge: MergeModel = { queue: emptyQueue(''), slots: 1, entries: new Map(), overlaps: [] };

export const mergeOf = (view: MergeView): MergeModel => ({
  queue: view.queue,
  slots: view.slots,
  entries: new Map(view.entries.map((entry) => [entry.id, entry])),
  overlaps: view.overlaps,
});

/** An entry changed; one that is over leaves the board. */
function withEntry(merge: MergeModel, entry: Entry): MergeModel {
  const entries = new Map(merge.entries);
  if ((entries.get(entry.id)?.version ?? 0) > entry.version) return merge;
  if (isOpen(entry.status)) entries.set(entry.id, entry);
  else entries.delete(entry.id);
  return { ...merge, entries };
}

/** What an event says of the queue: one of these. */
export interface MergeChange {
  readonly kind: 'merge';
  readonly projectId: string;
  readonly entry?: Entry;
  readonly queue?: Queue;
  readonly overlaps?: readonly Overlap[];
}

export function withMergeChange(merge: MergeModel, { entry, queue, overlaps }: MergeChange): MergeModel {
  const next = entry ? withEntry(merge, entry) : merge;
  return { ...next, ...(queue ? { queue } : {}), ...(overlaps ? { overlaps } : {}) };
}

type Known = Pick<Model, 'merge' | 'beads' | 'nowMs'>;

/** Entries in the order they are tried, with place and expected time. */
export function listedEntries({ merge, beads, nowMs }: Known): ListedEntry[] {
  const blockersOf = (beadId: string) =>
    (beads.get(beadId)?.blockedBy ?? []).filter((id) => beads.get(id)?.status !== 'done');
  return listEntries([...merge.entries.values()], merge.queue, { nowMs, blockersOf, slots: merge.slots });
}

export const clashesOf = (merge: MergeModel, beadId: string): Overlap[] =>
  merge.overlaps.filter((overlap) => overlap.a === beadId || overlap.b === beadId);

/** With what a bead's work clashes, in words. */
export function clashText(merge: MergeModel, beadId: string): string | undefined {
  const found = clashesOf(merge, beadId);
  if (found.length === 0) return undefined;
  return found
    .map((overlap) => `${overlap.a === beadId ? overlap.b : overlap.a} in ${overlap.files.join(', ')}`)
    .join('; ');
}

/** Where a bead's work is in the merge queue, in words. */
export function queueText(model: Known, beadId: string): string | undefined {
  const entry = listedEntries(model).find((each) => each.beadId === beadId);
  if (!entry) return undefined;
  const place = entry.position === undefined ? '' : ` #${entry.position}`;
  const eta = entry.etaMs === undefined ? '' : `, lands in ~${duration(entry.etaMs)}`;
  const about = remark(entry);
  return `${entry.status}${place}${eta}${about === '' ? '' : `: ${about}`}`;
}
