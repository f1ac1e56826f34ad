/** How beads come to be: one, or a whole tree of a template, in the unit of the caller. */
import type { Actor } from '../access/schema.ts';
import { newBeadId, newUid } from '../base/id.ts';
import { failure } from '../errors.ts';
import type { Reader } from '../storage/database.ts';
import { loadRecord } from '../storage/records.ts';
import { beadPath } from '../storage/state-ref/layout.ts';
import type { Unit } from '../storage/unit-of-work.ts';
import type { Bead } from './schema.ts';
import { beadFile, insertBead } from './store.ts';
import { cleanText, cleanTitle } from './text.ts';

const MAX_ID_TRIES = 20;

/** An id that no bead has or had: a deleted one keeps its record. */
export async function freeBeadId(db: Reader, projectId: string): Promise<string> {
  for (let attempt = 0; attempt < MAX_ID_TRIES; attempt += 1) {
    const id = newBeadId();
    if (!(await loadRecord(db, projectId, beadPath(id)))) return id;
  }
  throw failure('internal', { problem: 'no free bead id was found' });
}

export interface NewBead {
  /** A free id; found when left out. */
  id?: string | undefined;
  createdAt?: string;
  title: string;
  description?: string | undefined;
  type: Bead['type'];
  priority: Bead['priority'];
  labels: readonly string[];
  parentBead?: string | undefined;
  blockedBy: string[];
  related?: string[];
  discoveredFrom?: string[];
  dueAt?: string | undefined;
  metadata?: Bead['metadata'];
}

/** Writes a new bead with its event and its record. @throws GodelError bad-input for its title */
export async function createBead(unit: Unit, projectId: string, wish: NewBead, actor: Actor): Promise<Bead> {
  const id = wish.id ?? (await freeBeadId(unit.tx, projectId));
  const bead: Bead = {
    id,
    uid: newUid(),
    projectId,
    type: wish.type,
    title: cleanTitle(wish.title),
    ...(wish.description ? { description: cleanText(wish.description) } : {}),
    status: 'open',
    priority: wish.priority,
    labels: [...new Set(wish.labels)].sort(),
    commits: [],
    ...(wish.parentBead ? { parentBead: wish.parentBead } : {}),
    blockedBy: wish.blockedBy,
    related: wish.related ?? [],
    discoveredFrom: wish.discoveredFrom ?? [],
    ...(wish.dueAt ? { dueAt: wish.dueAt } : {}),
    notes: [],
    metadata: wish.metadata ?? {},
    createdAt: wish.createdAt ?? unit.now,
    updatedAt: unit.now,
    version: 1,
  };
  await insertBead(unit.tx, bead);
  await unit.persist(projectId, beadFile(bead, `${id}: created by ${actor.name}`));
  const metadata = { projectId, beadId: id, userId: actor.id };
  await unit.emit({ type: 'bead:created', component: 'beads', payload: { bead }, metadata });
  return bead;
}

/** One bead of a plan: parents and blockers are places in the plan. */
export interface PlannedBead {
  title: string;
  description?: string | undefined;
  type: Bead['type'];
  priority: Bead['priority'];
  labels: readonly string[];
  dueAt?: string | undefined;
  parent?: number | undefined;
  blockedBy: readonly number[];
}

/**
 * Makes every bead of a plan; the first one is the root, to which `root` is added. Each is a millisecond younger than
 * the one before, so that lists keep the order of the plan. Returns the root.
 * @throws GodelError bad-input
 */
export async function createPlanned(
  unit: Unit,
  projectId: string,
  plan: readonly PlannedBead[],
  root: Partial<NewBead>,
  actor: Actor,
): Promise<Bead> {
  const ids = new Set<string>();
  while (ids.size < plan.length) ids.add(await freeBeadId(unit.tx, projectId));
  const idAt = [...ids];
  const made: Bead[] = [];
  for (const [place, { parent, blockedBy, ...bead }] of plan.entries()) {
    const wish: NewBead = {
      ...bead,
      id: idAt[place],
      parentBead: parent === undefined ? undefined : idAt[parent],
      blockedBy: blockedBy.flatMap((blocker) => idAt[blocker] ?? []),
      createdAt: new Date(unit.nowMs + place).toISOString(),
    };
    const more = place === 0 ? { ...root, blockedBy: [...wish.blockedBy, ...(root.blockedBy ?? [])] } : {};
    made.push(await createBead(unit, projectId, { ...wish, ...more }, actor));
  }
  return made[0] as Bead;
}
