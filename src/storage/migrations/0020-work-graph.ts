/**
 * Columns and side tables of the work graph, so that lists, ready work and searches read indexes and never bodies.
 * The indexes hold every column a filter can ask for: a list touches the rows of its own page only.
 */
import { type Kysely, sql } from 'kysely';
import { rebuildGraph } from '../graph.ts';

/** Everything a filter of `bead list` reads, in the order the indexes hold it. */
const FILTERED = ['type', 'priority_rank', 'agent', 'parent', 'due_key', 'updated_at', 'open_blockers'];

async function addColumns(db: Kysely<unknown>): Promise<void> {
  const beads = () => db.schema.alterTable('beads');
  await beads()
    .addColumn('priority_rank', 'integer', (c) => c.notNull().defaultTo(2))
    .execute();
  await beads().addColumn('parent', 'text').execute();
  await beads()
    .addColumn('due_key', 'text', (c) => c.notNull().defaultTo('~'))
    .execute();
  await beads()
    .addColumn('updated_at', 'text', (c) => c.notNull().defaultTo(''))
    .execute();
  await beads().addColumn('done_at', 'text').execute();
  await beads().addColumn('external_id', 'text').execute();
  await beads()
    .addColumn('open_blockers', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
}

async function fillColumns(db: Kysely<unknown>): Promise<void> {
  await sql`update beads set
    priority_rank = case priority when 'critical' then 0 when 'high' then 1 when 'medium' then 2 else 3 end,
    parent = json_extract(body, '$.parentBead'),
    updated_at = coalesce(json_extract(body, '$.updatedAt'), created_at)`.execute(db);
}

async function createIndexes(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('beads_by_status').execute();
  const index = (name: string, columns: string[]) =>
    db.schema
      .createIndex(`beads_by_${name}`)
      .on('beads')
      .columns(['project_id', ...columns])
      .execute();
  await index('created', ['created_at', 'id', 'status', ...FILTERED]);
  await index('status', ['status', 'created_at', 'id', ...FILTERED]);
  await index('ready', ['status', 'open_blockers', 'priority_rank', 'created_at', 'id', 'type', 'agent', 'parent']);
  await index('priority', ['priority_rank', 'created_at', 'id', 'status', 'type', 'agent']);
  await index('updated', ['updated_at', 'id', 'status', 'type', 'priority_rank', 'agent']);
  await index('due', ['due_key', 'id', 'status', 'type', 'priority_rank', 'agent']);
  await index('agent', ['agent', 'created_at', 'id']);
  await index('parent', ['parent', 'created_at', 'id']);
  await index('external', ['external_id']);
  await index('done', ['done_at']);
}

async function createSideTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('bead_links')
    .addColumn('project_id', 'text', (c) => c.notNull())
    .addColumn('from_id', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('to_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('bead_links_key', ['project_id', 'from_id', 'kind', 'to_id'])
    .execute();
  await db.schema
    .createIndex('bead_links_back')
    .on('bead_links')
    .columns(['project_id', 'to_id', 'kind', 'from_id'])
    .execute();
  await db.schema
    .createTable('bead_labels')
    .addColumn('project_id', 'text', (c) => c.notNull())
    .addColumn('label', 'text', (c) => c.notNull())
    .addColumn('bead_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('bead_labels_key', ['project_id', 'label', 'bead_id'])
    .execute();
  await db.schema.createIndex('bead_labels_by_bead').on('bead_labels').columns(['project_id', 'bead_id']).execute();
  await db.schema
    .createTable('convoy_beads')
    .addColumn('project_id', 'text', (c) => c.notNull())
    .addColumn('convoy_id', 'text', (c) => c.notNull())
    .addColumn('bead_id', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('convoy_beads_key', ['project_id', 'convoy_id', 'bead_id'])
    .execute();
  await db.schema
    .createIndex('convoy_beads_by_bead')
    .on('convoy_beads')
    .columns(['project_id', 'bead_id', 'convoy_id'])
    .execute();
}

async function createSearch(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('bead_docs')
    .addColumn('doc_id', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('project_id', 'text', (c) => c.notNull())
    .addColumn('bead_id', 'text', (c) => c.notNull())
    .addUniqueConstraint('bead_docs_key', ['project_id', 'bead_id'])
    .execute();
  await sql`create virtual table bead_search using fts5(
    title, description, comments, content='', contentless_delete=1, prefix='2 3', tokenize='unicode61')`.execute(db);
}

export const workGraphMigration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await addColumns(db);
    await fillColumns(db);
    await createIndexes(db);
    await createSideTables(db);
    await createSearch(db);
    await rebuildGraph(db);
  },
};
