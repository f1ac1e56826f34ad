/** Whether git could write now: asked inside the transaction of a change, so that a refusal leaves nothing behind. */
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../base/error.ts';
import { failure } from '../../errors.ts';

/** Room (bytes) a group of changes needs at the least. */
const ROOM = 256 * 1024;

/** @throws GodelError disk-full, repository-read-only */
export async function assertStateWritable(gitDir: string): Promise<void> {
  // For a superuser too, access tells of a file system that is read-only.
  await access(join(gitDir, 'objects'), constants.W_OK).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    const problem = code === 'EROFS' ? 'its file system is read-only' : (code ?? messageOf(error));
    throw failure('repository-read-only', { path: gitDir, problem }, error);
  });
  const { bavail, bsize } = await statfs(gitDir);
  if (bavail * bsize < ROOM) throw failure('disk-full', { problem: `no room for objects in ${gitDir}` });
}
