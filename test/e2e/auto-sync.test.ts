/** Once a remote is set, the homes of two people exchange beads by themselves. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { git, tryGit } from '../../src/base/git.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, type TestHome, until } from '../support/home.ts';

let ann: TestHome;
let bob: TestHome;
let bare: string;

beforeAll(async () => {
  [ann, bob] = [await createHome(), await createHome()];
  bare = join(ann.folder, 'remote.git');
  await git(ann.folder, ['clone', '-q', '--bare', ann.repository, bare]);
  for (const home of [ann, bob]) {
    await git(home.repository, ['remote', 'add', 'origin', bare]);
    await home.json('config', 'set', 'sync_interval_seconds', '5');
  }
});
afterAll(async () => {
  await Promise.all([ann.stop(), bob.stop()]);
});

const titles = async (home: TestHome) =>
  (await home.json<{ items: Bead[] }>('bead', 'list')).items.map((bead) => bead.title);

test('nothing leaves the machine before a remote is set; then beads go and come without being asked for', async () => {
  await ann.json<Bead>('bead', 'create', 'from Ann');
  expect((await tryGit(bare, ['rev-parse', '--verify', 'refs/godel/state'])).code).not.toBe(0);
  await ann.json('config', 'set', 'sync_remote', 'origin');
  await until(
    'the remote has it',
    async () => (await tryGit(bare, ['rev-parse', 'refs/godel/state'])).code === 0,
    60_000,
  );
  await bob.json('config', 'set', 'sync_remote', 'origin');
  await until('Bob has it', async () => (await titles(bob)).includes('from Ann'), 60_000);
  await bob.json<Bead>('bead', 'create', 'from Bob');
  await until('Ann has it', async () => (await titles(ann)).includes('from Bob'), 60_000);
  expect(await ann.json('sync', 'status')).toMatchObject({ remote: 'origin', openConflicts: 0 });
}, 240_000);
