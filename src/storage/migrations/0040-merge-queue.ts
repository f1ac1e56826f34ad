/** Merge queue: entries, the state of each project's queue, and trees that passed a gate. */
import { type Kysely, sql } from 'kysely';

export const mergeQueueMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('merge_entries')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('bead_id', 'text', (c) => c.notNull())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('released', 'integer', (c) => c.notNull())
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .execute();
    await db.schema
      .createIndex('merge_entries_by_status')
      .on('merge_entries')
      .columns(['project_id', 'status', 'id'])
      .execute();
    await db.schema
      .createIndex('merge_entries_by_bead')
      .on('merge_entries')
      .columns(['project_id', 'bead_id'])
      .execute();
    await db.schema
      .createTable('merge_queues')
      .addColumn('project_id', 'text', (c) => c.primaryKey().references('projects.id'))
      .addColumn('body', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('merge_verified')
      .addColumn('project_id', 'text', (c) => c.notNull())
      .addColumn('tree', 'text', (c) => c.notNull())
      .addColumn('gate', 'text', (c) => c.notNull())
      .addColumn('at_ms', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('merge_verified_key', ['project_id', 'tree', 'gate'])
      .execute();
  },
  async down(db: Kysely<unknown>): Promise<void> {
    for (const name of ['merge_verified', 'merge_queues', 'merge_entries']) {
      await sql`drop table ${sql.table(name)}`.execute(db);
    }
  },
};
