/** Indexes of columns that most beads have no value in hold only those that have one: the others cost as much as a full one. */
import { type Kysely, sql } from 'kysely';

const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  agent: ['agent', 'created_at', 'id'],
  parent: ['parent', 'created_at', 'id'],
  external: ['external_id'],
  done: ['done_at'],
};

export const partialIndexesMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const [name, columns] of Object.entries(COLUMNS)) {
      await db.schema.dropIndex(`beads_by_${name}`).execute();
      await db.schema
        .createIndex(`beads_by_${name}`)
        .on('beads')
        .columns(['project_id', ...columns])
        .where(sql.ref(columns[0] as string), 'is not', null)
        .execute();
    }
  },
};
