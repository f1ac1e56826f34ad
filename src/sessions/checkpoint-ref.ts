/**
 * Checkpoints in git. `refs/godel/checkpoint/<bead or agent>/<id>` points to a commit that holds the conversation; its parent
 * holds the files of the worktree, on top of the HEAD of that time. A checkpoint is whole when its ref is there: the row in the
 * database is made of it, and made again when it is lost.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { adminDirOf, git, looseRef, tryGit } from '../base/git.ts';
import { type Checkpoint, type Code, checkpointSchema, type Session, sessionSchema } from './schema.ts';

const ROOT = 'refs/godel/checkpoint';
/** Files of its commit. */
export const RECORD = 'checkpoint.json';
export const CONVERSATION = 'conversation';

/** What is kept beside the conversation. Ref and commit name themselves. */
const recordSchema = z.object({
  checkpoint: checkpointSchema.omit({ ref: true, commit: true }),
  session: sessionSchema,
});
export interface StoredCheckpoint {
  checkpoint: Checkpoint;
  session: Session;
}

export const refOf = (owner: string, id: string): string => `${ROOT}/${owner}/${id}`;

/** The conversation of a checkpoint; undefined when it was too long to be kept, or the ref is gone. */
export async function readConversation(gitDir: string, commit: string): Promise<string | undefined> {
  const result = await tryGit(gitDir, ['cat-file', 'blob', `${commit}:${CONVERSATION}`]);
  return result.code === 0 ? result.stdout : undefined;
}

/** Ref and commit of every checkpoint of a repository. */
export async function checkpointRefs(gitDir: string): Promise<Map<string, string>> {
  const listed = await git(gitDir, ['for-each-ref', '--format=%(refname) %(objectname)', ROOT]);
  const lines = listed.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => line.split(' ') as [string, string]));
}

/** What a ref says; undefined when it cannot be read. */
export async function readCheckpoint(
  gitDir: string,
  ref: string,
  commit: string,
): Promise<StoredCheckpoint | undefined> {
  const result = await tryGit(gitDir, ['cat-file', 'blob', `${commit}:${RECORD}`]);
  if (result.code !== 0) return undefined;
  try {
    const { checkpoint, session } = recordSchema.parse(JSON.parse(result.stdout));
    return { checkpoint: { ...checkpoint, ref, commit }, session };
  } catch {
    // Written by a later version, or by nobody we know.
    return undefined;
  }
}

/** Takes refs away, all or none of them. */
export async function deleteCheckpointRefs(gitDir: string, refs: readonly string[]): Promise<void> {
  await git(gitDir, ['update-ref', '--stdin'], { input: refs.map((ref) => `delete ${ref}\n`).join('') });
}

/** HEAD of a worktree and the branch it is on; no process is needed where their own files say it. */
export async function headOf(gitDir: string, worktree: string): Promise<Pick<Code, 'head' | 'branch'>> {
  const said = (await readFile(join(await adminDirOf(worktree), 'HEAD'), 'utf8')).trim();
  if (/^[0-9a-f]{40,64}$/.test(said)) return { head: said };
  const loose = said.startsWith('ref: refs/heads/') ? await looseRef(gitDir, said.slice('ref: '.length)) : undefined;
  if (loose !== undefined) return { head: loose, branch: said.slice('ref: refs/heads/'.length) };
  const head = await git(worktree, ['rev-parse', 'HEAD']);
  const branch = await tryGit(worktree, ['symbolic-ref', '--quiet', '--short', 'HEAD']);
  return branch.code === 0 ? { head, branch: branch.stdout.trim() } : { head };
}
