/** What is kept of a conflict: both values, who wrote them and when, and how a person decided. Pure. */
import { createHash } from 'node:crypto';
import { canonicalKey } from '../state-ref/canonical-json.ts';
import type { Cell } from './cells.ts';
import type { FieldConflict } from './merge.ts';
import { CREATED, type StateRecord } from './record.ts';
import { laterStamp, parseStamp } from './stamp.ts';

export interface ConflictSide {
  value?: unknown;
  /** Replica that wrote it. */
  replica: string;
  at: string;
}

const timeOf = (stamp: string): string => new Date(parseStamp(stamp)?.ms ?? 0).toISOString();

function side(cell: Cell): ConflictSide {
  const replica = parseStamp(cell.stamp)?.replica ?? '';
  return { ...(cell.value === undefined ? {} : { value: cell.value }), replica, at: timeOf(cell.stamp) };
}

/** The record of a conflict about a noun; the same on every clone that finds it. */
export function conflictRecord(about: string, kind: 'field' | 'cycle', conflict: FieldConflict): StateRecord {
  const { field, kept, lost } = conflict;
  const stamp = laterStamp(kept.stamp, lost.stamp);
  const identity = canonicalKey([about, field, kept.stamp, lost.stamp]);
  const id = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  const fields = { id, about, kind, field, kept: side(kept), lost: side(lost), createdAt: timeOf(stamp) };
  return { fields, clocks: { [CREATED]: stamp } };
}
