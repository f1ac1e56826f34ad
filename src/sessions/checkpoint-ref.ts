/**
 * Checkpoints in git. `refs/godel/checkpoint/<bead or agent>/<id>` points to a commit that holds the conversation; its parent
 * holds the files of the worktree, on top of the HEAD of that time. A checkpoint is whole when its ref is there: the row in the
 * database is made of it, and made again when it is lost.
 */
import { z } from 'zod';
import { git, tryGit } from '../base/git.ts';
import { type Checkpoint, type Code, checkpointSchema, type Session, sessionSchema } from './schema.ts';

const ROOT = 'refs/godel/checkpoint';
const RECORD = 'checkpoint.json';
const CONVERSATION = 'conversation';
/** A longer conversation stays where its runtime keeps it. */
const MOST_BYTES = 48 * 1024 * 1024;

/** What is kept beside the conversation. Ref and commit name themselves. */
const recordSchema = z.object({
  checkpoint: checkpointSchema.omit({ ref: true, commit: true }),
  session: sessionSchema,
});
export interface StoredCheckpoint {
  checkpoint: Checkpoint;
  session: Session;
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'Godel',
  GIT_AUTHOR_EMAIL: 'godel@localhost',
  GIT_COMMITTER_NAME: 'Godel',
  GIT_COMMITTER_EMAIL: 'godel@localhost',
};

function dated(iso: string): Record<string, string> {
  const date = `${Math.floor(Date.parse(iso) / 1000)} +0000`;
  return { ...IDENTITY, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
}

export const refOf = (owner: string, id: string): string => `${ROOT}/${owner}/${id}`;

/** A commit of a tree of working files on top of HEAD. */
export async function commitCode(gitDir: string, tree: string, head: string, at: string): Promise<string> {
  return git(gitDir, ['commit-tree', tree, '-p', head, '-m', 'Files of a checkpoint'], { env: dated(at) });
}

export interface WriteSpec {
  gitDir: string;
  checkpoint: Omit<Checkpoint, 'ref' | 'commit'>;
  session: Session;
  /** File of the runtime, or turns as JSON lines where it has none. */
  conversation: string;
}

/** Writes a checkpoint; it is there, and durable, when this resolves. */
export async function writeCheckpoint(spec: WriteSpec): Promise<Checkpoint> {
  const { gitDir, checkpoint, session, conversation } = spec;
  const isShort = Buffer.byteLength(conversation) <= MOST_BYTES;
  const blob = (input: string) => git(gitDir, ['hash-object', '-w', '--stdin'], { input });
  const record = await blob(`${JSON.stringify({ checkpoint, session }, null, 2)}\n`);
  const said = isShort ? `100644 blob ${await blob(conversation)}\t${CONVERSATION}\n` : '';
  const tree = await git(gitDir, ['mktree'], { input: `100644 blob ${record}\t${RECORD}\n${said}` });
  const parents = checkpoint.code ? ['-p', checkpoint.code.commit] : [];
  const title = `${checkpoint.name ?? checkpoint.reason}: ${checkpoint.agentName} at turn ${checkpoint.turns}`;
  const commit = await git(gitDir, ['commit-tree', tree, ...parents, '-m', title], {
    env: dated(checkpoint.createdAt),
  });
  const ref = refOf(checkpoint.beadId ?? checkpoint.agentName, checkpoint.id);
  await git(gitDir, ['update-ref', ref, commit, '0'.repeat(commit.length)], { config: ['core.fsync=committed'] });
  return { ...checkpoint, ref, commit };
}

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

export async function deleteCheckpointRef(gitDir: string, ref: string): Promise<void> {
  await git(gitDir, ['update-ref', '-d', ref]);
}

/** HEAD of a worktree and the branch it is on. */
export async function headOf(worktree: string): Promise<Pick<Code, 'head' | 'branch'>> {
  const head = await git(worktree, ['rev-parse', 'HEAD']);
  const branch = await tryGit(worktree, ['symbolic-ref', '--quiet', '--short', 'HEAD']);
  return branch.code === 0 ? { head, branch: branch.stdout.trim() } : { head };
}
