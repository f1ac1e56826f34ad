/** A database that is built again from git: its indexes are whole, and what the search does not know yet it is taught. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newId, newUid } from '../../../src/base/id.ts';
import { beadRules } from '../../../src/beads/record.ts';
import { deleteBead, findBead, replaceBead } from '../../../src/beads/store.ts';
import type { Core } from '../../../src/daemon/core.ts';
import type { Project } from '../../../src/repos/schema.ts';
import { insertProject } from '../../../src/repos/store.ts';
import { createRecord } from '../../../src/storage/record/change.ts';
import { parseRecord, recordText } from '../../../src/storage/record/record.ts';
import { nextStamp } from '../../../src/storage/record/stamp.ts';
import { searchDocuments } from '../../../src/storage/search.ts';
import { writeGroup } from '../../../src/storage/state-ref/group-writer.ts';
import { beadPath } from '../../../src/storage/state-ref/layout.ts';
import { readRef } from '../../../src/storage/state-ref/read.ts';
import { openCore } from '../../support/graph-home.ts';
import { makeRepository } from '../../support/home.ts';

/** More than one batch of a rebuild, and several bits of the search. */
const COUNT = 2_300;

let folder: string;
let project: Project;
let core: Core;

const idOf = (index: number) => `godel-${index.toString(36).padStart(5, '0')}`;

function beadText(index: number): string {
  const at = new Date(1_700_000_000_000 + index).toISOString();
  const bead = {
    id: idOf(index),
    uid: newUid(),
    type: 'task',
    title: `Bead word${index} of many`,
    description: 'Some text',
    status: index % 3 === 0 ? 'done' : 'open',
    priority: 'medium',
    labels: ['bulk'],
    commits: [],
    blockedBy: index % 50 === 1 ? [idOf(index - 1)] : [],
    related: [],
    discoveredFrom: [],
    notes: [{ id: newId(), text: `comment${index}`, author: 'ann', authorKind: 'user', createdAt: at }],
    metadata: {},
    createdAt: at,
    updatedAt: at,
  };
  return recordText(createRecord(bead, beadRules, (after) => nextStamp(after, 1_700_000_000_000 + index, 'other1')));
}

const open = () => openCore(join(folder, 'home #1'));

async function waitingForSearch(): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from bead_docs where indexed <> 1`.execute(
    core.database.db,
  );
  return Number(rows[0]?.count);
}

async function indexNames(): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from sqlite_schema
    where type = 'index' and tbl_name = 'beads' order by name`.execute(core.database.db);
  return rows.map((row) => row.name);
}

const found = (text: string) => searchDocuments(core.database.db, project.id, text, 10);

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-rebuild-')));
  const path = await makeRepository(join(folder, 'repo'));
  const gitDir = join(path, '.git');
  project = { id: newId(), tenantId: 'default', name: 'repo', path, gitDir, mainBranch: 'main', createdAt: '' };
  const changes = Array.from({ length: COUNT }, (_, index) => ({
    path: beadPath(idOf(index)),
    content: beadText(index),
  }));
  await writeGroup({ gitDir, expected: null, changes, subject: 'beads', nowMs: Date.now() });
  core = await open();
  await core.database.transact((tx) => insertProject(tx, project));
});

afterEach(async () => {
  await core.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('has every row, link and index of the table as it was before', async () => {
  const before = await indexNames();
  expect(before.length).toBeGreaterThan(5);
  await core.sync.attach(project);
  expect(await indexNames()).toEqual(before);
  const counts = await sql<{ rows: number; waiting: number; links: number; labels: number }>`select
    (select count(*) from beads) as rows, (select count(*) from beads where open_blockers > 0) as waiting,
    (select count(*) from bead_links) as links, (select count(*) from bead_labels) as labels`.execute(core.database.db);
  // Blockers are the multiples of 50, a third of which is done.
  expect(counts.rows[0]).toEqual({ rows: COUNT, waiting: 30, links: 46, labels: COUNT });
  const { rows } = await sql<{ ok: string }>`select integrity_check as ok from pragma_integrity_check`.execute(
    core.database.db,
  );
  expect(rows).toEqual([{ ok: 'ok' }]);
});

test('takes links and labels that are there twice once, and leaves deleted beads out', async () => {
  const [one, two, gone] = [idOf(0), idOf(1), idOf(2)];
  const stamp = (after: string) => nextStamp(after, 1_800_000_000_000, 'other2');
  const { deletedAt: _none, ...fields } = parseRecord(beadText(0)).fields;
  const twice = {
    ...fields,
    labels: ['a', 'a'],
    blockedBy: [two, two, gone],
    related: [two],
    discoveredFrom: ['godel-zzzzz'],
  };
  const clocks = createRecord(fields, beadRules, stamp).clocks;
  const head = await readRef(project.gitDir);
  const changes = [
    { path: beadPath(one), content: recordText({ fields: twice, clocks }) },
    {
      path: beadPath(gone),
      content: recordText(createRecord({ ...fields, id: gone, deletedAt: 'now' }, beadRules, stamp)),
    },
  ];
  await writeGroup({ gitDir: project.gitDir, expected: head, changes, subject: 'odd', nowMs: Date.now() });
  await core.sync.attach(project);
  const { db } = core.database;
  const links = await db
    .selectFrom('bead_links')
    .selectAll()
    .where('from_id', '=', one)
    .orderBy('kind')
    .orderBy('to_id')
    .execute();
  expect(links.map((link) => `${link.kind} ${link.to_id}`)).toEqual([
    `blocked-by ${two}`,
    `blocked-by ${gone}`,
    'discovered-from godel-zzzzz',
    `related ${two}`,
  ]);
  const labels = await db.selectFrom('bead_labels').select('label').where('bead_id', '=', one).execute();
  expect(labels).toEqual([{ label: 'a' }]);
  // Both are open: one waits, the other does not exist.
  const row = await db.selectFrom('beads').select('open_blockers').where('id', '=', one).executeTakeFirst();
  expect(row).toEqual({ open_blockers: 2 });
  expect(await findBead(db, project.id, gone)).toBeUndefined();
});

test('needs memory for its pages only while it lasts', async () => {
  const size = () => core.database.transact((tx) => sql<{ cache_size: number }>`pragma cache_size`.execute(tx));
  const before = (await size()).rows;
  await core.sync.attach(project);
  expect((await size()).rows).toEqual(before);
});

test('lets every bead be found once a search has waited for it', async () => {
  await core.sync.attach(project);
  expect(await waitingForSearch()).toBeGreaterThan(0);
  await core.searchFill.done();
  expect(await waitingForSearch()).toBe(0);
  expect(await found('word0')).toEqual([idOf(0)]);
  expect(await found(`comment${COUNT - 1}`)).toEqual([idOf(COUNT - 1)]);
});

test('a text that changes is put into the index once, when somebody searches or soon by itself', async () => {
  await core.sync.attach(project);
  await core.searchFill.done();
  const rename = (title: string) =>
    core.database.transact(async (tx) => {
      const bead = await findBead(tx, project.id, idOf(0));
      if (bead) await replaceBead(tx, { ...bead, title });
    });
  await rename('Walrus');
  await rename('Narwhal');
  expect(await waitingForSearch()).toBe(1);
  await core.searchFill.done();
  expect([await found('word0'), await found('walrus'), await found('narwhal')]).toEqual([[], [], [idOf(0)]]);
  await rename('Beluga');
  core.searchFill.soon();
  await vi.waitFor(async () => expect(await found('beluga')).toEqual([idOf(0)]), { timeout: 10_000 });
  expect(await found('narwhal')).toEqual([]);
});

test('goes on with the search where a daemon was ended, and keeps what changed meanwhile', async () => {
  await core.sync.attach(project);
  const last = idOf(COUNT - 1);
  await core.database.transact(async (tx) => {
    const bead = await findBead(tx, project.id, last);
    if (bead) await replaceBead(tx, { ...bead, title: 'Renamed zebra' });
    await deleteBead(tx, project.id, idOf(COUNT - 2));
  });
  await core.stop();
  core = await open();
  // What was ended in the middle is taken up without being asked.
  await core.searchFill.done();
  expect(await waitingForSearch()).toBe(0);
  expect(await found('zebra')).toEqual([last]);
  expect(await found(`word${COUNT - 1}`)).toEqual([]);
  expect(await found(`word${COUNT - 2}`)).toEqual([]);
  expect(await found(`word${COUNT - 3}`)).toEqual([idOf(COUNT - 3)]);
});
