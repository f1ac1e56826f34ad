/** Units of work share a transaction and nothing else: each fails alone, acts as its own actor, and is on disk when told. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acting, actingAs } from '../../../src/base/acting.ts';
import { type Database, openSqlite, type Tx } from '../../../src/storage/database.ts';

let folder: string;
let database: Database;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-transactions-')));
  database = await openSqlite(join(folder, 'godel.db'));
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const add = (tx: Tx, hash: string) =>
  tx
    .insertInto('tokens')
    .values({ hash, kind: 'agent', actor_id: hash, actor_name: hash, created_at: '', revoked_at: null })
    .execute();
const inTx = async (tx: Tx) =>
  (await tx.selectFrom('tokens').select('hash').orderBy('hash').execute()).map((r) => r.hash);
const stored = async () =>
  (await database.db.selectFrom('tokens').select('hash').orderBy('hash').execute()).map((row) => row.hash);
const gate = () => {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
};

test('one that fails takes back its own work alone, and is told its own error', async () => {
  const results = await Promise.allSettled([
    database.transact((tx) => add(tx, 'a')),
    database.transact(async (tx) => {
      await add(tx, 'b');
      throw new Error('changed its mind');
    }),
    database.transact((tx) => add(tx, 'a')),
    database.transact(async (tx) => {
      await add(tx, 'c');
      return inTx(tx);
    }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
  expect((results[1] as PromiseRejectedResult).reason.message).toBe('changed its mind');
  expect((results[2] as PromiseRejectedResult).reason.message).toContain('UNIQUE');
  expect((results[3] as PromiseFulfilledResult<string[]>).value).toEqual(['a', 'c']);
  expect(await stored()).toEqual(['a', 'c']);
});

test('none is told before all of its group are on disk; one that takes long keeps nobody waiting', async () => {
  const [slow, long] = [gate(), gate()];
  const told: string[] = [];
  const note = (name: string) => () => void told.push(name);
  const first = database.transact((tx) => add(tx, 'a')).then(note('first'));
  const second = database
    .transact(async (tx) => {
      await add(tx, 'b');
      await slow.opened;
    })
    .then(note('second'));
  const alone = database
    .transact(
      async (tx) => {
        await add(tx, 'c');
        await long.opened;
      },
      { alone: true },
    )
    .then(note('alone'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect([told, await stored()]).toEqual([[], []]);
  slow.open();
  await Promise.all([first, second]);
  expect([told, await stored()]).toEqual([
    ['first', 'second'],
    ['a', 'b'],
  ]);
  long.open();
  await alone;
  expect(await stored()).toEqual(['a', 'b', 'c']);
});

test('when SQLite itself gives up, nobody of the group is told that it was done, and the next may write', async () => {
  const results = await Promise.allSettled([
    database.transact((tx) => add(tx, 'a')),
    database.transact(async (tx) => {
      await sql`rollback`.execute(tx);
      throw new Error('disk is full');
    }),
  ]);
  expect(results.map((result) => (result as PromiseRejectedResult).reason?.message)).toEqual([
    'disk is full',
    'disk is full',
  ]);
  await database.transact((tx) => add(tx, 'b'));
  expect(await stored()).toEqual(['b']);
});

test('each acts as who asked for it, whoever began the group', async () => {
  const names = ['ann', 'bob', 'cid'];
  const seen = await Promise.all(
    names.map((name) => actingAs({ id: name, name }, () => database.transact(async () => acting()?.name))),
  );
  expect(seen).toEqual(names);
});

test('closing waits for what was begun', async () => {
  const file = join(folder, 'other.db');
  const other = await openSqlite(file);
  const work = other.transact((tx) => add(tx, 'a'));
  await Promise.all([work, other.close()]);
  const again = await openSqlite(file);
  expect(await again.transact(inTx)).toEqual(['a']);
  await again.close();
});
