/** Compares database and state ref of one project, file by file and row by row, and mends what differs. */
import { beadOfRecord, isDeleted } from '../beads/record.ts';
import { allBeads } from '../beads/store.ts';
import type { Finding } from '../doctor/schema.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import { pendingOutbox } from '../storage/journal.ts';
import { listQuarantine } from '../storage/quarantine.ts';
import { parseRecord } from '../storage/record/record.ts';
import { recordsAfter } from '../storage/records.ts';
import type { FlusherTurn } from '../storage/state-ref/flusher.ts';
import { parsePath } from '../storage/state-ref/layout.ts';
import { readAll, type StateFile } from '../storage/state-ref/read.ts';
import { repackOwn } from '../storage/state-ref/repack.ts';
import { clearStaleLocks } from '../storage/state-ref/start-up.ts';
import { applyRecord } from './record-kinds.ts';
import type { StateImport } from './state-import.ts';

type Found = Omit<Finding, 'project'>;

interface CheckParts {
  database: Database;
  importer: StateImport;
}

const BATCH = 1_000;

const finding = (check: string, count: number, repaired: boolean, detail: string): Found =>
  count === 0
    ? { check, status: 'ok', detail: '' }
    : { check, status: repaired ? 'repaired' : 'problem', detail: `${count} ${detail}` };

async function knownRecords(database: Database, projectId: string): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  for (let after = ''; ; ) {
    const batch = await recordsAfter(database.db, projectId, after, BATCH);
    for (const { path, content } of batch) known.set(path, content);
    if (batch.length < BATCH) return known;
    after = batch.at(-1)?.path ?? '';
  }
}

/** Beads whose row is missing, left over, or says something else than the record. */
async function wrongRows(database: Database, projectId: string, known: ReadonlyMap<string, string>): Promise<string[]> {
  const rows = new Map((await allBeads(database.db, projectId)).map((bead) => [bead.id, bead]));
  const wrong: string[] = [];
  for (const [path, content] of known) {
    const { kind, id } = parsePath(path);
    if (kind !== 'bead') continue;
    const { fields } = parseRecord(content);
    const row = rows.get(id);
    rows.delete(id);
    if (
      isDeleted(fields) ? row !== undefined : row?.uid !== fields.uid || row?.status !== beadOfRecord(fields).status
    ) {
      wrong.push(path);
    } else if (row && !isDeleted(fields) && row.updatedAt !== fields.updatedAt) wrong.push(path);
  }
  return wrong;
}

export async function checkState(
  turn: FlusherTurn,
  project: Project,
  repair: boolean,
  { database, importer }: CheckParts,
): Promise<Found[]> {
  if (repair) await turn.release();
  const cleared = repair ? await clearStaleLocks(project.gitDir) : [];
  const waiting = (await pendingOutbox(database.db, project.id, BATCH)).length;
  if (repair) await turn.commit();
  const head = await turn.head();
  const files: StateFile[] = [];
  if (head !== null) await readAll(project.gitDir, head, async (batch) => void files.push(...batch));
  const known = await knownRecords(database, project.id);
  const pending = new Set(
    (await pendingOutbox(database.db, project.id, Number.MAX_SAFE_INTEGER)).map(({ path }) => path),
  );
  const unreadable = files.filter((file) => file.problem !== undefined);
  const differing = files.filter((file) => file.content !== null && known.get(file.path) !== file.content);
  const there = new Set(files.map((file) => file.path));
  const missing = [...known.keys()].filter((path) => !there.has(path) && !pending.has(path));
  const wrong = await wrongRows(database, project.id, known);
  if (repair && head !== null) {
    const bad = [...unreadable, ...differing.filter((file) => !pending.has(file.path))];
    if (bad.length > 0) await importer.takeFiles(project, head, bad, { announce: true, inGit: 'theirs' });
  }
  if (repair && missing.length > 0) await importer.restoreMissing(project, there);
  if (repair) {
    await database.transact(async (tx) => {
      for (const path of wrong) await applyRecord(tx, project.id, path, parseRecord(known.get(path) ?? '{}').fields);
    });
    await turn.commit();
  }
  if (repair) await turn.release();
  const packs = repair ? await repackOwn(project.gitDir, 2) : { before: 0, after: 0 };
  const quarantined = await listQuarantine(database.db, project.id);
  const lost = quarantined.filter((each) => each.replacedBy === '');
  return [
    finding('stale locks and packs', cleared.length, true, `removed: ${cleared.join(', ')}`),
    finding('small packs', packs.before - packs.after, true, `rolled up, ${packs.after} of our packs are left`),
    finding('changes on their way to git', waiting, repair, 'waited'),
    finding('unreadable files in git', unreadable.length, repair, unreadable.map((file) => file.path).join(', ')),
    finding(
      'files that differ from the database',
      differing.length,
      repair,
      differing
        .slice(0, 5)
        .map((file) => file.path)
        .join(', '),
    ),
    finding('records missing in git', missing.length, repair, missing.slice(0, 5).join(', ')),
    finding('rows that differ from their record', wrong.length, repair, wrong.slice(0, 5).join(', ')),
    finding('files set aside without a readable version', lost.length, false, lost.map((each) => each.path).join(', ')),
    {
      check: 'files of the record',
      status: 'ok',
      detail: `${files.length} read, ${quarantined.length} were set aside once`,
    },
  ];
}
