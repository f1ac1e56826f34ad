/** Rows of the ledger on their way into its tables. */
import type SQLite from 'better-sqlite3';
import type { LedgerEntry } from '../src/costs/schema.ts';
import { COLUMNS, OWN_COLUMNS, SUBJECT_COLUMNS, TARGET_COLUMNS } from './ledger-schema.ts';

/** The values of an entry in the order of COLUMNS. */
export type Row = unknown[];

/** The write-ahead log goes into the tables when no row came for so long (ms): that waits for the disk. */
const REST_MS = 2_000;

/** The values of a row in the order of COLUMNS, by name: one row is written for every request, and a loop over names is slow. */
export function rowOf(entry: LedgerEntry): Row {
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

const COLUMN_NAMES: readonly string[] = Object.values(COLUMNS);

interface Known {
  values: unknown[];
  number: number;
}

/** So many lines are remembered: clients name models as they like. */
const MOST_KNOWN = 1_000;

/**
 * The lines of a table that holds what many rows have in common; `columns` stand side by side in a row. `keys`: the first of these
 * that a row has tells most lines apart.
 */
function createLines(db: SQLite.Database, table: string, columns: readonly string[], keys: readonly string[]) {
  const from = COLUMN_NAMES.indexOf(columns[0] as string);
  const find = db.prepare(`select id from ${table} where ${columns.map((column) => `${column} is ?`).join(' and ')}`);
  const insert = db.prepare(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
  );
  const places = keys.map((column) => COLUMN_NAMES.indexOf(column));
  /** By their key. */
  const known = new Map<unknown, Known[]>();
  let count = 0;

  function forget(): void {
    known.clear();
    count = 0;
  }

  function keyOf(row: Row): unknown {
    for (const place of places) if (row[place] !== undefined && row[place] !== null) return row[place];
    return undefined;
  }

  function isOf(row: Row, { values }: Known): boolean {
    for (let at = 0; at < values.length; at += 1) if (values[at] !== row[from + at]) return false;
    return true;
  }

  function look(row: Row, key: unknown): number {
    if (count >= MOST_KNOWN) forget();
    count += 1;
    const values = row.slice(from, from + columns.length);
    const found = find.pluck().get(values) as number | undefined;
    const number = found ?? Number(insert.run(values).lastInsertRowid);
    // The newest is asked for most.
    known.set(key, [{ values, number }, ...(known.get(key) ?? [])]);
    return number;
  }

  return {
    numberOf(row: Row): number {
      const key = keyOf(row);
      const alike = known.get(key);
      if (alike) for (const each of alike) if (isOf(row, each)) return each.number;
      return look(row, key);
    },
    forget,
  };
}

export interface RowTable {
  /**
   * Brings rows into the tables in one transaction; one that is there already is written over. Returns why rows were left out
   * that the tables will never take: they must not keep the others out.
   * @throws the error of SQLite when none can be written now
   */
  write(rows: readonly Row[]): unknown[];
  /** Lines that rows have in common were removed from the tables. */
  forget(): void;
  stop(): void;
}

/** `onProblem`: the write-ahead log could not be moved, for example because the disk is full; nothing is lost by that. */
export function createRowTable(db: SQLite.Database, onProblem: (error: unknown) => void): RowTable {
  const own = OWN_COLUMNS.map((column) => COLUMN_NAMES.indexOf(column));
  const subjects = createLines(db, 'subjects', SUBJECT_COLUMNS, ['agent_id', 'key_name', 'user_id']);
  const targets = createLines(db, 'targets', TARGET_COLUMNS, ['asked']);
  const columns = ['subject', 'target', ...OWN_COLUMNS];
  const insert = db.prepare(
    `insert or replace into entries (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
  );

  function forget(): void {
    subjects.forget();
    targets.forget();
  }

  function writeOne(row: Row): void {
    const values: unknown[] = [subjects.numberOf(row), targets.numberOf(row)];
    for (const at of own) values.push(row[at]);
    insert.run(values);
  }

  const writeAll = db.transaction((rows: readonly Row[]) => {
    for (const row of rows) writeOne(row);
  });
  let rest: NodeJS.Timeout | undefined;

  function moveLog(): void {
    try {
      db.pragma('wal_checkpoint(PASSIVE)');
    } catch (error) {
      onProblem(error);
    }
  }

  function writeSingly(rows: readonly Row[]): unknown[] {
    const problems: unknown[] = [];
    for (const row of rows) {
      try {
        writeOne(row);
      } catch (error) {
        if (isTransient(error)) throw error;
        problems.push(error);
      }
    }
    return problems;
  }

  return {
    write(rows) {
      let problems: unknown[] = [];
      try {
        writeAll(rows);
      } catch (error) {
        // What it added to the other tables went with it.
        forget();
        if (isTransient(error)) throw error;
        problems = writeSingly(rows);
      }
      if (rest) rest.refresh();
      else rest = setTimeout(moveLog, REST_MS).unref();
      return problems;
    },
    forget,
    stop: () => clearTimeout(rest),
  };
}
