/** Alerts that were told, so that each is told once; agents that wait for money or for a provider. */
import type { Kysely } from 'kysely';

export const moneyMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('budget_alerts')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('at', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('parked_agents')
      .addColumn('agent_id', 'text', (c) => c.primaryKey())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('since', 'text', (c) => c.notNull())
      .addColumn('until', 'text')
      .execute();
  },
  async down(db: Kysely<unknown>): Promise<void> {
    for (const name of ['parked_agents', 'budget_alerts']) await db.schema.dropTable(name).execute();
  },
};
