/** Who may do what. A person at this machine may do everything; an agent works, but does not decide. */
import type { AnyOperation } from '../base/operation.ts';
import type { Actor } from './schema.ts';

/** What agents may do: read, create and describe work, hand it over. Never accept, delete, or control others. */
const AGENT_PERMISSIONS = new Set([
  'bead:read',
  'bead:create',
  'bead:claim',
  'bead:note',
  'bead:submit',
  'bead:update',
  'convoy:read',
  'agent:read',
  'agent:send',
  'inbox:ask',
  'inbox:read',
  'runtime:read',
  'review:read',
  'merge:read',
  'worktree:read',
  'worktree:snapshot',
  'project:read',
  'event:read',
  'cost:read',
  'budget:read',
  'system:read',
]);

export function isAllowed(actor: Actor, operation: Pick<AnyOperation, 'permission'>): boolean {
  return actor.kind !== 'agent' || AGENT_PERMISSIONS.has(operation.permission);
}
