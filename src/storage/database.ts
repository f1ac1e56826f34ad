/** The database seam. Features see Kysely and a unit of work; only this folder knows the dialect. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import SQLite from 'better-sqlite3';
import { type Dialect, type Driver, Kysely, SqliteAdapter, type SqliteDatabase, SqliteDialect } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { messageOf } from '../base/error.ts';
import { failure } from '../errors.ts';
import { openLogSync } from './log-sync.ts';
import { initialMigration } from './migrations/0001-initial.ts';
import { recordsMigration } from './migrations/0010-records.ts';
import { conflictsMigration } from './migrations/0011-conflicts.ts';
import { workGraphMigration } from './migrations/0020-work-graph.ts';
import { leasesMigration } from './migrations/0021-leases.ts';
import { searchFillMigration } from './migrations/0022-search-fill.ts';
import { partialIndexesMigration } from './migrations/0023-partial-indexes.ts';
import { searchDueMigration } from './migrations/0024-search-due.ts';
import { beadEventsMigration } from './migrations/0025-bead-events.ts';
import { worktreesMigration } from './migrations/0030-worktrees.ts';
import { commitLinksMigration } from './migrations/0031-commit-links.ts';
import { mergeQueueMigration } from './migrations/0040-merge-queue.ts';
import { moneyMigration } from './migrations/0050-money.ts';
import { parkedBudgetMigration } from './migrations/0051-parked-budget.ts';
import { inboxMigration } from './migrations/0060-inbox.ts';
import { messagesMigration } from './migrations/0070-messages.ts';
import { sessionsMigration } from './migrations/0080-sessions.ts';
import { answerDirectly } from './prepared.ts';
import type { Tables } from './tables.ts';
import { createTransact, type Savepoints, type Transact } from './transactions.ts';

export type { Tx } from './transactions.ts';
export type Reader = Kysely<Tables>;

export interface Database {
  /** For reading. It is a connection of its own, so a read never waits for a transaction that waits for the read. */
  readonly db: Reader;
  /** Runs `work` in one transaction; everything or nothing is kept, and it is on disk when this resolves. */
  transact: Transact;
  /** Resolves when a trivial query is answered; rejects when the database cannot be read. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const migrations: Record<string, Migration> = {
  '0001-initial': initialMigration,
  '0060-inbox': inboxMigration,
  '0080-sessions': sessionsMigration,
  '0050-money': moneyMigration,
  '0051-parked-budget': parkedBudgetMigration,
  '0070-messages': messagesMigration,
  '0010-records': recordsMigration,
  '0020-work-graph': workGraphMigration,
  '0030-worktrees': worktreesMigration,
  '0031-commit-links': commitLinksMigration,
  '0040-merge-queue': mergeQueueMigration,
  '0011-conflicts': conflictsMigration,
  '0021-leases': leasesMigration,
  '0022-search-fill': searchFillMigration,
  '0023-partial-indexes': partialIndexesMigration,
  '0024-search-due': searchDueMigration,
  '0025-bead-events': beadEventsMigration,
};

/** Errors of the storage layer in words a person can act on; others pass unchanged. */
function translate(error: unknown): unknown {
  const code = (error as { code?: string }).code ?? '';
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') return failure('disk-full', { problem: messageOf(error) }, error);
  if (code === 'SQLITE_READONLY' || code === 'SQLITE_CANTOPEN' || code.startsWith('SQLITE_IOERR')) {
    return failure('home-unusable', { path: 'the database', problem: messageOf(error) }, error);
  }
  return error;
}

/** Moves a database that SQLite calls malformed aside, so that it can be rebuilt from git. */
function quarantine(file: string): void {
  const suffix = `.corrupt-${Date.now()}`;
  for (const part of ['', '-wal', '-shm']) {
    if (existsSync(file + part)) renameSync(file + part, file + suffix + part);
  }
}

/** Pages (4 KB) in the write-ahead log before SQLite moves them into the database file. */
const LOG_PAGES = 4_000;
/** Memory (KB) for pages of the connection that writes: a group of changes fits, so that nothing is written twice. */
const CACHE_KB = 16_000;

function openFile(file: string): SQLite.Database {
  const raw = new SQLite(file, { timeout: 5_000 });
  raw.pragma('journal_mode = WAL');
  // A commit waits for the disk all the same, see log-sync.ts.
  raw.pragma('synchronous = NORMAL');
  raw.pragma('foreign_keys = ON');
  // Pages that many changes touch are moved out of the log once, not every few changes.
  raw.pragma(`wal_autocheckpoint = ${LOG_PAGES}`);
  raw.pragma(`cache_size = -${CACHE_KB}`);
  const verdict = raw.pragma('quick_check(1)', { simple: true });
  if (verdict !== 'ok') {
    raw.close();
    throw Object.assign(new Error(`the database is malformed: ${String(verdict)}`), { code: 'SQLITE_CORRUPT' });
  }
  return raw;
}

function openReader(file: string): SQLite.Database {
  const raw = new SQLite(file, { timeout: 5_000 });
  raw.pragma('query_only = ON');
  return raw;
}

/** SQLite itself rolls back when the disk is full; the error of a second rollback would hide the reason. */
function forgivingDriver(dialect: SqliteDialect): Driver {
  const driver = dialect.createDriver();
  const rollback = driver.rollbackTransaction.bind(driver);
  driver.rollbackTransaction = async (connection) => {
    await rollback(connection).catch((error: unknown) => {
      if (!messageOf(error).includes('no transaction is active')) throw error;
    });
  };
  return driver;
}

/** Statements of one connection that are kept ready. */
const MOST_STATEMENTS = 400;

/** A connection that prepares the same text once: preparing costs more than most of what is asked. */
function preparedOnce(database: SQLite.Database): SqliteDatabase {
  const ready = new Map<string, SQLite.Statement>();
  return {
    prepare(text) {
      const known = ready.get(text);
      if (known) return known as never;
      const [oldest] = ready.keys();
      if (oldest !== undefined && ready.size >= MOST_STATEMENTS) ready.delete(oldest);
      const statement = database.prepare(text);
      ready.set(text, statement);
      return statement as never;
    },
    close: () => void database.close(),
  };
}

/**
 * Reads need no turns: each is over when it returns. Kysely would make them queue for the connection, and wake the whole
 * queue for each of them, which holds up everything when an event has thousands of listeners ask something.
 */
class ReadingAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

function dialectOf(database: SqliteDatabase, adapter = new SqliteAdapter()): Kysely<Tables> {
  const sqlite = new SqliteDialect({ database });
  const dialect: Dialect = {
    createDriver: () => forgivingDriver(sqlite),
    createAdapter: () => adapter,
    createQueryCompiler: () => sqlite.createQueryCompiler(),
    createIntrospector: (db) => sqlite.createIntrospector(db),
  };
  return new Kysely<Tables>({ dialect });
}

function savepointsOf(raw: SQLite.Database): Savepoints {
  const [begin, commit, abort] = [raw.prepare('begin'), raw.prepare('commit'), raw.prepare('rollback')];
  const [set, release] = [raw.prepare('savepoint unit'), raw.prepare('release unit')];
  const rollback = raw.prepare('rollback to unit');
  return {
    get inTransaction() {
      return raw.inTransaction;
    },
    begin: () => void begin.run(),
    commit: () => void commit.run(),
    abort: () => void abort.run(),
    set: () => void set.run(),
    release: () => void release.run(),
    rollback() {
      rollback.run();
      release.run();
    },
  };
}

function isCorrupt(error: unknown): boolean {
  return ['SQLITE_CORRUPT', 'SQLITE_NOTADB'].includes((error as { code?: string }).code ?? '');
}

function openOrReplace(file: string, onCorrupt: (error: unknown) => void): SQLite.Database {
  try {
    return openFile(file);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    onCorrupt(error);
    quarantine(file);
    return openFile(file);
  }
}

async function migrate(raw: SQLite.Database): Promise<void> {
  const db = dialectOf(raw);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    // Numbers are given to those who write them, so a lower one may arrive later.
    allowUnorderedMigrations: true,
  });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error;
}

/**
 * Opens (or makes) the SQLite database in WAL mode and brings its schema
 * up to date. A malformed file is moved aside, never deleted.
 * @throws GodelError disk-full, home-unusable
 */
export async function openSqlite(file: string, onCorrupt: (error: unknown) => void = () => {}): Promise<Database> {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const raw = openOrReplace(file, onCorrupt);
    await migrate(raw);
    const [written, read] = [preparedOnce(raw), preparedOnce(openReader(file))];
    const [writer, db] = [dialectOf(written), dialectOf(read, new ReadingAdapter())];
    answerDirectly(db, read);
    answerDirectly(writer, written);
    const log = await openLogSync(`${file}-wal`);
    const transact = createTransact({
      writer,
      savepoints: savepointsOf(raw),
      synced: () => log.sync(),
    });
    return {
      db,
      async transact(work, how) {
        try {
          return await transact(work, how);
        } catch (error) {
          throw translate(error);
        }
      },
      async ping() {
        await db.selectFrom('projects').select('id').limit(1).execute();
      },
      async close() {
        // What was begun is finished first.
        await transact(async () => {}).catch(() => {});
        await log.close();
        await db.destroy();
        await writer.destroy();
      },
    };
  } catch (error) {
    throw translate(error);
  }
}
