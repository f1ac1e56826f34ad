/** Before a round: what may be tried now, in which order, and what conflicts already. Uses no gate. */
import type { Bead } from '../beads/schema.ts';
import { beadStatuses, findBead } from '../beads/store.ts';
import type { Project } from '../repos/schema.ts';
import { bounceConflict } from './bounce.ts';
import { changeEntry, moveEntry } from './changes.ts';
import type { MergeParts } from './parts.ts';
import type { Conflict, Entry } from './schema.ts';
import { isWaiting, missingBlockers, type Ordering, orderEntries } from './state.ts';
import { openEntries } from './store.ts';
import { trialMerges } from './trial.ts';

/** Unfinished blockers of the beads of `entries`, and the order that follows from them. */
export async function orderingOf(parts: MergeParts, projectId: string, entries: readonly Entry[]): Promise<Ordering> {
  const { db } = parts.database;
  const blockers = new Map<string, string[]>();
  for (const entry of entries) {
    const bead = entry.kind === 'work' ? await findBead(db, projectId, entry.beadId) : undefined;
    blockers.set(entry.beadId, bead?.blockedBy ?? []);
  }
  const statuses = await beadStatuses(db, projectId, [...new Set([...blockers.values()].flat())]);
  return {
    nowMs: parts.clock.now(),
    // A blocker that cannot be found counts as unfinished.
    blockersOf: (beadId) => (blockers.get(beadId) ?? []).filter((id) => statuses.get(id) !== 'done'),
  };
}

/** Why an entry has no business in the queue any more. */
function objection(entry: Entry, bead: Bead | undefined): string | undefined {
  if (!bead) return 'its bead was deleted';
  if (entry.kind === 'work' && bead.status !== 'review') return `its bead is ${bead.status}, not in review`;
  return undefined;
}

async function dropWithdrawn(
  parts: MergeParts,
  entries: readonly Entry[],
  over: (entry: Entry) => void,
): Promise<Entry[]> {
  const kept: Entry[] = [];
  for (const entry of entries) {
    const why = objection(entry, await findBead(parts.database.db, entry.projectId, entry.beadId));
    if (why === undefined) kept.push(entry);
    else over(await parts.units.run((unit) => moveEntry(unit, entry.id, 'remove', why, { reason: why })));
  }
  return kept;
}

/** Checks entries against main in one process; those that conflict go back at once. */
export async function checkAgainstMain(
  parts: MergeParts,
  project: Project,
  base: string,
  entries: readonly Entry[],
): Promise<Entry[]> {
  const trials = await trialMerges(
    project.gitDir,
    entries.map((entry) => [base, entry.pin] as const),
  );
  const fitting: Entry[] = [];
  for (const [index, entry] of entries.entries()) {
    const files = trials[index]?.files ?? [];
    if (files.length === 0) fitting.push(entry);
    else await bounceConflict(parts, project, entry, [{ with: project.mainBranch, files }]);
  }
  return fitting;
}

/** With which of `others` an entry conflicts, in one process. */
export async function pairwiseConflicts(gitDir: string, entry: Entry, others: readonly Entry[]): Promise<Conflict[]> {
  const pairs = others.map((other) => [other.pin, entry.pin] as const);
  const trials = await trialMerges(gitDir, pairs);
  return others.flatMap((other, index) => {
    const files = trials[index]?.files ?? [];
    return files.length > 0 ? [{ with: other.beadId, files }] : [];
  });
}

async function noteWaiting(parts: MergeParts, entry: Entry, waitsFor: string[]): Promise<Entry> {
  if (entry.waitsFor.join() === waitsFor.join()) return entry;
  return parts.units.run((unit) => changeEntry(unit, entry.id, { waitsFor }));
}

/** Entries to try on `base` now, in order, at most `limit`. */
export async function candidates(
  parts: MergeParts,
  project: Project,
  spec: { base: string; limit: number; checkedBase: string | undefined; over: (entry: Entry) => void },
): Promise<Entry[]> {
  const waiting = (await openEntries(parts.database.db, project.id)).filter((entry) => isWaiting(entry.status));
  const wanted = await dropWithdrawn(parts, waiting, spec.over);
  const fitting = spec.checkedBase === spec.base ? wanted : await checkAgainstMain(parts, project, spec.base, wanted);
  const ordering = await orderingOf(parts, project.id, fitting);
  const ordered = orderEntries(fitting, ordering);
  const free: Entry[] = [];
  for (const entry of ordered) {
    // An entry that waits is no blocker that could land in this round, so what is behind it waits as well.
    const missing = missingBlockers(entry, [...free, entry], ordering);
    const noted = await noteWaiting(parts, entry, missing);
    if (missing.length === 0) free.push(noted);
  }
  return free.slice(0, spec.limit);
}
