/** The nouns whose records lie in the state ref: how they merge, and how a record becomes a row. */
import type { EventDraft } from '../base/event.ts';
import { beadRules, isDeleted } from '../beads/record.ts';
import { beadFromRecord, deleteBead, findBead, replaceBead } from '../beads/store.ts';
import { convoyRules } from '../convoys/record.ts';
import { convoyFromRecord, deleteConvoy, replaceConvoy } from '../convoys/store.ts';
import type { EventType } from '../events.ts';
import type { Tx } from '../storage/database.ts';
import { formatRank, formatRules } from '../storage/record/format.ts';
import type { Fields } from '../storage/record/record.ts';
import type { Rules } from '../storage/record/rules.ts';
import { parsePath } from '../storage/state-ref/layout.ts';
import { conflictRules, replicaRules } from '../sync/record.ts';
import { conflictFromRecord, countConflicts, replaceConflict } from '../sync/store.ts';

type Announcement = EventDraft & { type: EventType };

/** Fields of files a newer version put there merge one by one. */
const NO_RULES: Rules = {};

export function rulesOf(path: string): Rules {
  const { kind } = parsePath(path);
  if (kind === 'bead') return beadRules;
  if (kind === 'convoy') return convoyRules;
  if (kind === 'conflict') return conflictRules;
  if (kind === 'format') return formatRules;
  return kind === 'replica' ? replicaRules : NO_RULES;
}

/** Throws when the fields cannot be what the path says. */
export function assertUsable(path: string, fields: Fields): void {
  const { kind, id } = parsePath(path);
  if (kind === 'bead') beadFromRecord('', fields);
  if (kind === 'convoy') convoyFromRecord('', fields);
  if (kind === 'conflict') conflictFromRecord('', fields);
  if (kind === 'format') formatRank(fields.version);
  if (['bead', 'convoy', 'conflict'].includes(kind) && fields.id !== id)
    throw new TypeError(`it says it is ${fields.id}`);
}

/** Brings the row of a record up to date; what to tell everybody, when there is something. */
export async function applyRecord(
  tx: Tx,
  projectId: string,
  path: string,
  fields: Fields,
): Promise<Announcement | undefined> {
  const { kind, id } = parsePath(path);
  const base = { component: 'sync', metadata: { projectId } };
  if (kind === 'bead') {
    const metadata = { projectId, beadId: id };
    if (isDeleted(fields)) {
      await deleteBead(tx, projectId, id);
      return { ...base, type: 'bead:deleted', payload: { id }, metadata };
    }
    const bead = await replaceBead(tx, beadFromRecord(projectId, fields));
    return { ...base, type: 'bead:updated', payload: { bead, changed: [] }, metadata };
  }
  if (kind === 'conflict') return applyConflict(tx, projectId, fields);
  if (kind !== 'convoy') return undefined;
  if (isDeleted(fields)) {
    await deleteConvoy(tx, projectId, id);
    return undefined;
  }
  const convoy = convoyFromRecord(projectId, fields);
  await replaceConvoy(tx, convoy);
  return { ...base, type: 'convoy:updated', payload: { convoy } };
}

/** A conflict is counted on the card of its bead. */
async function applyConflict(tx: Tx, projectId: string, fields: Fields): Promise<Announcement | undefined> {
  const conflict = conflictFromRecord(projectId, fields);
  await replaceConflict(tx, conflict);
  const bead = await findBead(tx, projectId, conflict.about);
  if (!bead) return undefined;
  const conflicts = await countConflicts(tx, projectId, bead.id);
  if (conflicts === (bead.conflicts ?? 0)) return undefined;
  const changed = await replaceBead(tx, { ...bead, conflicts });
  const metadata = { projectId, beadId: bead.id };
  return {
    type: 'bead:updated',
    component: 'sync',
    payload: { bead: changed, changed: ['conflicts'] },
    metadata,
  };
}

/** Takes the row of a record away, when its id became another one's. */
export async function dropRow(tx: Tx, projectId: string, path: string): Promise<void> {
  const { kind, id } = parsePath(path);
  if (kind === 'bead') await deleteBead(tx, projectId, id);
  if (kind === 'convoy') await deleteConvoy(tx, projectId, id);
}
