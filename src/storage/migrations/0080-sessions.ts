/** Conversations of agents, points to go back to, and the work of going back, which is finished after a crash. */
import type { Kysely } from 'kysely';

export const sessionsMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('sessions')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('agent_id', 'text', (c) => c.notNull())
      .addColumn('bead_id', 'text')
      .addColumn('parent_id', 'text')
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('sessions_by_agent').on('sessions').columns(['agent_id', 'id']).execute();
    await db.schema.createIndex('sessions_by_project').on('sessions').columns(['project_id', 'status', 'id']).execute();
    await db.schema.createIndex('sessions_by_parent').on('sessions').column('parent_id').execute();
    await db.schema
      .createTable('checkpoints')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('session_id', 'text', (c) => c.notNull())
      .addColumn('bead_id', 'text')
      .addColumn('name', 'text')
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('checkpoints_by_session').on('checkpoints').columns(['session_id', 'id']).execute();
    await db.schema.createIndex('checkpoints_by_project').on('checkpoints').columns(['project_id', 'id']).execute();
    await db.schema
      .createTable('session_moves')
      .addColumn('agent_id', 'text', (c) => c.primaryKey())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .execute();
  },
  async down(db: Kysely<unknown>): Promise<void> {
    for (const name of ['session_moves', 'checkpoints', 'sessions']) await db.schema.dropTable(name).execute();
  },
};
