/** Commits of beads with what they change, and how far the main branch was compared. */
import type { Kysely } from 'kysely';

export const commitLinksMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('commit_links')
      .addColumn('project_id', 'text', (c) => c.notNull().references('projects.id'))
      .addColumn('bead_id', 'text', (c) => c.notNull())
      .addColumn('commit_oid', 'text', (c) => c.notNull())
      .addColumn('whole', 'integer', (c) => c.notNull())
      .addColumn('patch_id', 'text')
      .addColumn('subject', 'text', (c) => c.notNull())
      .addColumn('author', 'text', (c) => c.notNull())
      .addColumn('authored_at', 'text', (c) => c.notNull())
      .addColumn('position', 'integer', (c) => c.notNull())
      .addColumn('current', 'integer', (c) => c.notNull())
      .addColumn('main_oid', 'text')
      .addPrimaryKeyConstraint('commit_links_key', ['project_id', 'bead_id', 'commit_oid', 'whole'])
      .execute();
    await db.schema
      .createIndex('commit_links_by_patch')
      .on('commit_links')
      .columns(['project_id', 'patch_id'])
      .execute();
    await db.schema
      .createTable('commit_scans')
      .addColumn('project_id', 'text', (c) => c.primaryKey().references('projects.id'))
      .addColumn('main_oid', 'text', (c) => c.notNull())
      .execute();
  },
  async down(db: Kysely<unknown>): Promise<void> {
    await db.schema.dropTable('commit_scans').execute();
    await db.schema.dropTable('commit_links').execute();
  },
};
