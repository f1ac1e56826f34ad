/**
 * Queries whose form never changes, built and compiled once: for those that every change of a bead runs, building the
 * query costs more than SQLite takes to answer it.
 */
import type { Compilable, CompiledQuery } from 'kysely';
import type { Reader } from './database.ts';

/** Stands for a value while the query is built; the compiled query has it among its parameters. */
class Slot {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

interface PreparedResult<Row> {
  rows: Row[];
  /** Rows that were written. */
  changed: number;
}

/**
 * A query as a function of its values. `build` must use every value as a value, never to decide on the form: it is
 * called once, with stand-ins.
 */
export function prepared<Values extends readonly unknown[], Row>(
  build: (db: Reader, ...values: Values) => Compilable<Row>,
): (db: Reader, ...values: Values) => Promise<PreparedResult<Row>> {
  let compiled: CompiledQuery<Row> | undefined;
  return async (db, ...values) => {
    compiled ??= build(db, ...(Array.from({ length: build.length - 1 }, (_, at) => new Slot(at)) as never)).compile();
    const parameters = compiled.parameters.map((each) => (each instanceof Slot ? values[each.index] : each));
    const { rows, numAffectedRows } = await db.executeQuery<Row>({ ...compiled, parameters });
    return { rows, changed: Number(numAffectedRows ?? 0) };
  };
}
