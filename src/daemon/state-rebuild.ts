/**
 * Fills an empty database from the state ref in one transaction: rows are written plainly, and what is derived from them
 * is filled once at the end, but for the texts of the search, which are filled afterwards (storage/search-fill.ts). Files that cannot be read are left for the careful way.
 */
import { isDeleted } from '../beads/record.ts';
import type { Bead } from '../beads/schema.ts';
import { beadFromRecord, hasManyBeads, insertRows, statusCounts } from '../beads/store.ts';
import type { Project } from '../repos/schema.ts';
import { createBulkLoad, transactInBulk } from '../storage/bulk-load.ts';
import type { Database, Tx } from '../storage/database.ts';
import { clearProject, countProject, rebuildProject } from '../storage/graph.ts';
import { type Fields, latestStamp, parseWritten } from '../storage/record/record.ts';
import { type Replica, recordsAfter, saveRecords, saveStamp } from '../storage/records.ts';
import { parsePath } from '../storage/state-ref/layout.ts';
import { readAll, type StateFile } from '../storage/state-ref/read.ts';
import { applyRecord, assertUsable } from './record-kinds.ts';

/** Files of one batch: git reads on while one is worked on, as far as fits into the pipe. */
const BATCH = 100;
/** From so many files on it pays to make the indexes afterwards. */
const SOME = 1_000;
/** So many beads of other projects make it dear to make indexes again. */
const MANY = 10_000;

/** True when nothing is known of a project, neither records nor rows. */
export async function isEmpty(database: Database, projectId: string): Promise<boolean> {
  const [record] = await recordsAfter(database.db, projectId, '', 1);
  const counts = await statusCounts(database.db, projectId);
  return record === undefined && Object.values(counts).every((count) => count === 0);
}

/** The files that were left out: unreadable ones, and those whose text is not the one form. */
export async function rebuildState(
  database: Database,
  replica: Replica,
  project: Project,
  oid: string,
): Promise<StateFile[]> {
  const left: StateFile[] = [];
  const others: { path: string; fields: Fields }[] = [];

  async function take(tx: Tx, files: readonly StateFile[]): Promise<void> {
    const records: { path: string; content: string }[] = [];
    const beads: Bead[] = [];
    for (const file of files) {
      const { path, content } = file;
      try {
        const record = parseWritten(content ?? '');
        const { kind, id } = parsePath(path);
        // Beads are many: each is checked by becoming one.
        const bead = kind === 'bead' ? beadFromRecord(project.id, record.fields) : undefined;
        if (!bead) assertUsable(path, record.fields);
        else if (bead.id !== id) throw new TypeError(`it says it is ${bead.id}`);
        records.push({ path, content: content ?? '' });
        replica.observe(latestStamp(record));
        if (!bead) others.push({ path, fields: record.fields });
        else if (!isDeleted(record.fields)) beads.push(bead);
      } catch {
        left.push(file);
      }
    }
    await saveRecords(tx, project.id, records);
    await insertRows(tx, beads);
  }

  const rebuild = async (tx: Tx) => {
    const load = createBulkLoad(tx, 'beads');
    // Whoever has few beads, or already has many of another project, is quicker with the indexes as they are.
    let isDecided = await hasManyBeads(tx, MANY);
    let taken = 0;
    const takeBatch = async (files: readonly StateFile[]) => {
      await take(tx, files);
      taken += files.length;
      if (isDecided || taken < SOME) return;
      isDecided = true;
      await load.begin();
    };
    await clearProject(tx, project.id);
    await readAll(project.gitDir, oid, takeBatch, BATCH);
    // Before there are indexes that would have to be changed with it.
    await countProject(tx, project.id);
    await load.end();
    for (const { path, fields } of others) await applyRecord(tx, project.id, path, fields);
    await rebuildProject(tx, project.id);
    await saveStamp(tx, replica);
  };
  await transactInBulk(database, rebuild);
  return left;
}
