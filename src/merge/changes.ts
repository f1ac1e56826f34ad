/** How an entry and a queue change: transition checked, row, history and event in one unit. */
import { failure } from '../errors.ts';
import type { EventType } from '../events.ts';
import type { Unit } from '../storage/unit-of-work.ts';
import type { Entry, EntryStatus, Queue } from './schema.ts';
import { type EntryAction, entryActions, nextEntryStatus } from './state.ts';
import { findEntry, loadQueue, saveEntry, saveQueue } from './store.ts';

export type EntryChange = { [K in keyof Entry]?: Entry[K] | undefined };

/** Steps of an entry's history that are kept. */
const MOST_STEPS = 60;

function applied(entry: Entry, change: EntryChange, now: string): Entry {
  const merged: Record<string, unknown> = { ...entry, ...change, updatedAt: now };
  for (const [key, value] of Object.entries(merged)) if (value === undefined) delete merged[key];
  return merged as Entry;
}

const eventOf = (status: EntryStatus): EventType => `merge:${status}`;

export async function emitEntry(unit: Unit, entry: Entry): Promise<void> {
  await unit.emit({
    type: eventOf(entry.status),
    component: 'merge',
    payload: { entry },
    metadata: { projectId: entry.projectId, beadId: entry.beadId },
  });
}

/** The freshest form of an entry. @throws GodelError entry-not-found */
export async function loadEntry(unit: Unit, id: string): Promise<Entry> {
  const entry = await findEntry(unit.tx, id);
  if (!entry) throw failure('entry-not-found', { id });
  return entry;
}

/** Saves a change of fields with its event. */
export async function changeEntry(unit: Unit, id: string, change: EntryChange): Promise<Entry> {
  const saved = await saveEntry(unit.tx, applied(await loadEntry(unit, id), change, unit.now));
  await emitEntry(unit, saved);
  return saved;
}

/** Applies an action. @throws GodelError transition-refused */
export async function moveEntry(
  unit: Unit,
  id: string,
  action: EntryAction,
  why: string,
  change: EntryChange = {},
): Promise<Entry> {
  const entry = await loadEntry(unit, id);
  const status = nextEntryStatus(entry.status, action);
  if (!status) {
    const possible = entryActions(entry.status);
    throw failure('transition-refused', {
      id: entry.beadId,
      from: entry.status,
      to: action,
      ...(possible.length === 0 ? { hint: 'godel merge list shows the queue.' } : { possible }),
    });
  }
  const step = { at: unit.now, from: entry.status, to: status, why };
  const history = [...entry.history, step].slice(-MOST_STEPS);
  return changeEntry(unit, id, { reason: undefined, command: undefined, ...change, status, history });
}

/** Changes the state of a queue; the board is told. */
export async function changeQueue(unit: Unit, projectId: string, change: (queue: Queue) => Queue): Promise<Queue> {
  const queue = change(await loadQueue(unit.tx, projectId));
  await saveQueue(unit.tx, queue);
  await unit.emit({ type: 'merge:changed', component: 'merge', payload: { queue }, metadata: { projectId } });
  return queue;
}
