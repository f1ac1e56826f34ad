/** Whether git could write now: asked inside the transaction of a change, so that a refusal leaves nothing behind. */
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../base/error.ts';
import { failure } from '../../errors.ts';

/** Room (bytes) a group of changes needs at the least. */
const ROOM = 256 * 1024;

/** An answer is good for so long (ms): many changes in a row ask once. */
const GOOD_MS = 100;

/** Asks whether git could write, at most once in a while. */
export function createWritableCheck(gitDir: string): () => Promise<void> {
  let asked: { atMs: number; answer: Promise<void> } | undefined;
  return () => {
    if (!asked || performance.now() - asked.atMs > GOOD_MS) {
      const current = { atMs: performance.now(), answer: assertStateWritable(gitDir) };
      asked = current;
      current.answer.catch(() => {
        if (asked === current) asked = undefined;
      });
    }
    return asked.answer;
  };
}

/** @throws GodelError disk-full, repository-read-only */
async function assertStateWritable(gitDir: string): Promise<void> {
  // For a superuser too, access tells of a file system that is read-only.
  await access(join(gitDir, 'objects'), constants.W_OK).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    const problem = code === 'EROFS' ? 'its file system is read-only' : (code ?? messageOf(error));
    throw failure('repository-read-only', { path: gitDir, problem }, error);
  });
  const { bavail, bsize } = await statfs(gitDir);
  if (bavail * bsize < ROOM) throw failure('disk-full', { problem: `no room for objects in ${gitDir}` });
}
