/** First schema. Written with the schema builder so that it serves both dialects. */
import { type Kysely, sql } from 'kysely';

async function createNouns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('projects')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('tenant_id', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('path', 'text', (c) => c.notNull())
    .addColumn('git_dir', 'text', (c) => c.notNull().unique())
    .addColumn('main_branch', 'text', (c) => c.notNull())
    .addColumn('state_oid', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .execute();
  const noun = (name: string) =>
    db.schema
      .createTable(name)
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('created_at', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint(`${name}_key`, ['project_id', 'id']);
  await noun('beads')
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('priority', 'text', (c) => c.notNull())
    .addColumn('agent', 'text')
    .addColumn('worktree', 'text')
    .execute();
  await db.schema
    .createIndex('beads_by_status')
    .on('beads')
    .columns(['project_id', 'status', 'created_at', 'id'])
    .execute();
  await noun('convoys')
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .execute();
  await noun('agents')
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('lifecycle', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('bead_id', 'text')
    .execute();
  await db.schema.createIndex('agents_by_name').on('agents').columns(['project_id', 'name']).unique().execute();
}

async function createLogs(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('prompts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('agent_id', 'text', (c) => c.notNull())
    .addColumn('send_key', 'text')
    .addColumn('text', 'text', (c) => c.notNull())
    .addColumn('author', 'text', (c) => c.notNull())
    .addColumn('deliver_when', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('delivered_at', 'text')
    .addColumn('acknowledged_at', 'text')
    .addUniqueConstraint('prompts_send_key', ['agent_id', 'send_key'])
    .execute();
  await db.schema.createIndex('prompts_by_agent').on('prompts').columns(['agent_id', 'status', 'id']).execute();
  const numbered = (name: string, column: string) =>
    db.schema
      .createTable(name)
      .addColumn(column, 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('project_id', 'text');
  await numbered('events', 'seq')
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('timestamp', 'integer', (c) => c.notNull())
    .addColumn('component', 'text', (c) => c.notNull())
    .addColumn('bead_id', 'text')
    .addColumn('agent_id', 'text')
    .addColumn('payload', 'text', (c) => c.notNull())
    .addColumn('metadata', 'text', (c) => c.notNull())
    .execute();
  await numbered('outbox', 'id')
    .addColumn('path', 'text', (c) => c.notNull())
    .addColumn('content', 'text')
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('created_ms', 'integer', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('tokens')
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('actor_id', 'text', (c) => c.notNull())
    .addColumn('actor_name', 'text', (c) => c.notNull())
    .addColumn('created_at', 'text', (c) => c.notNull())
    .addColumn('revoked_at', 'text')
    .execute();
}

export const initialMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await createNouns(db);
    await createLogs(db);
  },
  async down(db: Kysely<unknown>): Promise<void> {
    for (const name of ['tokens', 'outbox', 'events', 'prompts', 'agents', 'convoys', 'beads', 'projects']) {
      await sql`drop table ${sql.table(name)}`.execute(db);
    }
  },
};
