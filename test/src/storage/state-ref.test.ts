/** The record in git: compare-and-swap, group commit, stale locks, odd content, a full disk. */
import { mkdir, mkdtemp, readdir, realpath, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { git, tryGit } from '../../../src/base/git.ts';
import { run } from '../../../src/base/process.ts';
import { toCanonicalJson } from '../../../src/storage/state-ref/canonical-json.ts';
import { createFlusher, type PendingChange } from '../../../src/storage/state-ref/flusher.ts';
import { createGroupWriter, StateMovedError, writeGroup } from '../../../src/storage/state-ref/group-writer.ts';
import { beadPath, convoyPath, parsePath } from '../../../src/storage/state-ref/layout.ts';
import {
  pathHistory,
  readAll,
  readDiff,
  readPath,
  readRef,
  type StateFile,
} from '../../../src/storage/state-ref/read.ts';
import { clearStaleLocks } from '../../../src/storage/state-ref/start-up.ts';
import { createUpkeep } from '../../../src/storage/state-ref/upkeep.ts';
import { makeRepository } from '../../support/home.ts';
import { processesWith } from '../../support/processes.ts';

let folder: string;
let gitDir: string;
const clock = { now: () => Date.now() };

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-state-')));
  gitDir = join(await makeRepository(join(folder, 'repo')), '.git');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (expected: string | null, changes: { path: string; content: string | null }[], dir = gitDir) =>
  writeGroup({ gitDir: dir, expected, changes, subject: 'test', nowMs: Date.now() });
async function everything(oid: string): Promise<StateFile[]> {
  const files: StateFile[] = [];
  await readAll(gitDir, oid, async (batch) => void files.push(...batch), 7);
  return files;
}

test('paths and JSON have one form', () => {
  expect(beadPath('godel-abc12')).toBe('beads/a/b/godel-abc12.json');
  expect(convoyPath('convoy-20261121-abc')).toBe('convoys/2026/convoy-20261121-abc.json');
  expect(parsePath('beads/a/b/godel-abc12.json')).toEqual({ kind: 'bead', id: 'godel-abc12' });
  expect(parsePath('beads/a/b/evil/../x.json').kind).toBe('other');
  expect(toCanonicalJson({ b: [{ z: 1, a: undefined }], a: 'é' })).toBe(
    '{\n  "a": "é",\n  "b": [\n    {\n      "z": 1\n    }\n  ]\n}\n',
  );
});

test('any content comes back as it was, in batches, differences and history', async () => {
  const odd = ['', 'a', '\n\n', 'data 5\nM 100644', '🚀\u0000\r\n"\\', 'x'.repeat(100_000)];
  const first = await write(
    null,
    odd.map((content, index) => ({ path: `files/${index}`, content })),
  );
  expect((await everything(first)).map((file) => file.content)).toEqual(odd);
  const second = await write(first, [
    { path: 'files/1', content: 'b' },
    { path: 'files/0', content: null },
    { path: 'new "q"', content: 'n' },
  ]);
  expect(await readDiff(gitDir, first, second)).toEqual([
    { path: 'files/0', content: null },
    { path: 'files/1', content: 'b' },
    { path: 'new "q"', content: 'n' },
  ]);
  expect(await readPath(gitDir, second, 'files/1')).toBe('b');
  expect(await pathHistory(gitDir, 'files/1')).toEqual([second, first]);
  await git(gitDir, ['fsck', '--strict']);
});

test('a ref that another moved is never overwritten', async () => {
  const first = await write(null, [{ path: 'a', content: '1' }]);
  const second = await write(first, [{ path: 'a', content: '2' }]);
  await expect(write(first, [{ path: 'a', content: '3' }])).rejects.toThrow(StateMovedError);
  await expect(write(null, [{ path: 'a', content: '3' }])).rejects.toThrow(StateMovedError);
  expect(await readRef(gitDir)).toBe(second);
});

describe('the process that writes', () => {
  const group = (expected: string | null, content: string) => ({
    expected,
    changes: [{ path: 'a', content }],
    subject: content,
    nowMs: Date.now(),
  });
  const running = () => processesWith(gitDir).filter(({ command }) => command.includes('fast-import'));
  const keeps = async () => (await readdir(join(gitDir, 'objects/pack'))).filter((name) => name.endsWith('.keep'));

  test('is one for many groups, ends with its writer, and is started again when somebody killed it', async () => {
    const writer = createGroupWriter(gitDir);
    let head = await writer.write(group(null, 'first'));
    const [first] = running();
    head = await writer.write(group(head, 'second'));
    expect(running()).toEqual([first]);
    process.kill(first?.pid ?? 0, 'SIGKILL');
    head = await writer.write(group(head, 'third'));
    expect(running()).not.toEqual([first]);
    expect(await git(gitDir, ['log', '--format=%s', 'refs/godel/state'])).toBe('third\nsecond\nfirst');
    await writer.close();
    expect(running()).toEqual([]);
    expect(await readRef(gitDir)).toBe(head);
  });
  test('is not believed when another moved the ref, set it back or took it away', async () => {
    const writer = createGroupWriter(gitDir);
    const first = await writer.write(group(null, 'first'));
    const theirs = await write(first, [{ path: 'b', content: 'theirs' }]);
    await expect(writer.write(group(first, 'late'))).rejects.toThrow(StateMovedError);
    expect(await readRef(gitDir)).toBe(theirs);
    const both = await writer.write(group(theirs, 'on top'));
    expect((await everything(both)).map(({ path }) => path)).toEqual(['a', 'b']);
    await git(gitDir, ['update-ref', 'refs/godel/state', first]);
    await expect(writer.write(group(both, 'on what is gone'))).resolves.toBeTruthy();
    await git(gitDir, ['update-ref', '-d', 'refs/godel/state']);
    const anew = await writer.write(group(null, 'anew'));
    expect(await git(gitDir, ['rev-list', '--count', anew])).toBe('1');
    await git(gitDir, ['update-ref', '-d', 'refs/godel/state']);
    await writer.close();
    expect(await readRef(gitDir)).toBe(null);
  });
  test('leaves nothing for ever: packs it kept and its last words go at the next start, those of others stay', async () => {
    const writer = createGroupWriter(gitDir);
    await writer.write(group(null, 'first'));
    process.kill(running()[0]?.pid ?? 0, 'SIGKILL');
    const [kept] = await keeps();
    await writeFile(join(gitDir, 'objects/pack/pack-of-a-person.keep'), '');
    for (const ref of ['refs/godel/state', 'refs/heads/other']) {
      const input = `commit ${ref}\ncommitter a <a@b> 1 +0000\ndata 1\nx\n`;
      expect((await tryGit(gitDir, ['fast-import', '--done', '--force', '--quiet'], { input })).code).not.toBe(0);
    }
    const reports = async () => (await readdir(gitDir)).filter((name) => name.startsWith('fast_import_crash'));
    expect(await reports()).toHaveLength(2);
    const removed = await clearStaleLocks(gitDir);
    expect(removed).toContain(join(gitDir, 'objects/pack', kept ?? 'none'));
    expect(await keeps()).toEqual(['pack-of-a-person.keep']);
    expect(await reports()).toHaveLength(1);
    await writer.close();
  });
});

test('packs are rolled up on a busy day too, which has no rest', async () => {
  const packs = async () =>
    (await readdir(join(gitDir, 'objects/pack'))).filter((name) => name.endsWith('.pack')).length;
  const writer = createGroupWriter(gitDir);
  const failures: unknown[] = [];
  const upkeep = createUpkeep(
    gitDir,
    async (work) => {
      await writer.close();
      return work();
    },
    (error) => failures.push(error),
  );
  let head: string | null = null;
  for (let count = 0; count < 60; count += 1) {
    const changes = [{ path: 'a', content: String(count) }];
    head = await writer.write({ expected: head, changes, subject: 'x', nowMs: Date.now() });
    upkeep.changed();
  }
  expect(await packs()).toBe(60);
  for (let count = 60; count < 1_000; count += 1) upkeep.changed();
  await upkeep.stop();
  expect([await packs(), failures]).toEqual([1, []]);
  expect((await everything(head ?? '')).map(({ content }) => content)).toEqual(['59']);
});

describe('flushing', () => {
  function outbox(moved: (oid: string | null) => void = () => {}) {
    const rows: PendingChange[] = [];
    let next = 1;
    const flusher = createFlusher({
      gitDir,
      clock,
      loadPending: async (after) => rows.filter((row) => row.id > after).slice(0, 500),
      markFlushed: async ({ upToId }) => void rows.splice(0, rows.filter((row) => row.id <= upToId).length),
      onMoved: async (oid) => moved(oid),
      onError: () => {},
      trailers: () => 'Godel-Replica: test',
    });
    const add = (path: string, content: string) => {
      const id = next++;
      rows.push({ id, path, content, subject: `${path} changed`, createdMs: Date.now() });
      return flusher.whenFlushed(id);
    };
    return { flusher, add };
  }

  test('a thousand changes at once become few commits, each acknowledged when it is in git', async () => {
    const { flusher, add } = outbox();
    const seen: boolean[] = [];
    await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        await add(`f/${index % 100}`, String(index));
        if (index === 999) seen.push((await readPath(gitDir, (await readRef(gitDir)) as string, 'f/99')) === '999');
      }),
    );
    expect(seen).toEqual([true]);
    expect(await everything((await readRef(gitDir)) as string)).toHaveLength(100);
    expect(Number(await git(gitDir, ['rev-list', '--count', 'refs/godel/state']))).toBeLessThan(20);
    await flusher.stop();
  });
  test('who waits for a change that is not there is told so, and nothing runs on', async () => {
    const { flusher, add } = outbox();
    await add('a', '1');
    await expect(flusher.whenFlushed(99)).rejects.toThrow('change 99 is not in the outbox');
    await flusher.stop();
  });
  test('nothing is written over another writer’s work that could not be taken in, however often it is tried', async () => {
    let problem: Error | undefined;
    const { flusher, add } = outbox(() => {
      if (problem) throw problem;
    });
    await add('a', '1');
    const tip = await write(await readRef(gitDir), [{ path: 'b', content: 'theirs' }]);
    problem = new Error('it is newer');
    for (const content of ['2', '3']) await expect(add('a', content)).rejects.toThrow('it is newer');
    await expect(flusher.reread()).rejects.toThrow('it is newer');
    await expect(add('a', '4')).rejects.toThrow('it is newer');
    expect(await readRef(gitDir)).toBe(tip);
    problem = undefined;
    await add('a', '5');
    const head = (await readRef(gitDir)) as string;
    expect([await readPath(gitDir, head, 'a'), await readPath(gitDir, head, 'b')]).toEqual(['5', 'theirs']);
    await flusher.stop();
  });
  test('two writers keep each other’s changes', async () => {
    const [a, b] = [outbox(), outbox()];
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => Promise.all([a.add(`a/${index}`, 'a'), b.add(`b/${index}`, 'b')])),
    );
    expect(await everything((await readRef(gitDir)) as string)).toHaveLength(40);
    await Promise.all([a.flusher.stop(), b.flusher.stop()]);
  });
});

test('a stale lock of a killed writer is cleared, locks of others are not', async () => {
  const first = await write(null, [{ path: 'a', content: '1' }]);
  const [ours, theirs] = [join(gitDir, 'refs/godel/state.lock'), join(gitDir, 'index.lock')];
  for (const file of [ours, theirs]) {
    await writeFile(file, '');
    await utimes(file, new Date(0), new Date(0));
  }
  await expect(write(first, [{ path: 'a', content: '2' }])).rejects.toThrow();
  expect(await clearStaleLocks(gitDir)).toEqual([ours]);
  await write(first, [{ path: 'a', content: '2' }]);
  expect((await run('ls', [theirs])).code).toBe(0);
});

test('a full disk is named, nothing is half done, and it works again when there is room', async (context) => {
  const small = join(folder, 'small');
  await mkdir(small);
  if ((await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small])).code !== 0)
    return context.skip('no right to mount a small disk');
  try {
    const dir = join(await makeRepository(join(small, 'r')), '.git');
    const first = await write(null, [{ path: 'a', content: '1' }], dir);
    await run('sh', ['-c', `cat /dev/zero > ${join(small, 'fill')}`]);
    await expect(write(first, [{ path: 'a', content: 'x'.repeat(50_000) }], dir)).rejects.toMatchObject({
      reason: 'disk-full',
    });
    expect(await readRef(dir)).toBe(first);
    await rm(join(small, 'fill'));
    await write(first, [{ path: 'a', content: '2' }], dir);
  } finally {
    await run('umount', [small]);
  }
});
