/** Finds circles of blockers among beads that changed in a merge, from what the rows say. */
import { blockerIds } from '../beads/side-tables.ts';
import type { Tx } from '../storage/database.ts';
import { conflictRecord } from '../storage/record/conflict.ts';
import { circularEdges, type Edge } from '../storage/record/cycles.ts';
import { createdStamp, type StateRecord } from '../storage/record/record.ts';
import { loadRecord } from '../storage/records.ts';
import { beadPath } from '../storage/state-ref/layout.ts';

/** Everything that the beads wait for, however far. */
async function edgesFrom(tx: Tx, projectId: string, ids: readonly string[]): Promise<Edge[]> {
  const edges: Edge[] = [];
  const seen = new Set<string>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const blockers = await blockerIds(tx, projectId, id);
    const record = blockers.length === 0 ? undefined : await loadRecord(tx, projectId, beadPath(id));
    if (!record) continue;
    for (const to of blockers) {
      edges.push({ from: id, to, stamp: record.clocks[`blockedBy/${to}`] ?? createdStamp(record) });
      open.push(to);
    }
  }
  return edges;
}

/** A conflict for the newest edge of every circle: it stays until a person decides. */
export async function circularConflicts(tx: Tx, projectId: string, ids: readonly string[]): Promise<StateRecord[]> {
  const edges = await edgesFrom(tx, projectId, ids);
  return circularEdges(edges).map(({ from, to, stamp }) =>
    conflictRecord(from, 'cycle', {
      field: `blockedBy/${to}`,
      kept: { stamp, value: to },
      lost: { stamp, value: undefined },
    }),
  );
}
