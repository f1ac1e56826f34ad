/** The daemon and all git processes it started are killed while work is gated and lands: all of it lands, once. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { git } from '../../src/base/git.ts';
import { isRunning } from '../../src/base/process.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { ListedEntry } from '../../src/merge/schema.ts';
import { createHome, type TestHome, until } from '../support/home.ts';
import { commitFiles } from '../support/merge-home.ts';

const ROUNDS = process.env.GODEL_TEST_SOAK ? 60 : 6;
let home: TestHome;

beforeAll(async () => {
  home = await createHome();
  await home.json('config', 'set', 'gate_command', 'sleep 0.2; test -f README.md');
  await home.json('config', 'set', 'merge_gates', '2');
});
afterAll(() => home.stop());

async function accepted(index: number): Promise<string> {
  const bead = await home.json<Bead>('bead', 'create', `Work ${index}`);
  const main = await git(home.repository, ['rev-parse', 'main']);
  const commit = await commitFiles(
    `${home.repository}/.git`,
    main,
    { [`${index}.txt`]: `${index}\n` },
    `Work ${index}`,
  );
  await git(home.repository, ['update-ref', `refs/heads/bead/${bead.id}`, commit]);
  await home.json('bead', 'status', bead.id, 'in-progress');
  await home.json('bead', 'status', bead.id, 'review');
  await home.json('merge', 'add', bead.id);
  return bead.id;
}

test(
  'at random moments of gates and landings',
  async () => {
    const ids: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      ids.push(await accepted(ids.length));
      const pid = home.daemonPid();
      await delay(Math.random() * 900);
      process.kill(-pid, 'SIGKILL');
      await until('the daemon is gone', async () => !isRunning(pid));
    }
    let items: ListedEntry[] = [];
    const landed = async () => {
      ({ items } = await home.json<{ items: ListedEntry[] }>('merge', 'list', '--all', '--limit', '1000'));
      return items.length === ids.length && items.every((entry) => entry.status === 'landed' && entry.released);
    };
    await until('everything landed', landed, 120_000).catch(async (error: Error) => {
      const log = await readFile(join(home.paths.logDir, 'daemon.log'), 'utf8');
      throw new Error(`${error.message}\n${JSON.stringify(items, null, 1)}\n${log.split('\n').slice(-40).join('\n')}`);
    });
    for (const id of ids) expect((await home.json<Bead>('bead', 'show', id)).status).toBe('done');
    const trailers = await git(home.repository, [
      'log',
      '--first-parent',
      '--format=%(trailers:key=Bead,valueonly,separator=%x20)',
      'main',
    ]);
    expect(trailers.split('\n').filter(Boolean).sort()).toEqual([...ids].sort());
    expect(await git(home.repository, ['status', '--porcelain'])).toBe('');
    expect(await git(home.repository, ['for-each-ref', 'refs/godel/queue', 'refs/heads/bead'])).toBe('');
    await git(home.repository, ['fsck', '--strict', '--no-dangling']);
  },
  ROUNDS * 30_000 + 150_000,
);
