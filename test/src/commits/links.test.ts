/** Links of beads to commits hold through amends, rebases, cherry-picks and squashes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { type CommitLinks, createCommitLinks, listLinks } from '../../../src/commits/links.ts';
import { branchCommits } from '../../../src/repos/commit-watch.ts';
import { createLab, type WorktreeLab } from '../../support/worktrees.ts';

const ID = 'godel-aaaaa';
let lab: WorktreeLab;
let links: CommitLinks;
let path: string;

beforeEach(async () => {
  lab = await createLab();
  links = createCommitLinks(lab.database);
  ({ path } = await lab.keeper.ensure(lab.project, await lab.bead(ID), lab.config));
  await main();
});
afterEach(() => lab.close());

const tip = (where: string) => git(where, ['rev-parse', 'HEAD']);
const main = async () => links.mainMoved(lab.project, await git(lab.top, ['rev-parse', 'main']));
const branch = async () => {
  const head = await git(lab.gitDir, ['rev-parse', `bead/${ID}`]);
  await links.branchMoved(lab.project, ID, head, await branchCommits(lab.gitDir, 'refs/heads/main', head));
};
const commit = async (where: string, file: string, text = file) => {
  await writeFile(join(where, file), text);
  await git(where, ['add', '-A']);
  await git(where, ['commit', '-q', '-m', `Add ${file}`]);
  return tip(where);
};
const list = async () =>
  (await listLinks(lab.database.db, lab.project.id, ID)).items.map((item) => [item.subject, item.state]);

test('a rebase keeps the link of every commit; an amend replaces it', async () => {
  const first = await commit(path, 'a.txt');
  await commit(path, 'b.txt');
  await branch();
  await commit(lab.top, 'other.txt');
  await git(path, ['rebase', '-q', 'main']);
  await branch();
  const { items } = await listLinks(lab.database.db, lab.project.id, ID);
  const old = items.find((item) => item.commit === first);
  const now = items.find((item) => item.subject === 'Add a.txt' && item.state === 'branch');
  expect(old).toMatchObject({ state: 'replaced', replacedBy: now?.commit, patchId: now?.patchId });
  expect(items.filter((item) => item.state === 'branch').map((item) => item.subject)).toEqual([
    'Add a.txt',
    'Add b.txt',
  ]);
  await writeFile(join(path, 'b.txt'), 'better');
  await git(path, ['commit', '-q', '-a', '--amend', '-m', 'Add a better b']);
  await branch();
  expect((await list()).filter(([, state]) => state === 'branch')).toEqual([
    ['Add a.txt', 'branch'],
    ['Add a better b', 'branch'],
  ]);
});

test('commits that a person rebased onto main are found there; the work is complete with the last one', async () => {
  await commit(path, 'a.txt');
  await commit(path, 'b.txt');
  await branch();
  await commit(lab.top, 'other.txt');
  await git(lab.top, ['cherry-pick', `bead/${ID}~1`]);
  expect(await main()).toEqual(new Map());
  expect(await list()).toEqual([
    ['Add a.txt', 'on-main'],
    ['Add b.txt', 'branch'],
  ]);
  await git(lab.top, ['cherry-pick', `bead/${ID}`]);
  expect(await main()).toEqual(new Map([[ID, await tip(lab.top)]]));
  expect((await listLinks(lab.database.db, lab.project.id, ID)).items.map((item) => item.state)).toEqual([
    'on-main',
    'on-main',
  ]);
});

test('a squash without any trailer is known by the change of the whole branch', async () => {
  await commit(path, 'a.txt');
  await commit(path, 'a.txt', 'changed twice');
  await commit(path, 'b.txt');
  await branch();
  await commit(lab.top, 'other.txt');
  await git(lab.top, ['merge', '-q', '--squash', `bead/${ID}`]);
  await git(lab.top, ['commit', '-q', '-m', 'Everything at once']);
  const squash = await tip(lab.top);
  expect(await main()).toEqual(new Map([[ID, squash]]));
  expect((await listLinks(lab.database.db, lab.project.id, ID)).squash).toBe(squash);
  // The branch may go afterwards: the links stay.
  await lab.keeper.remove(lab.project, ID, lab.config, { reason: 'test' });
  await git(lab.top, ['branch', '-q', '-D', `bead/${ID}`]);
  expect(await list()).toHaveLength(3);
});

test('other commits on main complete nothing, and what was compared once is not compared again', async () => {
  await commit(path, 'a.txt');
  await branch();
  for (const name of ['x', 'y', 'z']) await commit(lab.top, name);
  expect(await main()).toEqual(new Map());
  expect(await main()).toEqual(new Map());
  expect(await list()).toEqual([['Add a.txt', 'branch']]);
});
