/**
 * Takes what lies in the state ref into the database. A file that is missing or unreadable there never takes anything
 * away; it is written again from what is known.
 */
import type { Project } from '../repos/schema.ts';
import { setStateOid, stateOid } from '../repos/store.ts';
import { appendOutbox, pendingOutbox, rewritePending } from '../storage/journal.ts';
import { assertKnownFormat } from '../storage/record/format.ts';
import { parseRecord } from '../storage/record/record.ts';
import { recordsAfter } from '../storage/records.ts';
import { FORMAT_PATH } from '../storage/state-ref/layout.ts';
import { readAll, readDiff, readPath } from '../storage/state-ref/read.ts';
import { isEmpty, rebuildState } from './state-rebuild.ts';
import { createTakeFiles, type StateTakeOptions, type TakeFiles, type TakeOptions } from './state-take.ts';

export interface StateImport {
  /** Makes the database know everything that the commit holds; null when the ref does not exist. */
  importRef(project: Project, oid: string | null): Promise<void>;
  takeFiles: TakeFiles;
  /** Queues for git whatever the commit does not have; how many. */
  restoreMissing(project: Project, there: ReadonlySet<string>): Promise<number>;
}

const BATCH = 1_000;
/** More waiting changes than this are merged without asking what lay there before. */
const MOST_COMPARED = 200;

export function createStateImport(options: StateTakeOptions): StateImport {
  const { database, clock, log } = options;
  const takeFiles = createTakeFiles(options);

  async function restoreMissing(project: Project, there: ReadonlySet<string>): Promise<number> {
    let restored = 0;
    for (let after = ''; ; ) {
      const batch = await recordsAfter(database.db, project.id, after, BATCH);
      const missing = batch.filter((record) => !there.has(record.path));
      await database.transact(async (tx) => {
        for (const { path, content } of missing) {
          if ((await rewritePending(tx, project.id, path, content)) > 0) continue;
          const subject = `${path.slice(path.lastIndexOf('/') + 1, -5)}: restored`;
          await appendOutbox(tx, project.id, { path, content, subject }, clock.now());
        }
      });
      restored += missing.length;
      if (batch.length < BATCH) return restored;
      after = batch.at(-1)?.path ?? '';
    }
  }

  async function importWhole(project: Project, oid: string): Promise<void> {
    assertKnownFormat(await readPath(project.gitDir, oid, FORMAT_PATH).catch(() => null));
    if (await isEmpty(database, project.id)) {
      const left = await rebuildState(database, options.replica, project, oid);
      options.rebuilt();
      if (left.length > 0) await takeFiles(project, oid, left, { announce: false, inGit: 'theirs' });
      return;
    }
    const there = new Set<string>();
    await readAll(
      project.gitDir,
      oid,
      async (files) => {
        for (const file of files) there.add(file.path);
        await takeFiles(project, oid, files, { announce: false, inGit: 'theirs' });
      },
      BATCH,
    );
    await restoreMissing(project, there);
  }

  /** What lay at the paths that wait for git, when the other writer began: both sides changed those. */
  async function before(project: Project, known: string): Promise<TakeOptions['before']> {
    const pending = await pendingOutbox(database.db, project.id, MOST_COMPARED + 1);
    const paths = [...new Set(pending.map((row) => row.path))];
    if (paths.length === 0 || paths.length > MOST_COMPARED) return undefined;
    const records = new Map<string, { record: ReturnType<typeof parseRecord> | undefined }>();
    for (const path of paths) {
      const text = await readPath(project.gitDir, known, path).catch(() => undefined);
      records.set(path, { record: text === undefined ? undefined : parseRecord(text) });
    }
    return (path) => records.get(path);
  }

  return {
    takeFiles,
    restoreMissing,
    async importRef(project, oid) {
      const known = await stateOid(database.db, project.id);
      if (known === oid) return;
      if (oid === null) {
        const restored = await restoreMissing(project, new Set());
        if (restored > 0) log.warn({ projectId: project.id, restored }, 'state ref was gone; written again');
      } else {
        const files = known === null ? undefined : await readDiff(project.gitDir, known, oid).catch(() => undefined);
        if (known !== null && files) {
          assertKnownFormat(files.find((file) => file.path === FORMAT_PATH)?.content);
          const compared = await before(project, known);
          const how: TakeOptions = { announce: true, inGit: 'theirs', ...(compared ? { before: compared } : {}) };
          await takeFiles(project, oid, files, how);
        } else await importWhole(project, oid);
        log.info({ projectId: project.id, oid, whole: files === undefined }, 'state ref read');
      }
      await database.transact((tx) => setStateOid(tx, project.id, oid));
    },
  };
}
