/** The life of a session, and how it follows the life of its agent. Pure. */
import type { Lifecycle } from '../agents/schema.ts';
import { nextStatus, type TransitionTable } from '../base/transition.ts';
import type { SessionStatus } from './schema.ts';

export type SessionAction = 'start' | 'pause' | 'resume' | 'complete' | 'fail' | 'archive' | 'unarchive';

export const sessionTransitions = {
  pending: { start: 'active', pause: 'paused', complete: 'completed', fail: 'failed' },
  active: { pause: 'paused', complete: 'completed', fail: 'failed' },
  paused: { resume: 'active', complete: 'completed', fail: 'failed' },
  completed: { start: 'active', archive: 'archived' },
  failed: { start: 'active', complete: 'completed', archive: 'archived' },
  archived: { start: 'active', unarchive: 'completed' },
} as const satisfies TransitionTable<SessionStatus, SessionAction>;

const table: TransitionTable<SessionStatus, SessionAction> = sessionTransitions;

export function nextSessionStatus(from: SessionStatus, action: SessionAction): SessionStatus | undefined {
  return nextStatus(table, from, action);
}

const STATUS_OF: Readonly<Record<Lifecycle, SessionStatus>> = {
  initializing: 'pending',
  spawning: 'pending',
  executing: 'active',
  waiting: 'active',
  paused: 'paused',
  completing: 'active',
  completed: 'completed',
  failed: 'failed',
  killed: 'completed',
};

/** What the life of its agent does to its newest session; undefined when that changes nothing. */
export function actionFor(status: SessionStatus, lifecycle: Lifecycle): SessionAction | undefined {
  const wanted = STATUS_OF[lifecycle];
  // Archived is what a person made of an ended one.
  if (status === wanted || (status === 'archived' && (wanted === 'completed' || wanted === 'failed'))) return undefined;
  const actions = Object.keys(table[status]) as SessionAction[];
  return actions.find((action) => nextSessionStatus(status, action) === wanted);
}

/** The status a session is made with. */
export const firstStatus = (lifecycle: Lifecycle): SessionStatus => STATUS_OF[lifecycle];
