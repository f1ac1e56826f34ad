/** What a person types finds one session and one checkpoint, or says why not; the database looks, not the daemon. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertCheckpoint, resolveCheckpoint } from '../../../src/sessions/checkpoint-store.ts';
import type { Checkpoint, Session } from '../../../src/sessions/schema.ts';
import { insertSession, resolveSession } from '../../../src/sessions/store.ts';
import { type Database, openSqlite } from '../../../src/storage/database.ts';

const OLD = '01a00000-0000-7000-8000-00000000aaaa';
const NEW = '01a00000-0000-7000-8000-00000001bbbb';
const OTHER = '02b00000-0000-7000-8000-00000002cccc';

let folder: string;
let database: Database;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-resolve-')));
  database = await openSqlite(join(folder, 'godel.db'));
  await database.transact(async (tx) => {
    await sql`pragma defer_foreign_keys = on`.execute(tx);
    for (const [id, agentName] of Object.entries({ [OLD]: 'worker-1', [NEW]: 'worker-1', [OTHER]: 'a%_b' })) {
      const session = { id, agentName, agentId: `agent-of-${agentName}`, projectId: 'p', status: 'active', version: 1 };
      await insertSession(tx, { ...session, createdAt: '' } as Session);
      const checkpoint = { id, projectId: 'p', sessionId: id, name: agentName, createdAt: '' };
      await insertCheckpoint(tx, checkpoint as Checkpoint);
    }
    await sql`insert into projects (id, tenant_id, name, path, git_dir, main_branch, created_at)
      values ('p', 'default', 'p', '/p', '/p', 'main', '')`.execute(tx);
  });
});
afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  ['its id', OLD, OLD],
  ['a unique end of it', 'aaaa', OLD],
  ['a unique beginning', '02b', OTHER],
  ['the name of an agent: the newest', 'worker-1', NEW],
  ['a name with signs of patterns, taken as it is', 'a%_b', OTHER],
])('found by %s', async (_, text, id) => {
  expect((await resolveSession(database.db, 'p', text)).id).toBe(id);
  expect((await resolveCheckpoint(database.db, 'p', text)).id).toBe(id);
});

test.each([
  ['01a', /could be any of/],
  ['%', /no|not/i],
  ['_1a', /no|not/i],
  ['bbb', /no|not/i],
])('%s is refused', async (text, words) => {
  await expect(resolveSession(database.db, 'p', text)).rejects.toThrow(words);
  await expect(resolveCheckpoint(database.db, 'p', text)).rejects.toThrow(words);
  await expect(resolveSession(database.db, 'another', OLD)).rejects.toThrow(/no|not/i);
});

test('the agent of a session finds its newest', async () => {
  expect((await resolveSession(database.db, 'p', 'agent-of-worker-1')).id).toBe(NEW);
});
