/** Who may do what. A person at this machine may do everything; an agent works, but does not decide. */
import type { AnyOperation } from '../base/operation.ts';
import type { Actor } from './schema.ts';

/** What agents may do: read, create and describe work, hand it over. Never accept, delete, or control others. */
const AGENT_PERMISSIONS = [
  'bead:read',
  'bead:create',
  'bead:claim',
  'bead:note',
  'bead:submit',
  'bead:update',
  'convoy:read',
  'agent:read',
  'message:send',
  'message:read',
  'todo:read',
  'todo:write',
  'inbox:ask',
  'inbox:read',
  'runtime:read',
  'role:read',
  'session:read',
  'checkpoint:create',
  'review:read',
  'merge:read',
  'worktree:read',
  'worktree:snapshot',
  'project:read',
  'event:read',
  'cost:read',
  'budget:read',
  'system:read',
];

/** What a role may give an agent beside that. Keys, settings, money, roles and the last word stay with people. */
const GRANTABLE = [
  ...AGENT_PERMISSIONS,
  'agent:create',
  'agent:control',
  'bead:assign',
  'bead:bulk',
  'bead:close',
  'bead:import',
  'convoy:create',
  'convoy:update',
  'doctor:run',
  'merge:add',
  'review:return',
  'sync:read',
  'worktree:update',
];

/** What an agent may do whose role cannot be found any more: look, and ask a person. */
const LOST_ROLE: ReadonlySet<string> = new Set(['bead:read', 'agent:read', 'inbox:ask', 'role:read']);

/** A permission, or all of a noun: `agent:*`. */
const matches = (permission: string, pattern: string) =>
  pattern.endsWith(':*') ? permission.startsWith(pattern.slice(0, -1)) : permission === pattern;

export interface Grants {
  allow: readonly string[];
  deny: readonly string[];
}

/** False for what no role can give; `noun:*` gives what can be given of a noun. */
export const isGrantable = (pattern: string): boolean => GRANTABLE.some((each) => matches(each, pattern));

/** Everything an agent of a role may do; undefined stands for a role that is gone. */
export function permissionsOf(grants: Grants | undefined): ReadonlySet<string> {
  if (!grants) return LOST_ROLE;
  const given = GRANTABLE.filter((each) => grants.allow.some((pattern) => matches(each, pattern)));
  const all = [...AGENT_PERMISSIONS, ...given];
  return new Set(all.filter((each) => !grants.deny.some((pattern) => matches(each, pattern))));
}

/** True when everything `part` may do, `whole` may do, and more. */
export const isLess = (part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean =>
  part.size < whole.size && [...part].every((each) => whole.has(each));

export function isAllowed(
  actor: Actor,
  operation: Pick<AnyOperation, 'permission'>,
  granted: ReadonlySet<string>,
): boolean {
  return actor.kind !== 'agent' || granted.has(operation.permission);
}
