/** Conflicts between clones, and the outbox by path. */
import type { Kysely } from 'kysely';

export const conflictsMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('conflicts')
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('about', 'text', (c) => c.notNull())
      .addColumn('is_open', 'integer', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('body', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('conflicts_key', ['project_id', 'id'])
      .execute();
    await db.schema.createIndex('conflicts_open').on('conflicts').columns(['project_id', 'is_open', 'about']).execute();
    // A merge asks for every path whether a change of it waits.
    await db.schema.createIndex('outbox_by_path').on('outbox').columns(['project_id', 'path']).execute();
  },
  async down(db: Kysely<unknown>): Promise<void> {
    await db.schema.dropIndex('outbox_by_path').execute();
    await db.schema.dropTable('conflicts').execute();
  },
};
