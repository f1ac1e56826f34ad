/** Checkpoints in a real repository: what is written, by how many processes, and what is left when one of them is killed. */
import { mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { git } from '../../../src/base/git.ts';
import { newId } from '../../../src/base/id.ts';
import { checkpointRefs, headOf, readCheckpoint, readConversation } from '../../../src/sessions/checkpoint-ref.ts';
import { type CheckpointWriter, createCheckpointWriter } from '../../../src/sessions/checkpoint-writer.ts';
import type { Checkpoint, Session } from '../../../src/sessions/schema.ts';
import { makeRepository } from '../../support/home.ts';
import { processesWith } from '../../support/processes.ts';

let folder: string;
let repository: string;
let gitDir: string;
let writer: CheckpointWriter;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'godel-check #%')));
  repository = await makeRepository(join(folder, 'repo'));
  gitDir = join(repository, '.git');
  writer = createCheckpointWriter();
});
afterEach(async () => {
  await writer.stop();
  await rm(folder, { recursive: true, force: true });
});

const AT = '2026-11-21T10:00:00.000Z';
const session: Session = {
  id: newId(),
  projectId: 'p',
  agentId: 'a',
  agentName: 'pilot',
  status: 'active',
  origin: 'start',
  depth: 0,
  runtime: 'pi',
  runner: 'local',
  createdAt: AT,
  updatedAt: AT,
  version: 1,
};

async function code(name: string) {
  await writeFile(join(repository, name), `${name}\n`);
  await git(repository, ['add', '-A']);
  return { tree: await git(repository, ['write-tree']), head: await git(repository, ['rev-parse', 'HEAD']) };
}

function write(
  conversation: string,
  files?: { tree: string; head: string },
  { patient = false } = {},
): Promise<Checkpoint> {
  const { projectId, agentId, agentName, runtime } = session;
  const place = { projectId, sessionId: session.id, agentId, agentName, runtime };
  const state = { reason: 'rest', kept: false, turn: 't', turns: 2, createdAt: AT, createdBy: 'godel' } as const;
  const checkpoint = { id: newId(), ...place, ...state };
  const now = () => writer.write({ gitDir, checkpoint, code: files, session, conversation });
  return patient ? now() : writer.urgently(now);
}

const importers = () => processesWith(folder).filter(({ command }) => / fast-import /.test(command));

test('conversation and files are one commit on top of the other, found again by the ref', async () => {
  const files = await code('a.txt');
  const made = await write('one\nzwei ü\n', files);
  expect(made).toMatchObject({ ref: `refs/godel/checkpoint/pilot/${made.id}`, code: files });
  expect(await checkpointRefs(gitDir)).toEqual(new Map([[made.ref, made.commit]]));
  expect((await readCheckpoint(gitDir, made.ref, made.commit))?.checkpoint).toEqual(made);
  expect(await readConversation(gitDir, made.commit)).toBe('one\nzwei ü\n');
  const lines = await git(gitDir, ['log', '--format=%H %T %P | %an %ct %s', made.ref, '--not', files.head]);
  const own = await git(gitDir, ['rev-parse', `${made.commit}^{tree}`]);
  expect(lines.split('\n')).toEqual([
    `${made.commit} ${own} ${made.code?.commit} | Godel ${Date.parse(AT) / 1000} rest: pilot at turn 2`,
    `${made.code?.commit} ${files.tree} ${files.head} | Godel ${Date.parse(AT) / 1000} Files of a checkpoint`,
  ]);
  expect(await git(gitDir, ['ls-tree', '--name-only', made.commit])).toBe('checkpoint.json\nconversation');
  expect((await write('', undefined)).code).toBeUndefined();
  await git(gitDir, ['fsck', '--strict']);
});

test('many are written by one process, as single objects, which what was deleted meanwhile does not come back from', async () => {
  const made = await Promise.all(['one', 'two', 'three'].map((text) => write(text)));
  const [importer, ...others] = importers();
  expect(others).toEqual([]);
  await git(gitDir, ['update-ref', '-d', made[0]?.ref ?? '']);
  made.push(await write('four', await code('b.txt')));
  expect(importers()).toEqual([importer]);
  await writer.stop();
  expect(importers()).toEqual([]);
  expect([...(await checkpointRefs(gitDir)).keys()].sort()).toEqual(
    made
      .slice(1)
      .map(({ ref }) => ref)
      .sort(),
  );
  expect(await readdir(join(gitDir, 'objects', 'pack'))).toEqual([]);
});

test('one that was killed while it rested is followed by another; what cannot be written is said and leaves nothing', async () => {
  await write('one');
  process.kill(importers()[0]?.pid ?? 0, 'SIGKILL');
  const second = await write('two');
  const lost = { ...(await code('c.txt')), tree: '1'.repeat(40) };
  await expect(write('three', lost)).rejects.toThrow(/fast-import failed/);
  const third = await write('four');
  expect((await checkpointRefs(gitDir)).size).toBe(3);
  expect(await readConversation(gitDir, second.commit)).toBe('two');
  expect(await readConversation(gitDir, third.commit)).toBe('four');
  expect((await readdir(gitDir)).filter((name) => name.startsWith('fast_import'))).toEqual([]);
});

test('those that may wait are written together, with the first that may not, or when nothing may wait any longer', async () => {
  const patient = { patient: true };
  const first = [write('one', await code('a.txt'), patient), write('two', undefined, patient)];
  expect(importers()).toEqual([]);
  const urgent = write('three', await code('b.txt'));
  const made = await Promise.all([...first, urgent]);
  for (const [index, text] of ['one', 'two', 'three'].entries()) {
    const { ref, commit, code: files } = made[index] as Checkpoint;
    expect(await git(gitDir, ['rev-parse', ref])).toBe(commit);
    expect(await readConversation(gitDir, commit)).toBe(text);
    expect(files === undefined).toBe(text === 'two');
    if (files) expect(await git(gitDir, ['rev-parse', `${ref}^`])).toBe(files.commit);
    if (files) expect(await git(gitDir, ['rev-parse', `${files.commit}^{tree}`])).toBe(files.tree);
  }
  const alone = write('four', undefined, patient);
  const made4 = await writer.urgently(() => alone);
  expect(await readConversation(gitDir, made4.commit)).toBe('four');
  const left = write('five', undefined, patient);
  expect(await readConversation(gitDir, (await left).commit)).toBe('five');
  await git(gitDir, ['fsck', '--strict']);
});

test('one that cannot be written does not take those with it that were to be written together', async () => {
  const lost = { ...(await code('c.txt')), tree: '1'.repeat(40) };
  const [one, two, three] = await Promise.allSettled([
    write('one', undefined, { patient: true }),
    write('two', lost, { patient: true }),
    write('three', await code('d.txt')),
  ]);
  expect(two).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(/fast-import failed/) } });
  expect([one?.status, three?.status]).toEqual(['fulfilled', 'fulfilled']);
  expect((await checkpointRefs(gitDir)).size).toBe(2);
});

test('HEAD of a worktree is found with its branch as a file, packed, and without a branch', async () => {
  const worktree = join(folder, 'tree');
  await git(repository, ['worktree', 'add', '-q', '-b', 'bead/x', worktree]);
  const head = await git(repository, ['rev-parse', 'HEAD']);
  expect(await headOf(gitDir, worktree)).toEqual({ head, branch: 'bead/x' });
  await git(repository, ['pack-refs', '--all']);
  expect(await headOf(gitDir, worktree)).toEqual({ head, branch: 'bead/x' });
  await git(worktree, ['checkout', '-q', '--detach']);
  expect(await headOf(gitDir, worktree)).toEqual({ head });
});
