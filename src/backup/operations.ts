/** What can be done with backups. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { table } from '../base/table.ts';
import { type Backup, backupSchema } from './schema.ts';

const sizeOf = (backup: Backup) => backup.files.reduce((sum, file) => sum + file.bytes, 0);
const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
const name = z.string().min(1).describe('Name of a backup, or a folder that holds one');

export const backupOperations = {
  backupCreate: operation({
    name: 'backup create',
    http: { method: 'POST', path: '/backups', status: 201 },
    summary: 'Save the databases, the record of every project and the settings, while everything goes on',
    description: 'Secrets are left out: no provider key, no token of an agent. Set them again after a restore.',
    input: z.object({ to: z.string().optional().describe('Folder to write into; backups of the home by default') }),
    output: backupSchema,
    permission: 'backup:create',
    scope: 'home',
    examples: ['godel backup create', 'godel backup create --to /mnt/safe'],
    text: (backup) => `Saved ${backup.path} (${megabytes(sizeOf(backup))}, ${backup.projects.length} projects)`,
  }),
  backupList: operation({
    name: 'backup list',
    http: { method: 'GET', path: '/backups' },
    summary: 'List the backups of this home',
    input: z.object({}),
    output: z.object({ items: z.array(backupSchema) }),
    permission: 'backup:read',
    scope: 'home',
    examples: ['godel backup list'],
    text: ({ items }) =>
      items.length === 0
        ? 'No backups. godel backup create makes one.'
        : table(
            ['NAME', 'SIZE', 'PROJECTS', 'PATH'],
            items.map((each) => [each.name, megabytes(sizeOf(each)), String(each.projects.length), each.path]),
          ),
  }),
  backupVerify: operation({
    name: 'backup verify',
    http: { method: 'POST', path: '/backups/:name/verify' },
    summary: 'Check every file of a backup: checksum, database, bundle',
    input: z.object({ name }),
    output: z.object({ name: z.string(), checked: z.array(z.string()) }),
    permission: 'backup:read',
    args: ['name'],
    scope: 'home',
    examples: ['godel backup verify 2026-11-27T09-00-00-000Z'],
    text: (result) => `${result.name} is sound (${result.checked.length} files)`,
  }),
  backupRestore: operation({
    name: 'backup restore',
    http: { method: 'POST', path: '/backups/:name/restore' },
    summary: 'Put a backup in place at the next start; what is there now is moved aside',
    description:
      'Checks the backup and prepares it. The next start of daemon and proxy puts it in place. Changes that are in git and newer than the backup come back by themselves.',
    input: z.object({ name }),
    output: z.object({ name: z.string(), next: z.string() }),
    permission: 'backup:restore',
    args: ['name'],
    scope: 'home',
    examples: ['godel backup restore /mnt/safe/2026-11-27T09-00-00-000Z && godel daemon stop --all'],
    text: (result) => `${result.name} is prepared. Now: ${result.next}`,
  }),
} as const;
