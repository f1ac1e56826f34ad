/** Role files: found in the project and the home, read again when they change, checked with the line of what is wrong. */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Document, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { isGrantable } from '../access/permissions.ts';
import { GodelError, messageOf } from '../base/error.ts';
import { failure } from '../errors.ts';
import { BUILT_IN_ROLES } from './built-in.ts';
import { type Role, type RoleFile, roleFileSchema, roleNameSchema } from './schema.ts';
import { PROMPT_NAMES, unknownName } from './text.ts';

const FILE = /^([a-z][a-z0-9-]{0,29})\.ya?ml$/;

interface Problem {
  path: readonly PropertyKey[];
  problem: string;
  hint?: string;
}

function ofZod({ issues: [issue] }: z.ZodError): Problem {
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const known = issue.path.length === 0 ? `Fields: ${Object.keys(roleFileSchema.shape).join(', ')}.` : '';
    return { path: [...issue.path, key], problem: `there is no field "${key}"`, hint: known };
  }
  const problem = issue?.message.replace(/^Invalid input: /, '') ?? 'cannot be read';
  return { path: issue?.path ?? [], problem };
}

/** What the schema cannot see: names in the prompt, and permissions that no role can give. */
function ofContent(content: RoleFile): Problem | undefined {
  const name = unknownName(content.prompt);
  const names = Object.keys(PROMPT_NAMES).map((each) => `{{${each}}}`);
  if (name !== undefined)
    return {
      path: ['prompt'],
      problem: `{{${name}}} stands for nothing`,
      hint: `It may name ${names.join(', ')}.`,
    };
  const at = content.permissions.allow.findIndex((permission) => !isGrantable(permission));
  if (at < 0) return undefined;
  const hint = "It is a person's to do; take it out of the list.";
  return {
    path: ['permissions', 'allow', at],
    problem: `no role can give ${content.permissions.allow[at]}`,
    hint,
  };
}

/**
 * The role that a text of YAML says.
 * @throws GodelError role-invalid, with file, line and field
 */
export function parseRole(text: string, file: string): RoleFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const refused = ({ path, problem, hint }: Problem, cause?: unknown) => {
    const node = [path, path.slice(0, -1)]
      .map((each) => document.getIn(each, true) as { range?: [number, number, number] } | undefined)
      .find((each) => each?.range);
    const key = String(path.at(-1) ?? '');
    const written = text.split('\n').findIndex((line) => line.trim().startsWith(`${key}:`));
    const line = written >= 0 && key !== '' ? written + 1 : node?.range ? lines.linePos(node.range[0]).line : 1;
    const field = path.join('.');
    const where = field === '' ? `line ${line}` : `line ${line}, ${field}`;
    return failure('role-invalid', { file, line, field, problem: `${where}: ${problem}`, hint }, cause);
  };
  const [error] = document.errors;
  if (error) {
    const line = error.linePos?.[0].line ?? 1;
    const problem = `line ${line}: ${messageOf(error).replace(/ at line .*$/, '')}`;
    throw failure('role-invalid', { file, line, problem, hint: 'It is not YAML; correct that line.' }, error);
  }
  const parsed = roleFileSchema.safeParse(document.toJS() ?? {});
  if (!parsed.success) throw refused(ofZod(parsed.error), parsed.error);
  const problem = ofContent(parsed.data);
  if (problem) throw refused(problem);
  return parsed.data;
}

export interface RoleFolders {
  /** The folder of a project's roles. */
  project: string;
  /** The folder of the home's. */
  user: string;
}

export interface RoleFiles {
  /** A role by its name, the project's before the home's before the built-in one. @throws GodelError role-not-found, role-invalid */
  find(folders: RoleFolders, name: string): Promise<Role>;
  /** Every role, and what is wrong with those that cannot be used. */
  list(folders: RoleFolders): Promise<{ items: Role[]; problems: { file: string; problem: string }[] }>;
  /** Writes the fields into a file; what else is in it, comments too, stays. @throws GodelError role-invalid */
  write(file: string, change: Readonly<Record<string, unknown>>): Promise<void>;
  remove(file: string): Promise<void>;
}

export const roleFile = (folder: string, name: string) => join(folder, `${name}.yaml`);

async function fileIn(folder: string, name: string): Promise<string | undefined> {
  const names = await readdir(folder).catch(() => []);
  const found = names.find((each) => FILE.exec(each)?.[1] === name);
  return found && join(folder, found);
}

export function createRoleFiles(): RoleFiles {
  /** Parsed files by path, valid while size and time of change stay the same. */
  const cache = new Map<string, { stamp: string; content: RoleFile }>();

  async function read(file: string): Promise<RoleFile> {
    const info = await stat(file);
    const stamp = `${info.mtimeMs}:${info.size}`;
    const known = cache.get(file);
    if (known?.stamp === stamp) return known.content;
    const content = parseRole(await readFile(file, 'utf8'), file);
    cache.set(file, { stamp, content });
    return content;
  }

  async function load(folders: RoleFolders, name: string): Promise<Role | undefined> {
    for (const origin of ['project', 'user'] as const) {
      const file = await fileIn(folders[origin], name);
      if (file) return { ...(await read(file)), name, origin, file };
    }
    const builtIn = Object.hasOwn(BUILT_IN_ROLES, name) ? BUILT_IN_ROLES[name] : undefined;
    return builtIn && { ...builtIn, name, origin: 'built-in' };
  }

  async function names(folders: RoleFolders): Promise<string[]> {
    const found = await Promise.all([folders.project, folders.user].map((folder) => readdir(folder).catch(() => [])));
    const own = found.flat().flatMap((name) => FILE.exec(name)?.[1] ?? []);
    return [...new Set([...Object.keys(BUILT_IN_ROLES), ...own])];
  }

  return {
    async find(folders, name) {
      const role = roleNameSchema.safeParse(name).success ? await load(folders, name) : undefined;
      if (!role) throw failure('role-not-found', { role: name, known: await names(folders) });
      return role;
    },
    async list(folders) {
      const items: Role[] = [];
      const problems: { file: string; problem: string }[] = [];
      for (const name of await names(folders)) {
        try {
          const role = await load(folders, name);
          if (role) items.push(role);
        } catch (error) {
          const { params } = error instanceof GodelError ? error : { params: { problem: messageOf(error) } };
          problems.push({ file: String(('file' in params && params.file) || name), problem: String(params.problem) });
        }
      }
      return { items, problems };
    },
    async write(file, change) {
      const text = await readFile(file, 'utf8').catch(() => '');
      const document = text === '' ? new Document({}) : parseDocument(text);
      for (const [key, value] of Object.entries(change)) {
        if (value === undefined) document.delete(key);
        else document.set(key, document.createNode(value));
      }
      const next = document.toString({ lineWidth: 0 });
      parseRole(next, basename(file));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(`${file}.new`, next);
      await rename(`${file}.new`, file);
      cache.delete(file);
    },
    async remove(file) {
      await rm(file);
      cache.delete(file);
    },
  };
}
