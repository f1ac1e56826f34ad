/** Finds the beads whose text is due in the index of the search without a look at all others. */
import { type Kysely, sql } from 'kysely';

export const searchDueMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create index bead_docs_due on bead_docs (doc_id) where indexed <> 1`.execute(db);
  },
};
