/** What the review shows of a bead before and after its landing, by each strategy. */
import { afterEach, describe, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { beadDiff } from '../../../src/reviews/diff.ts';
import { commitFiles, createMergeHome, type MergeHome } from '../../support/merge-home.ts';

let home: MergeHome;
afterEach(() => home.stop());

const ID = 'godel-00001';
const BRANCH = `bead/${ID}`;

async function diff() {
  const { landedCommit, commits } = await home.bead(ID);
  return beadDiff({
    gitDir: home.gitDir,
    main: 'main',
    beadId: ID,
    branch: BRANCH,
    commits,
    contextLines: 3,
    ...(landedCommit === undefined ? {} : { landedCommit }),
  });
}

describe('the diff of a bead', () => {
  test.each(['merge', 'squash', 'rebase'] as const)(
    'is the same after a %s landing took its branch, between other landings',
    async (strategy) => {
      home = await createMergeHome({ merge_strategy: strategy });
      await home.work(ID, { 'a.txt': 'a\n' });
      const tip = await commitFiles(home.gitDir, BRANCH, { 'b.txt': 'b\n' }, 'Second');
      await git(home.gitDir, ['update-ref', `refs/heads/${BRANCH}`, tip]);
      const before = await diff();
      expect(before.files.map((file) => file.path)).toEqual(['a.txt', 'b.txt']);
      await home.commitOnMain({ 'other.txt': 'below' });
      await home.accept(ID);
      await git(home.gitDir, ['update-ref', '-d', `refs/heads/${BRANCH}`]);
      await home.work('godel-00002', { 'later.txt': 'above' });
      await home.accept('godel-00002');
      const after = await diff();
      expect(after.files).toEqual(before.files);
      expect(after.patch).toBe(before.patch);
    },
  );

  test('is that of the landing while a merged branch is still there, and of the branch when it went on', async () => {
    home = await createMergeHome();
    await home.work(ID, { 'a.txt': 'a\n' });
    const tip = await git(home.gitDir, ['rev-parse', BRANCH]);
    await home.accept(ID);
    await git(home.gitDir, ['update-ref', `refs/heads/${BRANCH}`, tip]);
    expect((await diff()).files.map((file) => file.path)).toEqual(['a.txt']);
    const further = await commitFiles(home.gitDir, tip, { 'more.txt': 'more\n' }, 'After it was reopened');
    await git(home.gitDir, ['update-ref', `refs/heads/${BRANCH}`, further]);
    expect((await diff()).files.map((file) => file.path)).toEqual(['more.txt']);
  });

  test('is refused with the next step when there is neither a branch nor a landing', async () => {
    home = await createMergeHome();
    await home.work(ID, { 'a.txt': 'a\n' });
    await git(home.gitDir, ['update-ref', '-d', `refs/heads/${BRANCH}`]);
    await expect(diff()).rejects.toMatchObject({ reason: 'nothing-to-review' });
  });
});
