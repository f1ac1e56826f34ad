/** One handler per role operation; and the role of an agent, for all who start it or ask what it may do. */
import { join } from 'node:path';
import type { Handlers } from '../access/context.ts';
import { type Runtime, unenforced } from '../agents/runtime.ts';
import { failure } from '../errors.ts';
import { createRoleFiles, type RoleFolders, roleFile } from './files.ts';
import type { roleOperations } from './operations.ts';
import type { Role } from './schema.ts';

export interface RoleServiceOptions {
  projectPath: (projectId: string) => Promise<string>;
  /** Folder of the roles of this home. */
  userFolder: string;
  runtimes: { list(): readonly Runtime[] };
}

export interface RoleService {
  handlers: Handlers<typeof roleOperations>;
  /** @throws GodelError role-not-found, role-invalid */
  find(projectId: string, name: string): Promise<Role>;
}

type Fields = Parameters<Handlers<typeof roleOperations>['roleUpdate']>[0];

/** `none` takes a setting back. */
const orNone = (value: string) => (value === 'none' ? undefined : value);

/** The changed keys of the file. */
function changeOf(fields: Partial<Fields>, before: Pick<Role, 'permissions' | 'limits'>): Record<string, unknown> {
  const { description, runtime, provider, model, tools, allow, deny, minutes, budget, calls, agents } = fields;
  const { memory, processes } = fields;
  const prompt = fields.promptFile ?? fields.prompt;
  const given = { minutes, budget_usd: budget, calls_per_run: calls, memory_mb: memory, processes, agents };
  const limits = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    ...(description === undefined ? {} : { description }),
    ...(prompt === undefined ? {} : { prompt: prompt.trimEnd() }),
    ...(runtime === undefined ? {} : { runtime: orNone(runtime) }),
    ...(provider === undefined ? {} : { provider: orNone(provider) }),
    ...(model === undefined ? {} : { model: orNone(model) }),
    ...(tools === undefined ? {} : { tools }),
    ...(allow || deny
      ? { permissions: { allow: allow ?? before.permissions.allow, deny: deny ?? before.permissions.deny } }
      : {}),
    ...(limits.length > 0 ? { limits: { ...before.limits, ...Object.fromEntries(limits) } } : {}),
  };
}

/** The keys of a file that says what a role says; what is at its default is left out. */
function contentOf(role: Role): Record<string, unknown> {
  const { name: _name, origin: _origin, file: _file, permissions, limits, ...rest } = role;
  const some = permissions.allow.length + permissions.deny.length > 0;
  return { ...rest, ...(some ? { permissions } : {}), ...(Object.keys(limits).length > 0 ? { limits } : {}) };
}

export function createRoleService(options: RoleServiceOptions): RoleService {
  const files = createRoleFiles();
  const foldersOf = async (projectId: string): Promise<RoleFolders> => ({
    project: join(await options.projectPath(projectId), '.godel', 'roles'),
    user: options.userFolder,
  });
  const find = async (projectId: string, name: string) => files.find(await foldersOf(projectId), name);

  /** A role with a file. @throws GodelError role-built-in */
  async function own(projectId: string, name: string): Promise<Role & { file: string }> {
    const role = await find(projectId, name);
    if (role.file === undefined) throw failure('role-built-in', { role: name });
    return { ...role, file: role.file };
  }

  const create: RoleService['handlers']['roleCreate'] = async ({ name, from, user, ...fields }, { projectId }) => {
    const folders = await foldersOf(projectId);
    const origin = user ? 'user' : 'project';
    const { items } = await files.list(folders);
    const known = items.find((role) => role.name === name);
    if (known?.origin === origin) throw failure('role-exists', { role: name, file: known.file });
    const base = from === undefined ? undefined : await find(projectId, from);
    const before = base ?? { permissions: { allow: [], deny: [] }, limits: {} };
    await files.write(roleFile(folders[origin], name), { ...(base && contentOf(base)), ...changeOf(fields, before) });
    return find(projectId, name);
  };

  return {
    find,
    handlers: {
      roleList: async (_input, { projectId }) => files.list(await foldersOf(projectId)),
      async roleShow({ name }, { projectId }) {
        const role = await find(projectId, name);
        const lacks = (runtime: Runtime) => unenforced(runtime, role.tools).length > 0;
        return {
          ...role,
          notEnforced: options.runtimes
            .list()
            .filter(lacks)
            .map(({ id }) => id),
        };
      },
      roleCreate: create,
      async roleUpdate({ name, ...fields }, { projectId }) {
        const role = await own(projectId, name);
        await files.write(role.file, changeOf(fields, role));
        return find(projectId, name);
      },
      async roleDelete({ name }, { projectId }) {
        const role = await own(projectId, name);
        await files.remove(role.file);
        return role;
      },
    },
  };
}
