/** The life of a bead. A person may reopen anything; `done` needs landed work or a person's force. */
import { allowedActions, nextStatus, type TransitionTable } from '../base/transition.ts';
import type { Bead, BeadStatus } from './schema.ts';

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

/** Ready = open with no blocker that is still unfinished. */
export function isReady(bead: Bead, statusOf: (id: string) => BeadStatus | undefined): boolean {
  return bead.status === 'open' && bead.blockedBy.every((id) => statusOf(id) === 'done');
}
