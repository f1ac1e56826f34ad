/** Old checkpoints are given up although they are not counted after each new one. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newId } from '../../../src/base/id.ts';
import { createPruning, type Pruning } from '../../../src/sessions/checkpoint-pruning.ts';
import { checkpointsOf, deleteCheckpoint, insertCheckpoint } from '../../../src/sessions/checkpoint-store.ts';
import type { Checkpoint } from '../../../src/sessions/schema.ts';
import { createGraphHome, type GraphHome } from '../../support/graph-home.ts';
import { until } from '../../support/home.ts';

let home: GraphHome;
let pruning: Pruning;
let most: number;
let rounds: number;

beforeEach(async () => {
  home = await createGraphHome();
  [most, rounds] = [3, 0];
  const { database, log } = home.core;
  pruning = createPruning({
    db: database.db,
    keep: async () => {
      rounds += 1;
      return most;
    },
    remove: async (_project, checkpoints) => {
      for (const { id } of checkpoints) await database.transact((tx) => deleteCheckpoint(tx, id));
    },
    log,
  });
});
afterEach(async () => {
  pruning.stop();
  await home.stop();
});

const kept = async () => (await checkpointsOf(home.core.database.db, 's')).length;

/** Makes some more and waits until they were looked at. */
async function grow(count: number): Promise<void> {
  const before = rounds;
  for (let index = 0; index < count; index += 1) {
    const checkpoint = { id: newId(), projectId: home.project.id, sessionId: 's', kept: false, createdAt: 'now' };
    await home.core.database.transact((tx) => insertCheckpoint(tx, checkpoint as Checkpoint));
    pruning.grown(home.project.id, 's');
  }
  await until('it was looked at', async () => rounds > before);
}

test('as many as may be are kept, one by one and many at once', async () => {
  for (const step of [1, 1, 1, 1, 4]) {
    await grow(step);
    await until('the old ones are gone', async () => (await kept()) <= 3);
  }
  expect(await kept()).toBe(3);
});

test('fewer may be kept from now on', async () => {
  await grow(1);
  await grow(1);
  most = 1;
  await grow(1);
  await until('the old ones are gone', async () => (await kept()) === 1);
});
