/**
 * Two clones made different beads with one id: the older keeps it, the other gets one that follows from its uid, and
 * what refers to it follows. Every clone decides the same.
 */
import type { Reader, Tx } from '../storage/database.ts';
import { isClash, settleClash } from '../storage/record/merge.ts';
import { identityOf, parseRecord, recordText, type StateRecord } from '../storage/record/record.ts';
import { derivedText, renamed, withReference } from '../storage/record/rename.ts';
import { dropRecord, loadRecord, recordsMentioning, saveRecord } from '../storage/records.ts';
import { beadPath, convoyPath, parsePath } from '../storage/state-ref/layout.ts';
import { applyRecord, dropRow, rulesOf } from './record-kinds.ts';

export interface Incoming {
  path: string;
  record: StateRecord;
}

export interface MovedId {
  from: string;
  to: string;
  /** True when the one that moved was known here under the old id. */
  isOurs: boolean;
}

interface NewPlace {
  id: string;
  path: string;
}

/** An id for a record that has to move, free or already its own. */
async function placeFor(db: Reader, projectId: string, path: string, record: StateRecord): Promise<NewPlace> {
  const { kind, id: old } = parsePath(path);
  for (let attempt = 0; ; attempt += 1) {
    const id =
      kind === 'bead'
        ? `godel-${derivedText(record, attempt, 5)}`
        : `${old.slice(0, -3)}${derivedText(record, attempt, 3)}`;
    const place = { id, path: kind === 'bead' ? beadPath(id) : convoyPath(id) };
    const there = await loadRecord(db, projectId, place.path);
    if (!there || identityOf(there) === identityOf(record)) return place;
  }
}

/** Renames what is known here, with every record that refers to it. */
async function moveOurs(
  tx: Tx,
  projectId: string,
  path: string,
  record: StateRecord,
  place: NewPlace,
): Promise<string[]> {
  const from = parsePath(path).id;
  const changed = [place.path];
  await dropRecord(tx, projectId, path);
  await dropRow(tx, projectId, path);
  const moved = renamed(record, place.id, rulesOf(path));
  await saveRecord(tx, projectId, place.path, recordText(moved));
  await applyRecord(tx, projectId, place.path, moved.fields);
  for (const row of await recordsMentioning(tx, projectId, from)) {
    const next = withReference(parseRecord(row.content), from, place.id, rulesOf(row.path));
    if (!next) continue;
    await saveRecord(tx, projectId, row.path, recordText(next));
    await applyRecord(tx, projectId, row.path, next.fields);
    changed.push(row.path);
  }
  await tx.updateTable('agents').set({ bead_id: place.id }).where('bead_id', '=', from).execute();
  // Files and branch follow when somebody works on it the next time, see src/worktrees/rename.ts.
  for (const table of ['worktrees', 'port_blocks'] as const) {
    const rows = tx.updateTable(table).set({ bead_id: place.id }).where('project_id', '=', projectId);
    await rows.where('bead_id', '=', from).execute();
  }
  return changed;
}

function moveTheirs(incoming: Incoming[], path: string, place: NewPlace): Incoming[] {
  const from = parsePath(path).id;
  return incoming.map((each) => {
    if (each.path === path) return { path: place.path, record: renamed(each.record, place.id, rulesOf(path)) };
    return { ...each, record: withReference(each.record, from, place.id, rulesOf(each.path)) ?? each.record };
  });
}

export interface Settled {
  incoming: Incoming[];
  moved: MovedId[];
  /** Paths whose record here changed, or whose place in git was taken by the other: they have to be written. */
  touched: string[];
}

/** `known` gives what is known here at a path. */
export async function settleClashes(
  tx: Tx,
  projectId: string,
  files: readonly Incoming[],
  known: (path: string) => Promise<StateRecord | undefined>,
): Promise<Settled> {
  let incoming = [...files];
  const settled: Settled = { incoming, moved: [], touched: [] };
  for (const { path, record } of files) {
    const { kind, id: from } = parsePath(path);
    if (kind !== 'bead' && kind !== 'convoy') continue;
    const ours = await known(path);
    if (!ours || !isClash(ours, record)) continue;
    const { keeper, moving } = settleClash(ours, record);
    const place = await placeFor(tx, projectId, path, moving);
    settled.moved.push({ from, to: place.id, isOurs: moving === ours });
    if (moving === ours) settled.touched.push(...(await moveOurs(tx, projectId, path, ours, place)));
    else {
      incoming = moveTheirs(incoming, path, place);
      settled.touched.push(path);
    }
    if (keeper === record) settled.touched.push(path);
  }
  return { ...settled, incoming };
}
