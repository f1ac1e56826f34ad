/** What is being done with which worktree, and the ports each has. */
import type { Kysely } from 'kysely';

export const worktreesMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('worktrees')
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('bead_id', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('path', 'text', (c) => c.notNull())
      .addColumn('trash', 'text')
      .addColumn('new_branch', 'integer', (c) => c.notNull())
      .addColumn('created_ms', 'bigint', (c) => c.notNull())
      .addColumn('used_ms', 'bigint', (c) => c.notNull())
      .addColumn('bytes', 'bigint')
      .addColumn('measured_ms', 'bigint')
      .addPrimaryKeyConstraint('worktrees_key', ['project_id', 'bead_id'])
      .execute();
    await db.schema
      .createTable('port_blocks')
      .addColumn('base', 'integer', (c) => c.primaryKey())
      .addColumn('size', 'integer', (c) => c.notNull())
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('bead_id', 'text', (c) => c.notNull())
      .addUniqueConstraint('port_blocks_owner', ['project_id', 'bead_id'])
      .execute();
  },
  async down(db: Kysely<unknown>): Promise<void> {
    await db.schema.dropTable('port_blocks').execute();
    await db.schema.dropTable('worktrees').execute();
  },
};
