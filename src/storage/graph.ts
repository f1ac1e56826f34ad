/**
 * What is derived from the bodies of beads, filled in one sweep: links, labels, texts for the search, and how many
 * blockers are open. A rebuild from git and the migration use it; single changes keep it up to date by themselves.
 */
import { type QueryExecutorProvider, type RawBuilder, sql } from 'kysely';

/** Kind of a link -> where a bead's body keeps it. */
const LINK_PATHS = {
  'blocked-by': '$.blockedBy',
  related: '$.related',
  'discovered-from': '$.discoveredFrom',
} as const;

/** Only rows of this project; all when it is not given. */
type Scope = (column: string) => RawBuilder<unknown>;

function scopeOf(projectId: string | undefined): Scope {
  return (column) => (projectId === undefined ? sql`1 = 1` : sql`${sql.ref(column)} = ${projectId}`);
}

async function clearLinks(tx: QueryExecutorProvider, scope: Scope): Promise<void> {
  await sql`delete from bead_links where ${scope('project_id')}`.execute(tx);
  await sql`delete from bead_labels where ${scope('project_id')}`.execute(tx);
}

async function fillLinks(tx: QueryExecutorProvider, scope: Scope): Promise<void> {
  await clearLinks(tx, scope);
  for (const [kind, path] of Object.entries(LINK_PATHS)) {
    await sql`insert into bead_links (project_id, from_id, kind, to_id)
      select distinct b.project_id, b.id, ${kind}, e.value from beads b, json_each(b.body, ${path}) e
      where ${scope('b.project_id')}`.execute(tx);
  }
  await sql`insert into bead_labels (project_id, label, bead_id)
    select distinct b.project_id, e.value, b.id from beads b, json_each(b.body, '$.labels') e
    where ${scope('b.project_id')}`.execute(tx);
}

/** Counts the open blockers of every bead that waits for another; a blocker that does not exist is open. */
async function countBlockers(tx: QueryExecutorProvider, scope: Scope): Promise<void> {
  await sql`update beads set open_blockers = 0 where open_blockers <> 0 and ${scope('project_id')}`.execute(tx);
  await sql`update beads set open_blockers = (
      select count(*) from bead_links l left join beads o on o.project_id = l.project_id and o.id = l.to_id
      where l.project_id = beads.project_id and l.from_id = beads.id and l.kind = 'blocked-by'
        and (o.status is null or o.status <> 'done'))
    where ${scope('project_id')} and (project_id, id) in (
      select project_id, from_id from bead_links where kind = 'blocked-by')`.execute(tx);
}

/** Gives every bead a place in the index of the search, without its text; the column that says so is younger than the table. */
async function listTexts(tx: QueryExecutorProvider, scope: Scope, isWaiting: boolean): Promise<void> {
  await sql`delete from bead_search where rowid in (select doc_id from bead_docs where ${scope('project_id')})`.execute(
    tx,
  );
  await sql`delete from bead_docs where ${scope('project_id')}`.execute(tx);
  const [column, value] = isWaiting ? [sql`, indexed`, sql`, 0`] : [sql``, sql``];
  await sql`insert into bead_docs (project_id, bead_id${column})
    select project_id, id${value} from beads where ${scope('project_id')} order by created_at, id`.execute(tx);
}

/** Puts texts into the index of the search: of the documents that `which` chooses, by columns of `bead_docs d`. */
async function fillTexts(tx: QueryExecutorProvider, which: RawBuilder<unknown>): Promise<void> {
  await sql`insert into bead_search (rowid, title, description, comments)
    select d.doc_id, json_extract(b.body, '$.title'), coalesce(json_extract(b.body, '$.description'), ''), coalesce((
      select group_concat(json_extract(n.value, '$.text'), char(10)) from json_each(b.body, '$.notes') n), '')
    from bead_docs d join beads b on b.project_id = d.project_id and b.id = d.bead_id
    where ${which}`.execute(tx);
}

/** Puts the texts of documents that wait for it into the index, up to the document `last`. */
export async function indexTexts(tx: QueryExecutorProvider, last: number): Promise<void> {
  await sql`delete from bead_search where rowid in (
    select doc_id from bead_docs where indexed <> 1 and indexed <> 0 and doc_id <= ${last})`.execute(tx);
  await fillTexts(tx, sql`d.indexed <> 1 and d.doc_id <= ${last}`);
  await sql`update bead_docs set indexed = 1 where indexed <> 1 and doc_id <= ${last}`.execute(tx);
}

async function fillConvoys(tx: QueryExecutorProvider, scope: Scope): Promise<void> {
  await sql`delete from convoy_beads where ${scope('project_id')}`.execute(tx);
  await sql`insert into convoy_beads (project_id, convoy_id, bead_id)
    select distinct c.project_id, c.id, e.value from convoys c, json_each(c.body, '$.beads') e
    where ${scope('c.project_id')}`.execute(tx);
}

/** Fills everything derived from beads and convoys again, for all projects. */
export async function rebuildGraph(tx: QueryExecutorProvider): Promise<void> {
  const scope = scopeOf(undefined);
  await fillLinks(tx, scope);
  await countBlockers(tx, scope);
  await listTexts(tx, scope, false);
  await fillTexts(tx, sql`1 = 1`);
  await fillConvoys(tx, scope);
}

/** Makes room for the beads of a project, whose links and labels come with their rows. */
export async function clearProject(tx: QueryExecutorProvider, projectId: string): Promise<void> {
  await clearLinks(tx, scopeOf(projectId));
}

/** Counts what the beads of a project wait for, once all of them are there. */
export async function countProject(tx: QueryExecutorProvider, projectId: string): Promise<void> {
  await countBlockers(tx, scopeOf(projectId));
}

/** Fills what is left of a project; its texts wait for `indexTexts`, which takes longer than all the rest. */
export async function rebuildProject(tx: QueryExecutorProvider, projectId: string): Promise<void> {
  const scope = scopeOf(projectId);
  await listTexts(tx, scope, true);
  await fillConvoys(tx, scope);
}
