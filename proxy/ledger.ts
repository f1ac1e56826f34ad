/**
 * ledger.db: virtual keys (hashed), budgets, and one row per attempt at a provider. A row is in the journal beside it before
 * the last byte of its answer is sent, and in the tables a moment later, with others in one transaction: a request that a client
 * saw finished is in the ledger whatever happens next. WAL with synchronous=NORMAL: a killed process loses nothing, a power
 * cut at most the last moment.
 */
import SQLite from 'better-sqlite3';
import {
  type Budget,
  type BudgetPeriod,
  type BudgetScope,
  budgetSchema,
  type LedgerEntry,
  type LedgerFilter,
  type UsageReport,
  type VirtualKey,
  virtualKeySchema,
} from '../src/costs/schema.ts';
import type { AccountSums } from './accounts.ts';
import { type Journal, openJournal } from './journal.ts';
import { COLUMNS, prepareSchema } from './ledger-schema.ts';
import { createReports, type EntryPage, type UsageQuery } from './reports.ts';

export interface Ledger {
  putKey(key: VirtualKey): void;
  deleteKey(hash: string): void;
  /** Hashes that were removed. */
  deleteKeysOf(agentId: string): string[];
  keys(): VirtualKey[];
  putBudget(budget: Budget): void;
  deleteBudget(scope: BudgetScope, subject: string, period: BudgetPeriod): void;
  budgets(): Budget[];
  /** Once it is `written`, a killed process does not lose the row; while the ledger is broken it waits in memory. */
  add(entry: LedgerEntry): void;
  /** Goes on when every row that was added has been handed to the system, or waits for a ledger that is broken. */
  written(then: () => void): void;
  /** Brings every row into the tables, where other connections see it. */
  flush(): void;
  /** False while rows cannot be written, for example because the disk is full. */
  writable(): boolean;
  /** What every subject spent, by `scope:subject`, in one pass. */
  sums(day: string, month: string): Map<string, AccountSums>;
  /** Attempts and tokens of a subject since a moment. */
  usedSince(scope: BudgetScope, subject: string, since: string): { requests: number; tokens: number };
  usage(query: UsageQuery): UsageReport;
  entries(
    query: LedgerFilter & { limit: number; cursor?: string | undefined; newest?: boolean | undefined },
  ): EntryPage;
  /** Removes rows that ended before `before`, at most `most`; their sums stay. Returns how many. */
  retire(before: string, most: number): number;
  /** Throws when the database cannot be written. */
  check(): void;
  close(): void;
}

export interface LedgerOptions {
  onBroken?: (error: unknown, waiting: number) => void;
  onMended?: (written: number) => void;
}

/** A ledger that could not be written is tried again this often (ms). */
const MEND_MS = 500;
/** Rows are in the tables within this time (ms), or as soon as there are so many of them. */
const GROUP_MS = 100;
const GROUP = 128;
/** The write-ahead log goes into the tables when no row came for so long (ms): it waits for the disk, and so would every stream. */
const REST_MS = 2_000;
/** Pages after which that is done all the same. */
const MOST_PAGES = 16_384;

const SUBJECT_COLUMN: Readonly<Record<BudgetScope, string | undefined>> = {
  agent: 'agent_id',
  bead: 'bead_id',
  convoy: 'convoy_id',
  team: 'team_id',
  project: 'project_id',
  user: 'user_id',
  tenant: 'tenant_id',
  key: 'key_name',
  home: undefined,
};

type Row = unknown[];

/** The values of a row in the order of COLUMNS, by name: one row is written for every request, and a loop over names is slow. */
function rowOf(entry: LedgerEntry): Row {
  const { tokens } = entry;
  return [
    entry.id,
    entry.requestId,
    entry.attempt,
    entry.at,
    entry.agentId,
    entry.agentName,
    entry.projectId,
    entry.beadId,
    entry.convoyId,
    entry.teamId,
    entry.userId,
    entry.tenantId,
    entry.keyName,
    entry.provider,
    entry.providerKey,
    entry.model,
    entry.asked,
    entry.dialect,
    Number(entry.stream),
    entry.status,
    entry.outcome,
    entry.reason,
    tokens.input,
    tokens.cacheRead,
    tokens.cacheWrite5m,
    tokens.cacheWrite1h,
    tokens.output,
    tokens.reasoning,
    entry.costNano,
    Number(entry.estimated),
    entry.latencyMs,
    entry.firstByteMs,
  ];
}

/** True for a fault of the disk or of the moment, not of the row. */
function isTransient(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return code.startsWith('SQLITE_') && !code.startsWith('SQLITE_CONSTRAINT');
}

/** Writes rows in groups, keeps them while the database refuses, and goes on when it no longer does. */
function createWriter(db: SQLite.Database, journal: Journal, options: LedgerOptions) {
  const marks = Object.keys(COLUMNS).map(() => '?');
  const insert = db.prepare(
    `insert or replace into attempts (${Object.values(COLUMNS).join(', ')}) values (${marks.join(', ')})`,
  );
  const writeAll = db.transaction((rows: readonly Row[]) => {
    for (const row of rows) insert.run(row);
  });
  let pending: Row[] = [];
  let waiting: (() => void)[] = [];
  /** Rows that one turn of the event loop brings are handed over together. */
  let handingOver = false;
  let timer: NodeJS.Timeout | undefined;
  let broken = false;
  const rest = setTimeout(() => {
    if (pending.length === 0 && !broken) moveLog();
  }, REST_MS);
  rest.unref();

  /** Nothing is lost when it cannot be moved, for example because the disk is full: the next rest tries again. */
  function moveLog(): void {
    try {
      db.pragma('wal_checkpoint(PASSIVE)');
    } catch (error) {
      options.onBroken?.(error, 0);
    }
  }

  /** A row that the database will never take must not keep the others out. */
  function writeSingly(group: readonly Row[]): void {
    for (const row of group) {
      try {
        insert.run(row);
      } catch (error) {
        if (isTransient(error)) throw error;
        options.onBroken?.(error, 1);
      }
    }
  }

  function write(group: readonly Row[]): void {
    try {
      writeAll(group);
    } catch (error) {
      if (isTransient(error)) throw error;
      writeSingly(group);
    }
  }

  /** The answers were paid for: they are not held back for the disk, and their rows wait. */
  function breakDown(error: unknown): void {
    if (!broken) options.onBroken?.(error, pending.length);
    broken = true;
    clearTimeout(timer);
    timer = setTimeout(flush, MEND_MS);
    timer.unref();
  }

  function flush(): void {
    if (pending.length === 0) return;
    try {
      write(pending);
      journal.clear();
    } catch (error) {
      return breakDown(error);
    }
    if (broken) options.onMended?.(pending.length);
    broken = false;
    pending = [];
    clearTimeout(timer);
    timer = undefined;
    rest.refresh();
  }

  function handOver(): void {
    handingOver = false;
    try {
      journal.write();
    } catch (error) {
      breakDown(error);
    }
    const going = waiting;
    waiting = [];
    for (const then of going) then();
    if (pending.length >= GROUP) flush();
  }

  return {
    add(entry: LedgerEntry) {
      const row = rowOf(entry);
      pending.push(row);
      if (broken) return;
      journal.add(row);
      timer ??= setTimeout(flush, GROUP_MS);
      if (handingOver) return;
      handingOver = true;
      setImmediate(handOver);
    },
    written(then: () => void) {
      if (handingOver) waiting.push(then);
      else then();
    },
    writable: () => !broken,
    flush,
    /** Takes over what an earlier process could not bring into the tables. */
    recover() {
      // A line that an earlier release left is a whole entry.
      pending = journal.left().map((line) => (Array.isArray(line) ? line : rowOf(line as LedgerEntry)));
      flush();
    },
    stop() {
      flush();
      clearTimeout(timer);
      clearTimeout(rest);
    },
  };
}

function createKeyRows(db: SQLite.Database): Pick<Ledger, 'putKey' | 'deleteKey' | 'deleteKeysOf' | 'keys'> {
  return {
    putKey: (key) =>
      void db
        .prepare('insert or replace into keys values (?, ?, ?)')
        .run(key.hash, key.agentId ?? null, JSON.stringify(key)),
    deleteKey: (hash) => void db.prepare('delete from keys where hash = ?').run(hash),
    deleteKeysOf(agentId) {
      const rows = db.prepare('delete from keys where agent_id = ? returning hash').all(agentId) as { hash: string }[];
      return rows.map((row) => row.hash);
    },
    keys: () =>
      (db.prepare('select body from keys').all() as { body: string }[]).map((row) =>
        virtualKeySchema.parse(JSON.parse(row.body)),
      ),
  };
}

const SUBJECTS = Object.values(SUBJECT_COLUMN).filter((column) => column !== undefined);
const SUBJECT_LIST = SUBJECTS.join(', ');

/** The smallest id (UUIDv7) of a moment: rows of a time are found by their key. */
function firstIdAt(iso: string): string {
  const hex = Date.parse(iso).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

type GroupRow = { total: number; requests: number; day: number; month: number } & Record<
  string,
  string | number | null
>;

function createSums(db: SQLite.Database): Pick<Ledger, 'sums' | 'usedSince'> {
  function groups(day: string, month: string): GroupRow[] {
    const attempts = db
      .prepare(
        `select ${SUBJECT_LIST}, coalesce(sum(cost_nano), 0) as total, count(*) filter (where attempt > 0) as requests,
         coalesce(sum(cost_nano) filter (where at >= ?), 0) as day, coalesce(sum(cost_nano) filter (where at >= ?), 0) as month
         from attempts group by ${SUBJECT_LIST}`,
      )
      .all(day, month) as GroupRow[];
    const retired = db
      .prepare(`select ${SUBJECT_LIST}, cost_nano as total, requests, 0 as day, 0 as month from retired`)
      .all() as GroupRow[];
    return [...attempts, ...retired];
  }

  return {
    sums(day, month) {
      const sums = new Map<string, AccountSums>();
      for (const row of groups(day, month)) {
        for (const [scope, column] of Object.entries(SUBJECT_COLUMN)) {
          const subject = column === undefined ? '*' : row[column];
          if (subject === null || subject === undefined || subject === '') continue;
          const known = sums.get(`${scope}:${subject}`) ?? { totalNano: 0, dayNano: 0, monthNano: 0, requests: 0 };
          known.totalNano += row.total;
          known.dayNano += row.day;
          known.monthNano += row.month;
          known.requests += row.requests;
          sums.set(`${scope}:${subject}`, known);
        }
      }
      return sums;
    },
    usedSince(scope, subject, since) {
      const column = SUBJECT_COLUMN[scope];
      return db
        .prepare(
          `select count(*) as requests, coalesce(sum(input + cache_read + cache_write_5m + cache_write_1h + output + reasoning), 0) as tokens
           from attempts where id >= ? and at >= ? and attempt > 0 and ${column === undefined ? '1 or ? is null' : `${column} = ?`}`,
        )
        .get(firstIdAt(since), since, subject) as { requests: number; tokens: number };
    },
  };
}

export function openLedger(file: string, options: LedgerOptions = {}): Ledger {
  const db = new SQLite(file, { timeout: 5_000 });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma(`wal_autocheckpoint = ${MOST_PAGES}`);
  prepareSchema(db);
  const journal = openJournal(`${file}.rows`);
  const writer = createWriter(db, journal, options);
  writer.recover();
  const sums = createSums(db);
  const reports = createReports(db);
  const retire = db.transaction((before: string, most: number) => {
    const old = `select id from attempts where at < ? order by at limit ?`;
    db.prepare(
      `insert into retired (${SUBJECT_LIST}, cost_nano, requests)
       select ${SUBJECT_LIST}, coalesce(sum(cost_nano), 0), count(*) filter (where attempt > 0) from attempts where id in (${old}) group by ${SUBJECT_LIST}`,
    ).run(before, most);
    return db.prepare(`delete from attempts where id in (${old})`).run(before, most).changes;
  });
  /** Reads what is in the tables and what was about to be. */
  function fresh<T>(read: () => T): T {
    writer.flush();
    return read();
  }
  return {
    ...createKeyRows(db),
    sums: (day, month) => fresh(() => sums.sums(day, month)),
    usedSince: (scope, subject, since) => fresh(() => sums.usedSince(scope, subject, since)),
    usage: (query) => fresh(() => reports.usage(query)),
    entries: (query) => fresh(() => reports.entries(query)),
    putBudget: (budget) =>
      void db
        .prepare('insert or replace into budgets values (?, ?, ?, ?)')
        .run(budget.scope, budget.subject, budget.period, JSON.stringify(budget)),
    deleteBudget: (scope, subject, period) =>
      void db.prepare('delete from budgets where scope = ? and subject = ? and period = ?').run(scope, subject, period),
    budgets: () =>
      (db.prepare('select body from budgets').all() as { body: string }[]).map((row) =>
        budgetSchema.parse(JSON.parse(row.body)),
      ),
    add: writer.add,
    written: writer.written,
    flush: writer.flush,
    writable: writer.writable,
    retire: (before, most) => fresh(() => retire(before, most)),
    check: () => void db.exec('begin immediate; rollback'),
    close() {
      writer.stop();
      journal.close();
      db.close();
    },
  };
}
