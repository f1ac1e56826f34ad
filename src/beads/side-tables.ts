/** Keeps what is derived from one bead up to date: links, labels, text, and the open blockers of those that wait for it. */
import { sql } from 'kysely';
import type { Reader, Tx } from '../storage/database.ts';
import { prepared, preparedRows } from '../storage/prepared.ts';
import { dropDocument, noteDocument } from '../storage/search.ts';
import type { Bead } from './schema.ts';
import { linksOf } from './state.ts';

type Known = Bead | undefined;

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

async function indexLinks(tx: Tx, bead: Bead, before: Known): Promise<void> {
  if (before && isSame(linksOf(before), linksOf(bead))) return;
  const { projectId, id } = bead;
  if (before) await deleteLinks(tx, projectId, id);
  const rows = linksOf(bead).map(({ kind, to }) => ({ project_id: projectId, from_id: id, kind, to_id: to }));
  if (rows.length === 0) return;
  await tx
    .insertInto('bead_links')
    .values(rows)
    .onConflict((c) => c.doNothing())
    .execute();
}

async function indexLabels(tx: Tx, bead: Bead, before: Known): Promise<void> {
  if (before && isSame(before.labels, bead.labels)) return;
  if (before) await deleteLabels(tx, bead.projectId, bead.id);
  const rows = [...new Set(bead.labels)].map((label) => ({ project_id: bead.projectId, label, bead_id: bead.id }));
  if (rows.length > 0) await tx.insertInto('bead_labels').values(rows).execute();
}

const linkInsert = preparedRows((db, project_id: string, from_id: string, kind: string, to_id: string) =>
  db
    .insertInto('bead_links')
    .values({ project_id, from_id, kind, to_id })
    .onConflict((c) => c.doNothing()),
);

const blockersFrom = prepared((db, projectId: string, id: string) =>
  db
    .selectFrom('bead_links')
    .select('to_id')
    .where('project_id', '=', projectId)
    .where('from_id', '=', id)
    .where('kind', '=', 'blocked-by'),
);

/** Ids of what a bead waits for, read without its body. */
export async function blockerIds(db: Reader, projectId: string, id: string): Promise<string[]> {
  return (await blockersFrom(db, projectId, id)).rows.map((row) => row.to_id);
}

const labelInsert = preparedRows((db, project_id: string, label: string, bead_id: string) =>
  db.insertInto('bead_labels').values({ project_id, label, bead_id }),
);

/** Links and labels of many new beads. */
export async function insertSides(tx: Tx, beads: readonly Bead[]): Promise<void> {
  await linkInsert(
    tx,
    beads.flatMap((bead): [string, string, string, string][] =>
      linksOf(bead).map(({ kind, to }) => [bead.projectId, bead.id, kind, to]),
    ),
  );
  await labelInsert(
    tx,
    beads.flatMap((bead): [string, string, string][] =>
      [...new Set(bead.labels)].map((label) => [bead.projectId, label, bead.id]),
    ),
  );
}

const isSameText = (a: Bead, b: NonNullable<Known>) =>
  a.title === b.title &&
  a.description === b.description &&
  a.notes.length === b.notes.length &&
  a.notes.every((note, at) => note.text === b.notes[at]?.text);

async function indexText(tx: Tx, bead: Bead, before: Known): Promise<void> {
  if (!before || !isSameText(bead, before)) await noteDocument(tx, bead.projectId, bead.id);
}

const deleteLinks = (tx: Tx, projectId: string, id: string) =>
  tx.deleteFrom('bead_links').where('project_id', '=', projectId).where('from_id', '=', id).execute();

const deleteLabels = (tx: Tx, projectId: string, id: string) =>
  tx.deleteFrom('bead_labels').where('project_id', '=', projectId).where('bead_id', '=', id).execute();

/** Counts the open blockers again of the beads that wait for `id`. Always from what is stored, never by adding up. */
async function recountWaiting(tx: Tx, projectId: string, id: string): Promise<void> {
  await sql`update beads set open_blockers = (
      select count(*) from bead_links l left join beads o on o.project_id = l.project_id and o.id = l.to_id
      where l.project_id = beads.project_id and l.from_id = beads.id and l.kind = 'blocked-by'
        and (o.status is null or o.status <> 'done'))
    where project_id = ${projectId} and id in (
      select from_id from bead_links where project_id = ${projectId} and to_id = ${id} and kind = 'blocked-by')`.execute(
    tx,
  );
}

/** How many of the beads that `bead` waits for are not done; a missing one is not. */
export async function countOpenBlockers(tx: Tx, bead: Bead): Promise<number> {
  const ids = [...new Set(bead.blockedBy)];
  if (ids.length === 0) return 0;
  const { done } = await tx
    .selectFrom('beads')
    .select((e) => e.fn.countAll<number>().as('done'))
    .where('project_id', '=', bead.projectId)
    .where('id', 'in', ids)
    .where('status', '=', 'done')
    .executeTakeFirstOrThrow();
  return ids.length - Number(done);
}

/** After a row was written: `before` is what it was, undefined when it is new. */
export async function indexBead(tx: Tx, bead: Bead, before: Known): Promise<void> {
  await indexLinks(tx, bead, before);
  await indexLabels(tx, bead, before);
  await indexText(tx, bead, before);
  if ((before?.status === 'done') !== (bead.status === 'done')) await recountWaiting(tx, bead.projectId, bead.id);
}

/** After a row was deleted: those that wait for it wait for something that is not there. */
export async function unindexBead(tx: Tx, projectId: string, id: string): Promise<void> {
  await deleteLinks(tx, projectId, id);
  await deleteLabels(tx, projectId, id);
  await dropDocument(tx, projectId, id);
  await recountWaiting(tx, projectId, id);
}
