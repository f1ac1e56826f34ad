/** Units of work share a transaction and nothing else: each fails alone, acts as its own actor, and is on disk when told. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { acting, actingAs } from '../../../src/base/acting.ts';
import { type Database, openSqlite, type Tx } from '../../../src/storage/database.ts';
import { openLogSync } from '../../../src/storage/log-sync.ts';
import { createTransact } from '../../../src/storage/transactions.ts';

let folder: string;
let database: Database;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-transactions-')));
  database = await openSqlite(join(folder, 'godel.db'));
});
afterEach(() => void vi.useRealTimers());
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
const noSavepoints = {
  inTransaction: false,
  begin() {},
  commit() {},
  abort() {},
  set() {},
  release() {},
  rollback() {},
};
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
  // However slow the machine is, the second comes while the group of the first is open.
  vi.useFakeTimers({ toFake: ['performance'] });
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

test('a group takes others in while git is written, and begins soon where git waits for it', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const git = gate();
  const seen: string[][] = [];
  const slow = (hash: string) => async (tx: Tx) => {
    seen.push(await stored());
    await add(tx, hash);
    vi.advanceTimersByTime(10);
  };
  await Promise.all([database.transact(slow('a')), database.transact(slow('b'))]);
  expect(seen).toEqual([[], ['a']]);
  const until = git.opened;
  const together = Promise.all([database.transact(slow('c'), { until }), database.transact(slow('d'), { until })]);
  // Waiting by the clock would move it.
  while (seen.length < 4) await new Promise((resolve) => setImmediate(resolve));
  expect(seen.slice(2)).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ]);
  git.open();
  await together;
  expect(await stored()).toEqual(['a', 'b', 'c', 'd']);
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

test('a commit that comes while the disk is busy waits for another flush, with all who come meanwhile', async () => {
  const log = await openLogSync(join(folder, 'godel.db-wal'));
  const first = log.sync();
  const [second, third] = [log.sync(), log.sync()];
  expect(second).not.toBe(first);
  expect(third).toBe(second);
  const order: string[] = [];
  await Promise.all([second.then(() => order.push('second')), first.then(() => order.push('first'))]);
  expect(order).toEqual(['first', 'second']);
  await log.sync();
  await log.close();
  await expect(log.sync()).rejects.toThrow();
});

test('what is committed can be seen before it is told, and nobody is told when the disk fails', async () => {
  const seen: Promise<string[]>[] = [];
  await database.transact((tx) => add(tx, 'early'), { committed: () => void seen.push(stored()) });
  expect(await seen[0]).toContain('early');
  const failed = vi.fn();
  const change = database.transact(() => Promise.reject(new Error('changed its mind')), { committed: failed });
  await expect(change).rejects.toThrow('changed its mind');
  expect(failed).not.toHaveBeenCalled();
  const disk = gate();
  const failing = createTransact({
    writer: database.db,
    savepoints: noSavepoints,
    synced: () => disk.opened.then(() => Promise.reject(new Error('the disk failed'))),
  });
  let told = false;
  const result = failing((tx) => inTx(tx)).finally(() => {
    told = true;
  });
  result.catch(() => {});
  const later = failing((tx) => inTx(tx));
  later.catch(() => {});
  // Another group began, and nobody of the first was told.
  await stored();
  expect(told).toBe(false);
  disk.open();
  await expect(result).rejects.toThrow('the disk failed');
  await expect(later).rejects.toThrow('the disk failed');
});

test('a soft one is told when it is committed, though never before those it came after; the disk gets it soon', async () => {
  const disk = gate();
  const order: string[] = [];
  const transact = createTransact({
    writer: database.db,
    savepoints: noSavepoints,
    async synced() {
      await disk.opened;
      order.push('on disk');
    },
  });
  const ask = (name: string, soft: boolean, committed = () => {}) =>
    transact(inTx, { soft, committed }).then(() => order.push(name));
  await ask('soft', true);
  expect(order).toEqual(['soft']);
  const waits = gate();
  const strict = ask('strict', false, waits.open);
  await waits.opened;
  const inAnotherGroup = gate();
  const after = ask('soft after it', true, inAnotherGroup.open);
  await inAnotherGroup.opened;
  disk.open();
  await Promise.all([strict, after]);
  expect(order).toEqual(['soft', 'on disk', 'strict', 'soft after it']);
  await vi.waitFor(() => expect(order.slice(4)).toEqual(['on disk']), 5_000);
});
