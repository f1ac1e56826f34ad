/** What waits for a person with its answers, the rules that answer by themselves, and the history of agents' lives. */
import type { Kysely } from 'kysely';

export const inboxMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('agent_history')
      .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('agent_id', 'text', (c) => c.notNull())
      .addColumn('generation', 'integer', (c) => c.notNull())
      .addColumn('from_lifecycle', 'text', (c) => c.notNull())
      .addColumn('to_lifecycle', 'text', (c) => c.notNull())
      .addColumn('action', 'text', (c) => c.notNull())
      .addColumn('reason', 'text')
      .addColumn('at', 'text', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('agent_history_by_agent').on('agent_history').columns(['agent_id', 'id']).execute();
    await db.schema
      .createTable('inbox')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('agent_id', 'text')
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('inbox_by_status').on('inbox').columns(['project_id', 'status', 'id']).execute();
    await db.schema.createIndex('inbox_by_key').on('inbox').columns(['key', 'status']).execute();
    await db.schema
      .createTable('inbox_rules')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .execute();
  },
  async down(db: Kysely<unknown>): Promise<void> {
    for (const name of ['inbox_rules', 'inbox', 'agent_history']) await db.schema.dropTable(name).execute();
  },
};
