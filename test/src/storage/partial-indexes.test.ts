/** A database of an earlier version gets indexes that hold only beads with a value, and they are used. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqlite } from '../../../src/storage/database.ts';

const COLUMNS = { agent: 'agent', parent: 'parent', external: 'external_id', done: 'done_at' };

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godel-indexes #'));
  file = join(folder, 'godel.db');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function makeEarlier(): Promise<void> {
  await (await openSqlite(file)).close();
  const raw = new SQLite(file);
  for (const [name, column] of Object.entries(COLUMNS)) {
    raw.exec(`drop index beads_by_${name}; create index beads_by_${name} on beads (project_id, ${column})`);
  }
  raw.exec(`delete from kysely_migration where name = '0023-partial-indexes';
    insert into projects (id, tenant_id, name, path, git_dir, main_branch, created_at) values ('p', '', '', '', '', '', '');
    insert into beads (id, project_id, body, version, created_at, status, type, priority, agent) values
      ('one', 'p', '{}', 1, '', 'open', 'task', 'low', 'ann'), ('two', 'p', '{}', 1, '', 'open', 'task', 'low', null)`);
  raw.close();
}

test('an earlier database is migrated, and whoever asks for a value uses the index', async () => {
  await makeEarlier();
  await (await openSqlite(file)).close();
  const raw = new SQLite(file, { readonly: true });
  expect(raw.pragma('integrity_check', { simple: true })).toBe('ok');
  for (const [name, column] of Object.entries(COLUMNS)) {
    const made = raw.prepare('select sql from sqlite_schema where name = ?').pluck().get(`beads_by_${name}`);
    expect(made).toContain(`where "${column}" is not null`);
    const plan = raw.prepare(`explain query plan select id from beads where project_id = 'p' and ${column} = ?`);
    expect(JSON.stringify(plan.all('ann'))).toContain(`beads_by_${name}`);
  }
  expect(raw.prepare("select id from beads where project_id = 'p' and agent = 'ann'").pluck().all()).toEqual(['one']);
  raw.close();
});
