/** Records with clocks: the text of every file of the state ref, this home's replica, and what could not be read. */
import { type Kysely, sql } from 'kysely';

export const recordsMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('records')
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('path', 'text', (c) => c.notNull())
      .addColumn('content', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('records_key', ['project_id', 'path'])
      .execute();
    await db.schema
      .createTable('replica')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('stamp', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('quarantine')
      .addColumn('project_id', 'text', (c) => c.notNull())
      .addColumn('path', 'text', (c) => c.notNull())
      .addColumn('oid', 'text', (c) => c.notNull())
      .addColumn('problem', 'text', (c) => c.notNull())
      .addColumn('replaced_by', 'text', (c) => c.notNull())
      .addColumn('found_at', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('quarantine_key', ['project_id', 'path'])
      .execute();
    // Deletions were written as missing files; they are records now.
    await sql`delete from outbox where content is null`.execute(db);
    // Every project is read again from its ref, which fills the records.
    await sql`update projects set state_oid = null`.execute(db);
  },
  async down(db: Kysely<unknown>): Promise<void> {
    for (const name of ['quarantine', 'replica', 'records']) await db.schema.dropTable(name).execute();
  },
};
