/** The ground everything stands on: database, events, units of work, git sync, tokens, configuration. */
import { createTokens, type Tokens } from '../access/tokens.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/error.ts';
import { createEventBus, type EventBus } from '../base/event.ts';
import type { Log } from '../base/log.ts';
import type { HomePaths } from '../base/paths.ts';
import type { ProviderSource } from '../costs/providers.ts';
import { createKeeper, type Keeper } from '../secrets/keeper.ts';
import { createMasterKey } from '../secrets/master-key.ts';
import { type Database, openSqlite } from '../storage/database.ts';
import { eventRange } from '../storage/journal.ts';
import { openReplica, type Replica } from '../storage/records.ts';
import { createSearchFill, type SearchFill } from '../storage/search-fill.ts';
import { createUnitOfWork, type UnitOfWork } from '../storage/unit-of-work.ts';
import { type ConfigFiles, createConfigFiles } from './config-files.ts';
import { createProviderSource } from './provider-source.ts';
import { rulesOf } from './record-kinds.ts';
import { applyRestore } from './restore.ts';
import { createStateSync, type StateSync } from './state-sync.ts';

export interface Core {
  paths: HomePaths;
  environment: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  log: Log;
  database: Database;
  bus: EventBus;
  replica: Replica;
  /** Last and oldest sequence number of the event log. */
  range: { last: number; oldest: number };
  sync: StateSync;
  searchFill: SearchFill;
  units: UnitOfWork;
  tokens: Tokens;
  /** Addresses and keys of providers. */
  providers: ProviderSource;
  keeper: Keeper;
  config: ConfigFiles;
  stop(): Promise<void>;
}

export interface CoreOptions {
  paths: HomePaths;
  environment: Readonly<Record<string, string | undefined>>;
  /** Keys of providers that were in the environment, which no longer has them. */
  providerKeys?: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  log: Log;
}

export async function createCore(options: CoreOptions): Promise<Core> {
  const { paths, environment, clock, log } = options;
  await applyRestore(paths, clock.now(), log);
  const database = await openSqlite(paths.databaseFile, (error) =>
    log.error(
      { problem: messageOf(error), file: paths.databaseFile },
      'database is malformed; moved aside and built again',
    ),
  );
  const bus = createEventBus((error) => log.error({ problem: messageOf(error) }, 'an event listener failed'));
  const range = await eventRange(database.db);
  bus.subscribe((event) => {
    range.last = event.seq;
    if (range.oldest === 0) range.oldest = event.seq;
  });
  const replica = await openReplica(database, clock);
  const searchFill = createSearchFill(database, (error) =>
    log.error({ problem: messageOf(error) }, 'index of the search not filled'),
  );
  searchFill.start();
  bus.subscribe(({ type }) => {
    if (type.startsWith('bead:')) searchFill.soon();
  });
  const sync = createStateSync({ database, bus, clock, replica, log, rebuilt: searchFill.start });
  const units = createUnitOfWork({
    database,
    bus,
    clock,
    replica,
    rulesOf,
    assertWritable: (projectId) => sync.assertWritable(projectId),
    flushed: (projectId, id) => sync.flushed(projectId, id),
    writing: () => sync.writing(),
  });
  const tokens = createTokens(database, clock);
  await tokens.ensureAdminKey(paths.adminKeyFile);
  const masterKey = createMasterKey({ home: paths.hash, file: paths.secretKeyFile, env: environment });
  const keeper = createKeeper({ file: paths.secretsFile, masterKey, clock });
  // Without its secrets the daemon still runs agents on the keys of its environment.
  await keeper
    .open()
    .catch((error: unknown) =>
      log.error({ problem: messageOf(error) }, 'secrets cannot be read; they are left as they are'),
    );
  return {
    paths,
    environment,
    clock,
    log,
    database,
    bus,
    replica,
    range,
    sync,
    searchFill,
    units,
    tokens,
    providers: createProviderSource({ env: environment, keys: options.providerKeys ?? {}, secrets: keeper.valuesOf }),
    keeper,
    config: createConfigFiles(paths.configFile, environment),
    async stop() {
      await searchFill.stop();
      await sync.stop();
      await database.close();
    },
  };
}
