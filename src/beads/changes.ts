/** How a bead changes: load, decide, save row + event + git file in one unit. Shared by the services. */
import { failure } from '../errors.ts';
import type { EventType } from '../events.ts';
import type { Unit } from '../storage/unit-of-work.ts';
import { assertHolder, dropLease, givenBack, type Writer } from './claims.ts';
import type { Bead, BeadStatus } from './schema.ts';
import { actionBetween, type BeadAction, beadActions, nextBeadStatus } from './state.ts';
import { beadFile, resolveBead, saveBead } from './store.ts';

export type BeadChange = Partial<Omit<Bead, 'id' | 'uid' | 'projectId' | 'version' | 'createdAt'>>;

/** Work that is done, or back in the pile, is nobody's. */
const endsClaim = (status: BeadStatus | undefined) => status === 'done' || status === 'open';

/** `{ ...bead, ...change }` where an undefined value removes an optional field. */
function applied(bead: Bead, change: BeadChange, now: string): Bead {
  const merged: Record<string, unknown> = { ...bead, ...change, updatedAt: now };
  if (change.status !== undefined && change.status !== bead.status) {
    merged.doneAt = change.status === 'done' ? now : undefined;
    if (endsClaim(change.status) && bead.claim) merged.claim = givenBack(bead.claim);
  }
  for (const [key, value] of Object.entries(merged)) {
    if (value === undefined) delete merged[key];
  }
  return merged as Bead;
}

/** What the changed fields were, so that the change can be taken back. */
const valuesOf = (bead: Bead, fields: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(fields.map((field) => [field, (bead as Record<string, unknown>)[field]]));

/** Fields that live in this database only: changing them alone writes nothing to git. */
const LOCAL_FIELDS = new Set(['worktree', 'conflicts']);

/** Saves a changed bead with its event and its git file. */
export async function changeBead(
  unit: Unit,
  bead: Bead,
  change: BeadChange,
  subject: string,
  event: { type: EventType; extra?: Record<string, unknown> } = { type: 'bead:updated' },
): Promise<Bead> {
  const saved = await saveBead(unit.tx, applied(bead, change, unit.now));
  if (bead.claim?.holder && saved.claim?.holder === '') await dropLease(unit.tx, bead);
  const changed = Object.keys(change);
  if (changed.some((field) => !LOCAL_FIELDS.has(field))) {
    await unit.persist(bead.projectId, beadFile(saved, `${bead.id}: ${subject}`));
  }
  await unit.emit({
    type: event.type,
    component: 'beads',
    payload: { bead: saved, changed, before: valuesOf(bead, changed), ...event.extra },
    metadata: { projectId: bead.projectId, beadId: bead.id },
  });
  return saved;
}

/**
 * The status after `action`, or a refusal that names what is possible.
 * @throws GodelError transition-refused
 */
export function decideStatus(bead: Bead, action: BeadAction): BeadStatus {
  const next = nextBeadStatus(bead.status, action);
  if (next) return next;
  const possible = beadActions(bead.status);
  throw failure('transition-refused', { id: bead.id, from: bead.status, to: action, possible });
}

/** The action that moves a card from its lane to `to`; @throws GodelError transition-refused */
export function decideMove(bead: Bead, to: BeadStatus): BeadAction {
  const action = actionBetween(bead.status, to);
  if (action) return action;
  const possible = beadActions(bead.status).map((each) => nextBeadStatus(bead.status, each));
  throw failure('transition-refused', { id: bead.id, from: bead.status, to, possible: [...new Set(possible)] });
}

/** Done is proven by landed work, or said by a person with force. @throws GodelError done-not-proven */
export async function assertClosable(
  bead: Bead,
  isForced: boolean,
  mainBranch: (projectId: string) => Promise<string>,
): Promise<void> {
  if (isForced || (bead.landedCommit && bead.landedCommit !== bead.reopenedFrom)) return;
  throw failure('done-not-proven', { id: bead.id, branch: await mainBranch(bead.projectId) });
}

/** The freshest form of a bead, for one who may still write to it. @throws GodelError lease-lost */
export async function heldBead(unit: Unit, projectId: string, id: string, writer: Writer): Promise<Bead> {
  const bead = await resolveBead(unit.tx, projectId, id);
  await assertHolder(unit, bead, writer);
  return bead;
}

/** Applies an action to the freshest form of a bead. */
export async function moveBead(
  unit: Unit,
  projectId: string,
  id: string,
  action: BeadAction,
  who: string,
  change: BeadChange = {},
  event?: { type: EventType; extra?: Record<string, unknown> },
): Promise<Bead> {
  const bead = await resolveBead(unit.tx, projectId, id);
  const status = decideStatus(bead, action);
  // Landed work counts as done; only one who knows of the landing may say that it is not.
  const reopened = action === 'reopen' && bead.landedCommit ? { reopenedFrom: bead.landedCommit } : {};
  return changeBead(
    unit,
    bead,
    { ...change, ...reopened, status },
    `status ${bead.status} -> ${status} (${who})`,
    event,
  );
}
