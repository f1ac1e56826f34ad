/** Handlers of backups. A backup is a folder: manifest.json names every other file with its checksum. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isMap, parseDocument, visit } from 'yaml';
import type { Handlers } from '../access/context.ts';
import { messageOf } from '../base/error.ts';
import { git } from '../base/git.ts';
import type { HomePaths } from '../base/paths.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import { copyDatabase, damageOf } from '../storage/snapshot-file.ts';
import { STATE_REF } from '../storage/state-ref/layout.ts';
import { readRef } from '../storage/state-ref/read.ts';
import type { backupOperations } from './operations.ts';
import { type Backup, backupSchema } from './schema.ts';

export interface BackupServiceOptions {
  paths: HomePaths;
  version: string;
  projects: () => Promise<Project[]>;
  /** Writes what waits for git. */
  settle: (projectId: string) => Promise<unknown>;
  now: () => number;
}

type Service = Handlers<typeof backupOperations>;

/** Tables that hold what opens a door. */
const SECRET_TABLES = ['tokens', 'secrets', 'keys'];
const SECRET_NAME = /key|token|secret|password|headers|authorization/i;
const BUNDLE_MS = 600_000;

/** Where a restore waits for the next start. */
export const restoreFolder = (paths: HomePaths): string => join(paths.stateDir, 'restore');
const backupsFolder = (paths: HomePaths): string => join(paths.stateDir, 'backups');

async function checksum(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/** Settings without anything whose name says that it is a secret; names of environment variables stay. */
function withoutSecrets(text: string): string {
  const document = parseDocument(text);
  if (!isMap(document.contents)) return '';
  visit(document, {
    Pair(_key, pair) {
      const name = String((pair.key as { value?: unknown } | null)?.value ?? '');
      return SECRET_NAME.test(name) && !name.endsWith('_env') ? visit.REMOVE : undefined;
    },
  });
  return document.toString();
}

async function readBackup(path: string): Promise<Backup> {
  const manifest = JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8')) as object;
  return backupSchema.parse({ ...manifest, path });
}

export function createBackupService(options: BackupServiceOptions): Service {
  const { paths } = options;

  async function bundle(project: Project, folder: string): Promise<Backup['projects'][number]> {
    const entry = { id: project.id, name: project.name, path: project.path };
    const commit = await readRef(project.gitDir).catch(() => null);
    if (commit === null) return entry;
    const file = `state-${project.id}.bundle`;
    await git(project.gitDir, ['bundle', 'create', '--quiet', join(folder, file), STATE_REF], { timeoutMs: BUNDLE_MS });
    return { ...entry, commit, bundle: file };
  }

  async function fill(folder: string): Promise<Backup['projects']> {
    const projects = await options.projects();
    for (const project of projects) await options.settle(project.id).catch(() => undefined);
    await copyDatabase(paths.databaseFile, join(folder, 'godel.db'), SECRET_TABLES);
    if (await stat(paths.ledgerFile).catch(() => undefined)) {
      await copyDatabase(paths.ledgerFile, join(folder, 'ledger.db'), SECRET_TABLES);
    }
    const config = await readFile(paths.configFile, 'utf8').catch(() => undefined);
    if (config !== undefined) await writeFile(join(folder, 'config.yaml'), withoutSecrets(config), { mode: 0o600 });
    // After the database, so that the bundle holds at least what the database knows.
    return Promise.all(projects.map((project) => bundle(project, folder)));
  }

  const create: Service['backupCreate'] = async (input) => {
    const createdAt = new Date(options.now()).toISOString();
    const name = createdAt.replaceAll(/[:.]/g, '-');
    const path = join(input.to ?? backupsFolder(paths), name);
    const draft = `${path}.part`;
    try {
      await mkdir(draft, { recursive: true, mode: 0o700 });
      const projects = await fill(draft);
      const files = await Promise.all(
        (await readdir(draft)).sort().map(async (file) => ({
          name: file,
          bytes: (await stat(join(draft, file))).size,
          sha256: await checksum(join(draft, file)),
        })),
      );
      const manifest = { name, createdAt, version: options.version, files, projects };
      await writeFile(join(draft, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
      await rename(draft, path);
      return { ...manifest, path };
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      if ((error as { code?: string }).code === 'ENOSPC')
        throw failure('disk-full', { problem: messageOf(error) }, error);
      throw error;
    }
  };

  async function find(name: string): Promise<Backup> {
    const path = isAbsolute(name) ? name : join(backupsFolder(paths), basename(name));
    return readBackup(path).catch((error: unknown) => {
      throw failure('backup-not-found', { name }, error);
    });
  }

  async function check(backup: Backup): Promise<string[]> {
    const damaged = (problem: string) => failure('backup-damaged', { name: backup.name, problem });
    for (const { name, sha256 } of backup.files) {
      const file = join(backup.path, name);
      const found = await checksum(file).catch(() => undefined);
      if (found !== sha256) throw damaged(`${name} ${found === undefined ? 'is missing' : 'was changed'}`);
      const damage = name.endsWith('.db') ? damageOf(file) : undefined;
      if (damage !== undefined) throw damaged(`${name}: ${damage}`);
      if (name.endsWith('.bundle')) await git(backup.path, ['bundle', 'list-heads', '--end-of-options', file]);
    }
    return backup.files.map((file) => file.name);
  }

  return {
    backupCreate: create,
    async backupList() {
      const names = (await readdir(backupsFolder(paths)).catch(() => [])).sort().reverse();
      const found = await Promise.all(
        names.map((name) => readBackup(join(backupsFolder(paths), name)).catch(() => undefined)),
      );
      return { items: found.filter((backup) => backup !== undefined) };
    },
    async backupVerify(input) {
      const backup = await find(input.name);
      return { name: backup.name, checked: await check(backup) };
    },
    async backupRestore(input) {
      const backup = await find(input.name);
      await check(backup);
      const draft = `${restoreFolder(paths)}.part`;
      await rm(draft, { recursive: true, force: true });
      await cp(backup.path, draft, { recursive: true });
      await rm(restoreFolder(paths), { recursive: true, force: true });
      await rename(draft, restoreFolder(paths));
      return { name: backup.name, next: 'godel daemon stop --all && godel status' };
    },
  };
}
