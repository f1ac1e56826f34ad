/**
 * ledger.db: virtual keys (hashed), budgets, and one row per attempt at a provider. A row is in the journal beside it before
 * the last byte of its answer is sent, and in the tables a moment later, with others in one transaction: a request that a client
 * saw finished is in the ledger whatever happens next. WAL with synchronous=NORMAL: a killed process loses nothing, a power cut at most the last moment.
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
import { openJournal } from './journal.ts';
import { createRowTable } from './ledger-rows.ts';
import { prepareSchema } from './ledger-schema.ts';
import { createLedgerWriter, type LedgerOptions } from './ledger-writer.ts';
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

/** Pages after which the write-ahead log goes into the tables although rows come. */
export const MOST_PAGES = 16_384;

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
        `select ${SUBJECT_LIST}, total, requests, day, month from subjects join (
           select subject, coalesce(sum(cost_nano), 0) as total, count(*) filter (where attempt > 0) as requests,
           coalesce(sum(cost_nano) filter (where at >= ?), 0) as day, coalesce(sum(cost_nano) filter (where at >= ?), 0) as month
           from entries group by subject
         ) as sums on sums.subject = subjects.id`,
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
  const table = createRowTable(db, (error) => options.onBroken?.(error, 0));
  const writer = createLedgerWriter(table, journal, options);
  writer.recover();
  const sums = createSums(db);
  const reports = createReports(db);
  const retire = db.transaction((before: string, most: number) => {
    const old = `select id from entries where at < ? order by at limit ?`;
    db.prepare(
      `insert into retired (${SUBJECT_LIST}, cost_nano, requests)
       select ${SUBJECT_LIST}, coalesce(sum(cost_nano), 0), count(*) filter (where attempt > 0) from attempts where id in (${old}) group by ${SUBJECT_LIST}`,
    ).run(before, most);
    const { changes } = db.prepare(`delete from entries where id in (${old})`).run(before, most);
    // Names that no row has any more are not kept longer than the rows; they are looked for once, with the last batch.
    if (changes > 0 && changes < most) {
      db.exec(`
        delete from subjects where not exists (select 1 from entries where subject = subjects.id);
        delete from targets where id not in (select target from entries);
      `);
      table.forget();
    }
    return changes;
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
      table.stop();
      journal.close();
      db.close();
    },
  };
}
