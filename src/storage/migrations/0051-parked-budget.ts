/** Which budget a parked agent waits for. */
import type { Kysely } from 'kysely';

export const parkedBudgetMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('parked_agents').addColumn('budget', 'text').execute();
  },
  async down(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('parked_agents').dropColumn('budget').execute();
  },
};
