/** Writing many rows at once into a table of many indexes. */
import { sql } from 'kysely';
import type { Database, Tx } from './database.ts';

/** Memory (KB) for pages while many rows are written: indexes are made of pages that need not be read from the disk again. */
const LOAD_CACHE_KB = 256_000;

/** As `transact`, alone and with much memory, which is given back afterwards. */
export async function transactInBulk(database: Database, work: (tx: Tx) => Promise<void>): Promise<void> {
  let usual: number | undefined;
  const load = async (tx: Tx) => {
    const { rows } = await sql<{ cache_size: number }>`pragma cache_size`.execute(tx);
    usual = rows[0]?.cache_size;
    await sql`pragma cache_size = ${sql.lit(-LOAD_CACHE_KB)}`.execute(tx);
    await work(tx);
  };
  const restore = async (tx: Tx) => {
    if (usual === undefined) return;
    await sql`pragma cache_size = ${sql.lit(usual)}`.execute(tx);
    await sql`pragma shrink_memory`.execute(tx);
  };
  try {
    await database.transact(load, { alone: true });
  } finally {
    await database.transact(restore, { alone: true });
  }
}

export interface BulkLoad {
  /** Takes the indexes of the table away until `end`. */
  begin(): Promise<void>;
  /** Makes the indexes again. */
  end(): Promise<void>;
}

/**
 * Making an index of rows that are there sorts once, which is half the work of keeping it in order at every row. It belongs
 * in one transaction with the rows, so nobody ever sees the table without its indexes.
 */
export function createBulkLoad(tx: Tx, table: string): BulkLoad {
  let indexes: { name: string; sql: string }[] = [];
  return {
    async begin() {
      // Those without a text belong to the keys of the table and stay.
      const found = await sql<{ name: string; sql: string }>`select name, sql from sqlite_schema
        where type = 'index' and tbl_name = ${table} and sql is not null`.execute(tx);
      indexes = found.rows;
      for (const { name } of indexes) await sql`drop index ${sql.ref(name)}`.execute(tx);
    },
    async end() {
      for (const index of indexes.splice(0)) await sql.raw(index.sql).execute(tx);
    },
  };
}
