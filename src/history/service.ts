/** Handlers for the past of beads, and for taking the last change back. */
import type { Handlers } from '../access/context.ts';
import { actingAs } from '../base/acting.ts';
import type { GodelEvent } from '../base/event.ts';
import { type BeadChange, changeBead } from '../beads/changes.ts';
import { BEAD_ID, type Bead } from '../beads/schema.ts';
import { beadDeletion, beadFile, deleteBead, findBead, insertBead, resolveBead } from '../beads/store.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import { eventsOfActor } from '../storage/journal.ts';
import { loadRecord } from '../storage/records.ts';
import { canonicalKey } from '../storage/state-ref/canonical-json.ts';
import { beadPath, replicaPath } from '../storage/state-ref/layout.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import { fileHistory } from './log.ts';
import type { historyOperations } from './operations.ts';
import { retracted } from './retraction.ts';

export interface HistoryServiceOptions {
  database: Database;
  units: UnitOfWork;
  project: (id: string) => Promise<Project>;
}

type Service = Handlers<typeof historyOperations>;

/** How far back (events) is looked; a bulk change is one an event. */
const MOST_EVENTS = 1_000;
const UNDOABLE = ['bead:created', 'bead:updated', 'bead:deleted'];
/** What the work itself proves is not taken back. */
const LASTING = ['proof', 'landedCommit'];

export function createHistoryService(options: HistoryServiceOptions): Service {
  const { database, units } = options;

  async function idOf(projectId: string, text: string): Promise<string> {
    if (BEAD_ID.test(text)) return text;
    return (await resolveBead(database.db, projectId, text)).id;
  }

  const history: Service['beadHistory'] = async (input, { projectId }) => {
    const id = await idOf(projectId, input.id);
    const { gitDir } = await options.project(projectId);
    const path = beadPath(id);
    if (!(await loadRecord(database.db, projectId, path))) throw failure('bead-not-found', { id: input.id });
    const nameOf = async (replica: string) =>
      (await loadRecord(database.db, projectId, replicaPath(replica)))?.fields.name as string | undefined;
    return { id, items: await fileHistory(gitDir, path, id, input.limit, nameOf) };
  };

  /** The last change of a person that was not taken back yet, with all that was changed together with it. */
  async function lastChange(projectId: string, actorId: string, beadId: string | undefined): Promise<GodelEvent[]> {
    const events = await eventsOfActor(database.db, projectId, actorId, UNDOABLE, MOST_EVENTS);
    const undone = new Set(events.map((event) => event.metadata.causationId));
    const open = events.filter((event) => event.metadata.causationId === undefined && !undone.has(event.id));
    const last = open.find((event) => beadId === undefined || event.metadata.beadId === beadId);
    if (!last) throw failure('nothing-to-undo');
    const together = last.metadata.correlationId;
    if (together === undefined || beadId !== undefined) return [last];
    return open.filter((event) => event.metadata.correlationId === together);
  }

  async function undoCreation(unit: Unit, made: Bead): Promise<string> {
    const now = await findBead(unit.tx, made.projectId, made.id);
    if (!now || now.version !== made.version) throw failure('undo-overtaken', { id: made.id, field: 'the bead' });
    await deleteBead(unit.tx, made.projectId, made.id);
    await unit.persist(made.projectId, beadDeletion(made.id));
    const metadata = { projectId: made.projectId, beadId: made.id };
    await unit.emit({ type: 'bead:deleted', component: 'beads', payload: { id: made.id, bead: now }, metadata });
    return 'creation';
  }

  async function undoDeletion(unit: Unit, gone: Bead): Promise<string> {
    if (await findBead(unit.tx, gone.projectId, gone.id)) {
      throw failure('undo-overtaken', { id: gone.id, field: 'the bead' });
    }
    await insertBead(unit.tx, gone);
    await unit.persist(gone.projectId, beadFile(gone, `${gone.id}: deletion undone`));
    const metadata = { projectId: gone.projectId, beadId: gone.id };
    await unit.emit({ type: 'bead:created', component: 'beads', payload: { bead: gone }, metadata });
    return 'deletion';
  }

  async function undoChange(unit: Unit, event: GodelEvent): Promise<string> {
    const { bead: then, before, changed } = event.payload as { bead: Bead; before?: BeadChange; changed: string[] };
    const now = await findBead(unit.tx, then.projectId, then.id);
    if (!before || changed.some((field) => LASTING.includes(field))) {
      throw failure('undo-impossible', { id: then.id, field: changed.join(', ') });
    }
    const values = (bead: Bead | undefined, field: string) => (bead as Record<string, unknown> | undefined)?.[field];
    const overtaken = changed.find(
      // Notes of others do not stand in the way of taking one's own back.
      (field) => field !== 'notes' && canonicalKey(values(now, field)) !== canonicalKey(values(then, field)),
    );
    if (!now || overtaken !== undefined)
      throw failure('undo-overtaken', { id: then.id, field: overtaken ?? 'the bead' });
    const change = Object.fromEntries(changed.map((field) => [field, (before as Record<string, unknown>)[field]]));
    if (changed.includes('notes'))
      change.notes = retracted(now.notes, { before: before.notes ?? [], after: then.notes }, unit.now);
    await changeBead(unit, now, change as BeadChange, `${changed.join(', ')} undone`);
    return changed.join(', ');
  }

  async function undoOne(unit: Unit, event: GodelEvent): Promise<string> {
    if (event.type === 'bead:created') return undoCreation(unit, event.payload.bead as Bead);
    if (event.type === 'bead:deleted') return undoDeletion(unit, event.payload.bead as Bead);
    return undoChange(unit, event);
  }

  const undo: Service['beadUndo'] = async (input, { actor, projectId }) => {
    const beadId = input.id === undefined ? undefined : await idOf(projectId, input.id);
    const events = await lastChange(projectId, actor.id, beadId);
    const [first] = events;
    if (!first) throw failure('nothing-to-undo');
    const undone: string[] = [];
    await units.run(async (unit) => {
      // All of them or none: a refusal of one is thrown inside the transaction.
      for (const event of events)
        undone.push(await actingAs({ ...actor, undoes: event.id }, () => undoOne(unit, event)));
    });
    const ids = events.map((event) => (event.payload.bead as Bead).id);
    return { id: ids[0] as string, ids, event: first.id, undone: [...new Set(undone)].join(', ') };
  };

  return { beadHistory: history, beadUndo: undo };
}
