/** Messages between agents, one row for each who gets it. */
import { type Kysely, sql } from 'kysely';

export const messagesMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('messages')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('from_id', 'text', (c) => c.notNull())
      .addColumn('from_name', 'text', (c) => c.notNull())
      .addColumn('from_kind', 'text', (c) => c.notNull())
      .addColumn('to_id', 'text', (c) => c.notNull())
      .addColumn('to_name', 'text', (c) => c.notNull())
      .addColumn('text', 'text', (c) => c.notNull())
      .addColumn('sent_to', 'integer', (c) => c.notNull())
      .addColumn('hops', 'integer', (c) => c.notNull())
      .addColumn('prompt_id', 'text')
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addColumn('read_at', 'text')
      .execute();
    await db.schema.createIndex('messages_by_receiver').on('messages').columns(['to_id', 'id']).execute();
    await db.schema.createIndex('messages_by_sender').on('messages').columns(['from_id', 'id']).execute();
    await db.schema.createIndex('messages_by_project').on('messages').columns(['project_id', 'id']).execute();
    await sql`create index if not exists events_by_bead on events (bead_id, seq)`.execute(db);
  },
  async down(db: Kysely<unknown>): Promise<void> {
    await db.schema.dropIndex('events_by_bead').execute();
    await db.schema.dropTable('messages').execute();
  },
};
