/**
 * After a start: what a stop in the middle left is mended, what the database lost is taken from the pins, and what
 * reached main meanwhile is noted. Done twice it changes nothing.
 */
import { messageOf } from '../base/error.ts';
import { findBead } from '../beads/store.ts';
import type { Project } from '../repos/schema.ts';
import { changeQueue, moveEntry } from './changes.ts';
import { landedBeads, landingsSince } from './landed.ts';
import { clearLandingLocks } from './landing.ts';
import type { MergeParts } from './parts.ts';
import { type Pin, pausedBy, pinEntry, readPins } from './pins.ts';
import type { Entry } from './schema.ts';
import { noteLanded, setDone } from './settle.ts';
import { findEntry, insertEntry, loadQueue, openEntries } from './store.ts';
import { commitOf } from './trial.ts';

/** The entry a pin tells of, as it was when it was put into the queue. */
function entryFromPin(projectId: string, pin: Pin, now: string): Entry {
  return {
    ...pin.pinned,
    id: pin.entryId,
    projectId,
    pin: pin.commit,
    status: 'queued',
    conflicts: [],
    waitsFor: [],
    gateRuns: 0,
    flakes: 0,
    released: false,
    history: [{ at: now, from: 'queued', to: 'queued', why: 'found by its pin' }],
    updatedAt: now,
    version: 1,
  };
}

/** Pins without a row become entries again. */
async function adoptPins(parts: MergeParts, project: Project): Promise<void> {
  for (const pin of await readPins(project.gitDir)) {
    await parts.units.run(async (unit) => {
      if (await findEntry(unit.tx, pin.entryId)) return;
      await insertEntry(unit.tx, entryFromPin(project.id, pin, unit.now));
      parts.log.info({ beadId: pin.pinned.beadId, entry: pin.entryId }, 'queue entry found by its pin');
    });
  }
}

async function keepPause(parts: MergeParts, project: Project): Promise<void> {
  const by = await pausedBy(project.gitDir);
  const queue = await loadQueue(parts.database.db, project.id);
  if (by === undefined || queue.paused) return;
  await parts.units.run((unit) => changeQueue(unit, project.id, (known) => ({ ...known, paused: true, pausedBy: by })));
}

/** Locks of a landing that was killed, by the record it made before it began. */
async function clearLocks(parts: MergeParts, project: Project, entries: readonly Entry[]): Promise<void> {
  const began = entries.flatMap((entry) =>
    entry.intent && entry.status === 'landing' ? Date.parse(entry.intent.at) : [],
  );
  if (began.length === 0) return;
  const removed = await clearLandingLocks(project.gitDir, project.mainBranch, Math.min(...began));
  if (removed.length > 0) parts.log.warn({ removed }, 'locks of a killed landing removed');
}

async function restart(parts: MergeParts, project: Project, entry: Entry): Promise<void> {
  // A row whose pin was lost is pinned again while its commit is still there.
  if (await commitOf(project.gitDir, entry.pin)) await pinEntry(project.gitDir, entry, parts.clock.now());
  if (entry.status !== 'gating' && entry.status !== 'landing') return;
  const why = 'the daemon was stopped meanwhile';
  await parts.units.run((unit) => moveEntry(unit, entry.id, 'requeue', why, { intent: undefined }));
}

/** Notes entries that are on main, whoever brought them there; returns the others. */
export async function noteLandings(
  parts: MergeParts,
  project: Project,
  from: string | undefined,
  landed: (entry: Entry) => void,
): Promise<Entry[]> {
  const entries = await openEntries(parts.database.db, project.id);
  const tip = await commitOf(project.gitDir, `refs/heads/${project.mainBranch}`);
  if (entries.length === 0 || tip === undefined) return entries;
  const oldest = entries.reduce((a, b) => (a.enqueuedAt < b.enqueuedAt ? a : b));
  const landings = await landingsSince(project.gitDir, tip, from ?? oldest.mainAt);
  const left: Entry[] = [];
  for (const entry of entries) {
    const commit = await landings.of(entry);
    if (commit === undefined) left.push(entry);
    else {
      const base = await commitOf(project.gitDir, `${commit}^1`);
      const landing = { commit, ...(base === undefined ? {} : { base }), why: `found on ${project.mainBranch}` };
      landed(await noteLanded(parts, entry, landing));
    }
  }
  return left;
}

/** Beads in review whose work a person brought to main without the queue. */
export async function noteForeignLandings(parts: MergeParts, project: Project): Promise<void> {
  for (const [beadId, commit] of await landedBeads(project)) {
    const known = await findBead(parts.database.db, project.id, beadId);
    if (!known || known.landedCommit === commit || known.status !== 'review') continue;
    await parts.units.run(async (unit) => {
      const bead = await findBead(unit.tx, project.id, beadId);
      if (bead && bead.landedCommit !== commit && bead.status === 'review') await setDone(unit, bead, commit, 'git');
    });
  }
}

/** Brings rows, pins and main into agreement. */
export async function resumeQueue(parts: MergeParts, project: Project, landed: (entry: Entry) => void): Promise<void> {
  await clearLocks(parts, project, await openEntries(parts.database.db, project.id));
  await adoptPins(parts, project);
  await keepPause(parts, project);
  for (const entry of await noteLandings(parts, project, undefined, landed)) {
    await restart(parts, project, entry).catch((error: unknown) =>
      parts.log.error({ entry: entry.id, problem: messageOf(error) }, 'queue entry could not be taken up again'),
    );
  }
}
