/** Work that a person puts on the main branch without the queue is recognised as done. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { git } from '../../src/base/git.ts';
import type { Bead } from '../../src/beads/schema.ts';
import type { Client } from '../../src/client/client.ts';
import { createHome, type TestHome, until } from '../support/home.ts';

let home: TestHome;
let client: Client;
beforeAll(async () => {
  home = await createHome();
  await home.json('init');
  client = home.client();
});
afterAll(() => home.stop());

/** A bead in review whose branch has one commit of its own. */
async function reviewed(title: string): Promise<Bead> {
  const { id } = await client.call('beadCreate', { title });
  await client.call('worktreeCreate', { bead: id });
  const { worktree } = await client.call('worktreeShow', { bead: id });
  await writeFile(join(worktree.path, `${id}.txt`), `${title}\n`);
  await git(worktree.path, ['add', '-A']);
  await git(worktree.path, ['commit', '-q', '-m', title]);
  await client.call('beadStatus', { id, status: 'in-progress' });
  return client.call('beadStatus', { id, status: 'review' });
}

const done = (id: string) =>
  until(`${id} is done`, async () => {
    const bead = await client.call('beadShow', { id });
    return bead.status === 'done' && bead;
  });

test('a merge, a squash and a cherry-pick by hand are recognised, each with what it brought to main', async () => {
  const [merged, squashed, picked] = [await reviewed('merged'), await reviewed('squashed'), await reviewed('picked')];
  await git(home.repository, ['merge', '-q', '--no-ff', '-m', 'by hand', `bead/${merged.id}`]);
  expect((await done(merged.id)).landedCommit).toBe(await git(home.repository, ['rev-parse', 'main']));
  await git(home.repository, ['merge', '-q', '--squash', `bead/${squashed.id}`]);
  await git(home.repository, ['commit', '-q', '-m', 'squashed by hand']);
  expect((await done(squashed.id)).landedCommit).toBe(await git(home.repository, ['rev-parse', 'main']));
  await git(home.repository, ['cherry-pick', `bead/${picked.id}`]);
  expect((await done(picked.id)).landedCommit).toBe(await git(home.repository, ['rev-parse', 'main']));
  for (const { id } of [merged, squashed, picked]) {
    await git(home.repository, ['branch', '-q', '-D', `bead/${id}`]).catch(() => undefined);
    expect((await client.call('reviewDiff', { id })).files.map((file) => file.path)).toEqual([`${id}.txt`]);
  }
});

test('a part of the work on main is not the work', async () => {
  const bead = await reviewed('first half');
  const path = join(home.repository, '.godel', 'worktrees', bead.id);
  await writeFile(join(path, 'second.txt'), 'second half\n');
  await git(path, ['add', '-A']);
  await git(path, ['commit', '-q', '-m', 'second half']);
  await git(home.repository, ['cherry-pick', `bead/${bead.id}~1`]);
  // A later change that is recognised shows that main was looked at.
  const whole = await reviewed('whole');
  await git(home.repository, ['merge', '-q', '--no-ff', '-m', 'by hand', `bead/${whole.id}`]);
  await done(whole.id);
  expect(await client.call('beadShow', { id: bead.id })).toMatchObject({ status: 'review' });
});

test('work that was merged while an agent was still at it is done when it comes to review', async () => {
  const { id } = await client.call('beadCreate', { title: 'early' });
  await client.call('worktreeCreate', { bead: id });
  const { worktree } = await client.call('worktreeShow', { bead: id });
  await client.call('beadStatus', { id, status: 'in-progress' });
  await writeFile(join(worktree.path, 'early.txt'), 'early\n');
  await git(worktree.path, ['add', '-A']);
  await git(worktree.path, ['commit', '-q', '-m', 'early']);
  await git(home.repository, ['merge', '-q', '--no-ff', '-m', 'by hand', `bead/${id}`]);
  // Linked and compared with main before the review begins.
  await until('on main', async () => {
    const { items } = await client.call('beadCommits', { id });
    return items.some((link) => link.state === 'on-main');
  });
  await client.call('beadStatus', { id, status: 'review' });
  expect((await done(id)).landedCommit).toBe(await git(home.repository, ['rev-parse', 'main']));
});
