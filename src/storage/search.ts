/** Full-text search over beads (SQLite FTS5): ranked ids out, and which texts it has to learn. Only this file knows its query language. */
import { sql } from 'kysely';
import type { Reader, Tx } from './database.ts';
import { prepared } from './prepared.ts';

/** Of a word that thousands of beads hold, only the newest this many are ranked: the rest cannot be read anyway. */
const MOST_RANKED = 2_000;

const hasLetter = (text: string) => /[\p{L}\p{N}]/u.test(text);
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

/**
 * What a person typed as a query: words (each the beginning of one), "exact phrases" and -words that must not be there.
 * Everything else is taken literally. Undefined when there is nothing to look for. Pure.
 */
export function toQuery(text: string): string | undefined {
  const wanted: string[] = [];
  const unwanted: string[] = [];
  for (const [, minus, phrase, word = ''] of text.matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/g)) {
    const content = phrase ?? word;
    if (!hasLetter(content)) continue;
    // One letter begins nearly every text there is: it is looked for as a word.
    const term = phrase === undefined && content.length > 1 ? `${quoted(content)}*` : quoted(content);
    (minus === '-' ? unwanted : wanted).push(term);
  }
  if (wanted.length === 0) return undefined;
  const all = wanted.join(' AND ');
  return unwanted.length === 0 ? all : `(${all}) NOT (${unwanted.join(' OR ')})`;
}

interface Document {
  doc_id: number;
  /** What the index knows of it: 0 nothing, 1 its text, 2 an older text. */
  indexed: number;
}

const documentAt = prepared((db, projectId: string, beadId: string) =>
  db
    .selectFrom('bead_docs')
    .select(['doc_id', 'indexed'])
    .where('project_id', '=', projectId)
    .where('bead_id', '=', beadId),
);

async function documentOf(tx: Reader, projectId: string, beadId: string): Promise<Document | undefined> {
  return (await documentAt(tx, projectId, beadId)).rows[0];
}

const placeInsert = prepared((db, project_id: string, bead_id: string) =>
  db.insertInto('bead_docs').values({ project_id, bead_id, indexed: 0 }),
);

const outdated = prepared((db, docId: number) =>
  db.updateTable('bead_docs').set({ indexed: 2 }).where('doc_id', '=', docId),
);

/** Notes that the text of a bead has to be put into the index, before the next search at the latest (search-fill.ts). */
export async function noteDocument(tx: Tx, projectId: string, beadId: string): Promise<void> {
  const known = await documentOf(tx, projectId, beadId);
  if (known === undefined) await placeInsert(tx, projectId, beadId);
  else if (known.indexed === 1) await outdated(tx, known.doc_id);
}

export async function dropDocument(tx: Tx, projectId: string, beadId: string): Promise<void> {
  const known = await documentOf(tx, projectId, beadId);
  if (known === undefined) return;
  if (known.indexed !== 0) await sql`delete from bead_search where rowid = ${known.doc_id}`.execute(tx);
  await tx.deleteFrom('bead_docs').where('doc_id', '=', known.doc_id).execute();
}

/** Ids of the beads that match, best first; a word in the title counts most. */
export async function searchDocuments(db: Reader, projectId: string, text: string, limit: number): Promise<string[]> {
  const query = toQuery(text);
  if (query === undefined) return [];
  const { rows } = await sql<{ bead_id: string }>`select bead_id from (
      select d.bead_id, bm25(bead_search, 10.0, 3.0, 1.0) as score, bead_search.rowid as place
      from bead_search join bead_docs d on d.doc_id = bead_search.rowid
      where bead_search match ${query} and d.project_id = ${projectId}
      order by bead_search.rowid desc limit ${MOST_RANKED})
    order by score, place desc limit ${limit}`.execute(db);
  return rows.map((row) => row.bead_id);
}
