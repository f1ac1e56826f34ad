/** A consistent copy of a SQLite database that is in use, and a check of one. */
import SQLite from 'better-sqlite3';

/** Copies a database while others write to it; `without` names tables that are emptied in the copy. */
export async function copyDatabase(from: string, to: string, without: readonly string[]): Promise<void> {
  const source = new SQLite(from, { readonly: true, fileMustExist: true, timeout: 10_000 });
  try {
    await source.backup(to);
  } finally {
    source.close();
  }
  const copy = new SQLite(to, { timeout: 10_000 });
  try {
    const tables = copy.prepare("select name from sqlite_master where type = 'table'").pluck().all() as string[];
    const emptied = tables.filter((table) => without.includes(table));
    for (const table of emptied) copy.exec(`delete from "${table}"`);
    // What was deleted must not be readable in free pages, and the copy is one file.
    if (emptied.length > 0) copy.exec('vacuum');
    copy.pragma('journal_mode = DELETE');
  } finally {
    copy.close();
  }
}

/** Undefined when the database is sound. */
export function damageOf(file: string): string | undefined {
  const database = new SQLite(file, { readonly: true, fileMustExist: true });
  try {
    const verdict = database.pragma('integrity_check(1)', { simple: true });
    return verdict === 'ok' ? undefined : String(verdict);
  } finally {
    database.close();
  }
}
