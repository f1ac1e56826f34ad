/** Until when each claim on a bead holds. Renewed often, so it is kept apart from the bead and never reaches git. */
import type { Kysely } from 'kysely';

export const leasesMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('leases')
      .addColumn('project_id', 'text', (c) => c.notNull())
      .addColumn('bead_id', 'text', (c) => c.notNull())
      .addColumn('holder', 'text', (c) => c.notNull())
      .addColumn('generation', 'integer', (c) => c.notNull())
      .addColumn('expires_ms', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('leases_key', ['project_id', 'bead_id'])
      .execute();
    await db.schema.createIndex('leases_by_holder').on('leases').columns(['project_id', 'holder']).execute();
  },
};
