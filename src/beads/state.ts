/** The life of a bead. A person may reopen anything; `done` needs landed work or a person's force. */
import { allowedActions, nextStatus, type TransitionTable } from '../base/transition.ts';
import type { Bead, BeadStatus, LinkKind, Priority } from './schema.ts';

export type BeadAction = 'start' | 'submit' | 'send-back' | 'land' | 'close' | 'reopen';

export const beadTransitions = {
  open: { start: 'in-progress', close: 'done' },
  'in-progress': { submit: 'review', close: 'done', reopen: 'open' },
  review: { 'send-back': 'in-progress', land: 'done', close: 'done', reopen: 'open' },
  done: { reopen: 'open' },
} as const satisfies TransitionTable<BeadStatus, BeadAction>;

const table: TransitionTable<BeadStatus, BeadAction> = beadTransitions;

export function nextBeadStatus(status: BeadStatus, action: BeadAction): BeadStatus | undefined {
  return nextStatus(table, status, action);
}

export function beadActions(status: BeadStatus): BeadAction[] {
  return allowedActions(table, status);
}

/** The action that leads from one status to another, as a moved card or `bead status` asks for. */
export function actionBetween(from: BeadStatus, to: BeadStatus): BeadAction | undefined {
  const preferred = beadActions(from).filter((action) => nextBeadStatus(from, action) === to);
  return preferred.find((action) => action !== 'close') ?? preferred[0];
}

export const PRIORITY_RANK: Readonly<Record<Priority, number>> = { critical: 0, high: 1, medium: 2, low: 3 };

/** True for an event that says what changed of a bead, when its status did not. */
export const keepsStatus = ({ type, payload }: { type: string; payload: Record<string, unknown> }): boolean =>
  type === 'bead:updated' &&
  Array.isArray(payload.changed) &&
  payload.changed.length > 0 &&
  !payload.changed.includes('status');

/** Field of a bead that keeps its links of a kind. */
export const LINK_FIELDS = {
  'blocked-by': 'blockedBy',
  related: 'related',
  'discovered-from': 'discoveredFrom',
} as const satisfies Readonly<Record<LinkKind, keyof Bead>>;

export interface Link {
  kind: LinkKind;
  to: string;
}

/** Every link that starts at a bead. */
export function linksOf(bead: Pick<Bead, 'blockedBy' | 'related' | 'discoveredFrom'>): Link[] {
  return (Object.keys(LINK_FIELDS) as LinkKind[]).flatMap((kind) =>
    bead[LINK_FIELDS[kind]].map((to) => ({ kind, to })),
  );
}

const DAY_ONLY = /^\d{4}-\d{2}-\d{2}$/;

/** `2026-12-24` of a moment, where this program runs. */
export function localDay(nowMs: number): string {
  const date = new Date(nowMs);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** A day is over when the next one began; an instant when it has passed. What is done is never overdue. */
export function isOverdue(bead: Pick<Bead, 'dueAt' | 'status'>, nowMs: number): boolean {
  if (bead.dueAt === undefined || bead.status === 'done') return false;
  return DAY_ONLY.test(bead.dueAt) ? bead.dueAt < localDay(nowMs) : Date.parse(bead.dueAt) < nowMs;
}
