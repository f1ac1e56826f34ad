/** Which beads the search knows of: after a rebuild from git their texts are put into its index bit by bit. */
import type { Kysely } from 'kysely';

export const searchFillMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .alterTable('bead_docs')
      .addColumn('indexed', 'integer', (c) => c.notNull().defaultTo(1))
      .execute();
  },
};
