/** A backup restored into an empty home gives the same answers, without any secret. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Backup } from '../../src/backup/schema.ts';
import { git } from '../../src/base/git.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { createHome, type TestHome, until } from '../support/home.ts';

let home: TestHome;
let other: TestHome;

beforeAll(async () => {
  home = await createHome();
  other = await createHome();
});
afterAll(async () => {
  await home.stop();
  await other.stop();
});

const inRepository = { cwd: '' };
async function answers(of: TestHome): Promise<unknown> {
  const ask = async (...words: string[]) => {
    const result = await of.godel([...words, '--json'], inRepository);
    if (result.code !== 0) throw new Error(result.stderr);
    return JSON.parse(result.stdout) as unknown;
  };
  return {
    beads: await ask('bead', 'list'),
    convoys: await ask('convoy', 'list'),
    // The period ends now, whenever it is asked.
    cost: { ...((await ask('cost', 'show')) as object), period: undefined },
    conflicts: await ask('bead', 'conflicts'),
  };
}

test('create, list, verify, damage, restore', async () => {
  inRepository.cwd = home.repository;
  const bead = await home.json<Bead>('bead', 'create', 'precious', '--label', 'x');
  await home.json('bead', 'update', bead.id, '--title', 'more precious');
  const blocked = await home.json<Bead>('bead', 'create', 'waits', '--blocked-by', bead.id);
  await home.json('convoy', 'create', 'Sprint', bead.id, blocked.id);
  const config =
    'provider: mine\nproviders:\n  mine:\n    dialect: openai\n    base_url: http://127.0.0.1:1\n    api_key_env: MY_KEY\n';
  await writeFile(home.paths.configFile, config);
  const before = await answers(home);
  const target = join(home.folder, 'safe');
  const backup = await home.json<Backup>('backup', 'create', '--to', target);
  expect(backup.files.map((file) => file.name)).toEqual(
    expect.arrayContaining(['godel.db', 'ledger.db', 'config.yaml', expect.stringMatching(/^state-.*\.bundle$/)]),
  );
  await home.json('backup', 'create');
  expect((await home.json<{ items: Backup[] }>('backup', 'list')).items).toHaveLength(1);
  expect(await home.json('backup', 'verify', backup.path)).toMatchObject({ name: backup.name });
  const secret = (await readFile(home.paths.adminKeyFile, 'utf8')).trim();
  for (const name of await readdir(backup.path)) {
    expect((await readFile(join(backup.path, name))).includes(secret), name).toBe(false);
  }
  expect(await readFile(join(backup.path, 'config.yaml'), 'utf8')).toContain('api_key_env: MY_KEY');

  // The first home is gone, and with it the record of the repository.
  expect((await home.godel(['daemon', 'stop', '--all'])).code).toBe(0);
  await git(home.repository, ['update-ref', '-d', 'refs/godel/state']);
  const restored = await other.godel(['backup', 'restore', backup.path], { cwd: other.folder });
  expect(restored.stderr + restored.stdout).toContain('is prepared');
  expect((await other.godel(['daemon', 'stop', '--all'])).code).toBe(0);
  expect(await answers(other)).toEqual(before);
  const tree = () => git(home.repository, ['ls-tree', '-r', '--name-only', 'refs/godel/state']).catch(() => '');
  await until('the record is back in the repository', async () => (await tree()).includes(blocked.id));
  expect(await readFile(other.paths.configFile, 'utf8')).toContain('api_key_env: MY_KEY');
  const doctor = await other.json<{ healthy: boolean }>('doctor');
  expect(doctor).toMatchObject({ healthy: true });

  const file = join(backup.path, 'godel.db');
  const bytes = await readFile(file);
  await writeFile(file, bytes.fill(7, 5_000, 5_100));
  const damaged = await other.godel(['backup', 'restore', backup.path]);
  expect(damaged.code).toBe(1);
  expect(damaged.stderr).toContain('godel.db was changed');
});
