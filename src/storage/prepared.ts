/**
 * Queries whose form never changes, built and compiled once: for those that every change of a bead runs, building the
 * query costs more than SQLite takes to answer it.
 */
import type { Compilable, CompiledQuery, SqliteDatabase } from 'kysely';
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
  /** Number of the row that was inserted last; asking for it with `returning` costs a third of the insert. */
  insertedId: number;
}

/** Connections whose statements can be run at once, without the way through a query's plugins, locks and promises. */
const statementsOf = new WeakMap<Reader, SqliteDatabase>();

/** From now on the prepared queries of `db`, a connection or a transaction on it, are run on `statements` directly. */
export function answerDirectly(db: Reader, statements: SqliteDatabase): void {
  statementsOf.set(db, statements);
}

function runDirectly<Row>(
  statements: SqliteDatabase,
  query: CompiledQuery<Row>,
  parameters: readonly unknown[],
): PreparedResult<Row> {
  const statement = statements.prepare(query.sql);
  if (statement.reader) return { rows: statement.all(parameters) as Row[], changed: 0, insertedId: 0 };
  const { changes, lastInsertRowid } = statement.run(parameters);
  return { rows: [], changed: Number(changes), insertedId: Number(lastInsertRowid) };
}

/** The values of a compiled query in their order. */
const valuesOf = (query: CompiledQuery, values: readonly unknown[]): unknown[] =>
  query.parameters.map((each) => (each instanceof Slot ? values[each.index] : each));

function compileWith<Values extends readonly unknown[], Row>(
  db: Reader,
  build: (db: Reader, ...values: Values) => Compilable<Row>,
  count: number,
): CompiledQuery<Row> {
  return build(db, ...(Array.from({ length: count }, (_, at) => new Slot(at)) as never)).compile();
}

/**
 * A query as a function of its values. `build` must use every value as a value, never to decide on the form: it is
 * called once, with `count` stand-ins.
 */
export function prepared<Values extends readonly unknown[], Row>(
  build: (db: Reader, ...values: Values) => Compilable<Row>,
  count = build.length - 1,
): (db: Reader, ...values: Values) => Promise<PreparedResult<Row>> {
  let compiled: CompiledQuery<Row> | undefined;
  return async (db, ...values) => {
    compiled ??= compileWith(db, build, count);
    const parameters = valuesOf(compiled, values);
    const statements = statementsOf.get(db);
    if (statements) return runDirectly(statements, compiled, parameters);
    const { rows, numAffectedRows, insertId } = await db.executeQuery<Row>({ ...compiled, parameters });
    return { rows, changed: Number(numAffectedRows ?? 0), insertedId: Number(insertId ?? 0) };
  };
}

/** A query that is run once for each of many rows, in one go: thousands of promises would cost as much as the rows. */
export function preparedRows<Values extends readonly unknown[]>(
  build: (db: Reader, ...values: Values) => Compilable<unknown>,
  count = build.length - 1,
): (db: Reader, rows: readonly Values[]) => Promise<void> {
  let compiled: CompiledQuery<unknown> | undefined;
  return async (db, rows) => {
    compiled ??= compileWith(db, build, count);
    const statement = statementsOf.get(db)?.prepare(compiled.sql);
    const isPlain = compiled.parameters.every((each, at) => each instanceof Slot && each.index === at);
    for (const values of rows) {
      const parameters = isPlain ? values : valuesOf(compiled, values);
      if (statement) statement.run(parameters);
      else await db.executeQuery({ ...compiled, parameters });
    }
  };
}
