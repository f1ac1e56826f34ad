/** Main on a remote: it gets the landing first, and what is there is taken in before. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { until } from '../../support/home.ts';
import { commitFiles, context, createMergeHome, type MergeHome } from '../../support/merge-home.ts';

let home: MergeHome;
afterEach(() => home.stop());

const ID = 'godel-00001';
const call = () => context(home.project.id);
const landed = (id: string) =>
  until('landed and let go', async () => {
    const entry = await home.entry(id);
    return entry.status === 'landed' && entry.released && entry;
  });

describe('a remote', () => {
  const setUp = async () => {
    home = await createMergeHome({ merge_remote: 'origin' });
    const remote = join(home.folder, 'remote.git');
    await git(home.folder, ['clone', '-q', '--bare', home.top, remote]);
    await git(home.top, ['remote', 'add', 'origin', remote]);
    return remote;
  };
  const tip = (remote: string) => git(remote, ['rev-parse', 'refs/heads/main']);

  test('gets the landing first; what others pushed there is taken in before', async () => {
    const remote = await setUp();
    const foreign = await commitFiles(remote, await tip(remote), { 'foreign.txt': 'f\n' }, 'by somebody else');
    await git(remote, ['update-ref', 'refs/heads/main', foreign]);
    await home.work(ID, { 'a.txt': 'a\n' });
    const entry = await home.accept(ID);
    expect(entry).toMatchObject({ status: 'landed', landedBase: foreign });
    expect(await tip(remote)).toBe(await home.main());
    expect(await git(home.top, ['status', '--porcelain'])).toBe('');
  });

  test('that refuses, or has gone another way, holds the queue with the command that continues; main stays', async () => {
    const remote = await setUp();
    const before = await home.main();
    const hook = join(remote, 'hooks', 'pre-receive');
    await mkdir(join(remote, 'hooks'), { recursive: true });
    await writeFile(hook, '#!/bin/sh\necho closed for today >&2\nexit 1\n', { mode: 0o755 });
    await home.work(ID, { 'a.txt': 'a\n' });
    const held = await home.accept(ID);
    expect(held).toMatchObject({ status: 'held' });
    expect(held.command).toContain('godel merge resume');
    expect(await home.main()).toBe(before);
    await rm(hook);
    const foreign = await commitFiles(remote, before, { 'foreign.txt': 'f\n' }, 'by somebody else');
    await git(remote, ['update-ref', 'refs/heads/main', foreign]);
    await home.commitOnMain({ 'local.txt': 'l\n' });
    await home.service.handlers.mergeResume({}, call());
    const state = await until('diverged', async () => {
      const { queue } = await home.service.handlers.mergeList({ all: false, limit: 1 }, call());
      return queue.hold?.kind === 'diverged' && queue.hold;
    });
    expect(state.command).toContain('git pull --rebase origin main');
    await git(home.top, ['pull', '-q', '--rebase', 'origin', 'main']);
    await home.service.handlers.mergeResume({}, call());
    await landed(held.id);
    expect(await tip(remote)).toBe(await home.main());
  });
});
