/** From what was asked to a change of one bead: ids resolved, dates read, cycles refused. For one bead and for many. */
import { failure } from '../errors.ts';
import type { Reader } from '../storage/database.ts';
import type { BeadChange } from './changes.ts';
import { parseDue } from './due.ts';
import { assertNoCycle, assertNoParentCycle } from './links.ts';
import type { Bead } from './schema.ts';
import { resolveBead } from './store.ts';
import { cleanText, cleanTitle } from './text.ts';

export interface BeadEdit {
  title?: string | undefined;
  description?: string | undefined;
  type?: Bead['type'] | undefined;
  priority?: Bead['priority'] | undefined;
  /** Replaces all labels. */
  labels?: readonly string[] | undefined;
  addLabel?: readonly string[] | undefined;
  removeLabel?: readonly string[] | undefined;
  /** Id, or `none`. */
  parentBead?: string | undefined;
  /** Replaces all blockers. */
  blockedBy?: readonly string[] | undefined;
  due?: string | undefined;
  metadata?: Readonly<Record<string, unknown>> | undefined;
}

type Change = { [K in keyof BeadChange]: BeadChange[K] | undefined };

/** Full ids of beads given by id or prefix. @throws GodelError bead-not-found, ambiguous-id */
export async function resolveIds(db: Reader, projectId: string, ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const id of ids) found.push((await resolveBead(db, projectId, id)).id);
  return [...new Set(found)];
}

function mergeMetadata(known: Bead['metadata'], change: Bead['metadata']): Bead['metadata'] {
  const merged = { ...known, ...change };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}

function labelsOf(bead: Bead, edit: BeadEdit): string[] | undefined {
  const { labels, addLabel = [], removeLabel = [] } = edit;
  if (labels === undefined && addLabel.length === 0 && removeLabel.length === 0) return undefined;
  const next = new Set([...(labels ?? bead.labels), ...addLabel]);
  for (const label of removeLabel) next.delete(label);
  return [...next].sort();
}

async function linksIn(db: Reader, bead: Bead, edit: BeadEdit): Promise<Change> {
  const change: Change = {};
  if (edit.blockedBy !== undefined) {
    change.blockedBy = await resolveIds(db, bead.projectId, edit.blockedBy);
    await assertNoCycle(db, bead, change.blockedBy);
  }
  if (edit.parentBead === 'none') change.parentBead = undefined;
  else if (edit.parentBead !== undefined) {
    const { id } = await resolveBead(db, bead.projectId, edit.parentBead);
    await assertNoParentCycle(db, bead, id);
    change.parentBead = id;
  }
  return change;
}

/**
 * What of a bead changes. Read it with the same connection that writes it.
 * @throws GodelError bead-not-found, cycle-refused, bad-input
 */
export async function changeOf(db: Reader, bead: Bead, edit: BeadEdit, nowMs: number): Promise<BeadChange> {
  const change = await linksIn(db, bead, edit);
  const labels = labelsOf(bead, edit);
  if (edit.title !== undefined) change.title = cleanTitle(edit.title);
  if (edit.description !== undefined) change.description = cleanText(edit.description);
  if (edit.type !== undefined) change.type = edit.type;
  if (edit.priority !== undefined) change.priority = edit.priority;
  if (labels !== undefined) change.labels = labels;
  if (edit.due !== undefined) change.dueAt = parseDue(edit.due, nowMs);
  if (edit.metadata !== undefined) change.metadata = mergeMetadata(bead.metadata, edit.metadata);
  return change as BeadChange;
}

/** @throws GodelError version-conflict */
export function assertVersion(bead: Bead, version: number | undefined): void {
  if (version !== undefined && version !== bead.version) throw failure('version-conflict', { id: bead.id });
}
