import { mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { type CommitSpec, createCommitter } from '../../../src/merge/committer.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function repository(...args: string[]): Promise<{ gitDir: string; spec: CommitSpec }> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'godel commits #')));
  folders.push(folder);
  await git(folder, ['init', '-q', ...args]);
  const tree = await git(folder, ['mktree'], { input: '' });
  const who = { name: 'Ada Löwe', email: 'ada@example.org', date: '1700000000 +0530' };
  const first = await git(folder, ['commit-tree', tree, '-m', 'First'], { env: envOf(who, who) });
  const author = { ...who, name: '. <Bob>\n"O\'Neil", ', date: '1600000000 -0800' };
  const message = 'Add words\n\nÜber all.\n\nBead: godel-abc12\n';
  return { gitDir: join(folder, '.git'), spec: { tree, parents: [first], message, author, committer: who } };
}

function envOf(author: CommitSpec['author'], committer: CommitSpec['author']): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_AUTHOR_DATE: author.date ?? '',
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
    GIT_COMMITTER_DATE: committer.date ?? '',
  };
}

function gitsOwn(gitDir: string, { tree, parents, message, author, committer }: CommitSpec): Promise<string> {
  const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'];
  return git(gitDir, args, { input: message, env: envOf(author, committer) });
}

describe('commits of the merge queue', () => {
  it.each([['sha1'], ['sha256']])('are to the byte what git makes, with %s', async (format) => {
    const { gitDir, spec } = await repository(`--object-format=${format}`);
    const committer = await createCommitter(gitDir);
    const made = await committer.commit(spec);
    expect(await git(gitDir, ['cat-file', '-t', made])).toBe('commit');
    expect(await gitsOwn(gitDir, spec)).toBe(made);
    expect(await committer.commit(spec)).toBe(made);
    await git(gitDir, ['fsck', '--strict']);
    const names = await readdir(join(gitDir, 'objects', made.slice(0, 2)));
    expect(names.filter((name) => name.startsWith('tmp_'))).toEqual([]);
  });

  it('are dated now where no date is given', async () => {
    const { gitDir, spec } = await repository();
    const { date: _date, ...undated } = spec.committer;
    const before = Math.floor(Date.now() / 1000);
    const made = await (await createCommitter(gitDir)).commit({ ...spec, committer: undated });
    const [seconds, zone] = (await git(gitDir, ['log', '-1', '--date=raw', '--format=%cd', made])).split(' ');
    expect(Number(seconds)).toBeGreaterThanOrEqual(before);
    expect(Number(seconds)).toBeLessThanOrEqual(Date.now() / 1000);
    expect(zone).toMatch(/^[+-]\d{4}$/);
  });

  it('have the modes that a shared repository asks for', async () => {
    const { gitDir, spec } = await repository('--shared=group');
    const made = await (await createCommitter(gitDir)).commit(spec);
    const folder = await stat(join(gitDir, 'objects', made.slice(0, 2)));
    expect(folder.mode & 0o070).toBe(0o070);
  });

  it("carry the person's own identity, else the name of who accepted", async () => {
    const { gitDir } = await repository();
    await git(gitDir, ['config', 'user.name', 'Eve']);
    const committer = await createCommitter(gitDir);
    expect(committer.identityOf('mia').name).toBe('Eve');
    expect(committer.identityOf('mia').email).toContain('@');
  });
});
