/** The index of events by bead holds those that have one: of what agents do all the time, most have none. */
import { type Kysely, sql } from 'kysely';

export const beadEventsMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.dropIndex('events_by_bead').ifExists().execute();
    await sql`create index events_by_bead on events (bead_id, seq) where bead_id is not null`.execute(db);
  },
};
