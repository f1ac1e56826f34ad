/** What an agent may do with Godel: what its role says, as the role is written at that moment. */
import { isAllowed, isGrantable, permissionsOf } from '../access/permissions.ts';
import type { Actor } from '../access/schema.ts';
import { findAgent } from '../agents/store.ts';
import { GodelError } from '../base/error.ts';
import type { AnyOperation } from '../base/operation.ts';
import { failure } from '../errors.ts';
import type { Role } from '../roles/schema.ts';
import type { RoleService } from '../roles/service.ts';
import type { Core } from './core.ts';

/** Resolves when the actor may do it. @throws GodelError role-forbids; role-invalid when its role cannot be read */
type Authorize = (actor: Actor, operation: AnyOperation) => Promise<void>;

export function createAuthority(core: Pick<Core, 'database'>, roles: Pick<RoleService, 'find'>): Authorize {
  /** Undefined when the role was removed since. */
  const roleOf = (projectId: string, name: string): Promise<Role | undefined> =>
    roles.find(projectId, name).catch((error: unknown) => {
      if (error instanceof GodelError && error.reason === 'role-not-found') return undefined;
      throw error;
    });

  return async (actor, operation) => {
    if (actor.kind !== 'agent') return;
    const agent = await findAgent(core.database.db, actor.id);
    const role = agent && (await roleOf(agent.projectId, agent.role));
    if (isAllowed(actor, operation, permissionsOf(role?.permissions))) return;
    const { permission, name } = operation;
    throw failure('role-forbids', {
      actor: actor.name,
      role: agent?.role ?? 'worker',
      operation: name,
      permission,
      isGrantable: isGrantable(permission),
    });
  };
}
