/** The services about records themselves: exchange with other clones, their past, backups, the doctor. */
import type { Handlers } from '../access/context.ts';
import type { Runner } from '../agents/runner.ts';
import { capReportText } from '../agents/text.ts';
import type { backupOperations } from '../backup/operations.ts';
import { createBackupService } from '../backup/service.ts';
import type { Config } from '../config.ts';
import type { doctorOperations } from '../doctor/operations.ts';
import { createDoctorService } from '../doctor/service.ts';
import type { historyOperations } from '../history/operations.ts';
import { createHistoryService } from '../history/service.ts';
import type { RepoService } from '../repos/service.ts';
import { allProjects } from '../repos/store.ts';
import { damageOf } from '../storage/snapshot-file.ts';
import { createSyncService, type SyncService } from '../sync/service.ts';
import type { Core } from './core.ts';

export interface RecordServicesOptions {
  core: Core;
  repos: RepoService;
  configOf: (path: string) => Promise<Config>;
  version: string;
  runner: Pick<Runner, 'capReport'>;
}

export interface RecordServices {
  handlers: SyncService['handlers'] &
    Handlers<typeof historyOperations> &
    Handlers<typeof backupOperations> &
    Handlers<typeof doctorOperations>;
  sync: SyncService;
}

export function createRecordServices(options: RecordServicesOptions): RecordServices {
  const { core, repos, configOf, version, runner } = options;
  const { database, units, paths, clock } = core;
  const project = (id: string) => repos.project(id);
  const projects = () => allProjects(database.db);
  const settle = (id: string) => core.sync.settle(id);
  const sync = createSyncService({
    database,
    units,
    project,
    configOf: (each) => configOf(each.path),
    merge: core.sync.merge,
    settle: (each) => settle(each.id),
    now: clock.now,
  });
  const history = createHistoryService({ database, units, project });
  const backup = createBackupService({ paths, version, projects, settle, now: clock.now });
  const doctor = createDoctorService({
    homeChecks: {
      database: async () => damageOf(paths.databaseFile),
      ledger: async () => damageOf(paths.ledgerFile),
    },
    homeNotes: { 'caps of agents': async () => capReportText(await runner.capReport()) },
    projects,
    examine: core.sync.examine,
  });
  return { sync, handlers: { ...sync.handlers, ...history, ...backup, ...doctor } };
}
