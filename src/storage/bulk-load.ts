/** Writing many rows at once into a table of many indexes. */
import { sql } from 'kysely';
import type { Tx } from './database.ts';

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
