/** The services about records themselves: exchange with other clones. */
import type { Config } from '../config.ts';
import type { RepoService } from '../repos/service.ts';
import { createSyncService, type SyncService } from '../sync/service.ts';
import type { Core } from './core.ts';

export interface RecordServicesOptions {
  core: Core;
  repos: RepoService;
  configOf: (path: string) => Promise<Config>;
}

export interface RecordServices {
  handlers: SyncService['handlers'];
  sync: SyncService;
}

export function createRecordServices({ core, repos, configOf }: RecordServicesOptions): RecordServices {
  const sync = createSyncService({
    database: core.database,
    units: core.units,
    project: (id) => repos.project(id),
    configOf: (project) => configOf(project.path),
    merge: core.sync.merge,
    settle: (project) => core.sync.settle(project.id),
    now: core.clock.now,
  });
  return { sync, handlers: sync.handlers };
}
