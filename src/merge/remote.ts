/** Main on a remote: it is read before a round and pushed to, with a lease, before the local main moves. */
import { tryGit } from '../base/git.ts';
import { failure } from '../errors.ts';
import { commitOf, isAncestor } from './trial.ts';

export interface RemoteSpec {
  gitDir: string;
  main: string;
  remote: string;
}

export type RemoteState =
  /** Local main holds all the remote has; `tip` is what a push expects there, undefined when the branch is not there. */
  | { kind: 'behind'; tip: string | undefined }
  /** The remote has commits that local main lacks: it moves there first. */
  | { kind: 'ahead'; tip: string }
  | { kind: 'diverged'; tip: string };

const TIMEOUT_MS = 120_000;
const refOf = (remote: string) => `refs/godel/merge-remote/${remote}`;

/** @throws GodelError remote-refused */
export async function readRemote({ gitDir, main, remote }: RemoteSpec): Promise<RemoteState> {
  const refspec = `+refs/heads/${main}:${refOf(remote)}`;
  const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', remote, refspec];
  const fetched = await tryGit(gitDir, args, { timeoutMs: TIMEOUT_MS });
  if (fetched.code !== 0) {
    if (/couldn't find remote ref/.test(fetched.stderr)) return { kind: 'behind', tip: undefined };
    throw failure('remote-refused', { remote, problem: lastLine(fetched.stderr) || 'no answer in time' });
  }
  const [tip, local] = [await commitOf(gitDir, refOf(remote)), await commitOf(gitDir, `refs/heads/${main}`)];
  if (tip === undefined || local === undefined) return { kind: 'behind', tip };
  if (await isAncestor(gitDir, tip, local)) return { kind: 'behind', tip };
  return { kind: (await isAncestor(gitDir, local, tip)) ? 'ahead' : 'diverged', tip };
}

const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';

/**
 * Pushes `commit` to main of the remote when it still is at `expected`.
 * @throws GodelError main-moved, remote-refused
 */
export async function pushMain(spec: RemoteSpec & { commit: string; expected: string | undefined }): Promise<void> {
  const { gitDir, main, remote, commit, expected } = spec;
  const lease = `--force-with-lease=refs/heads/${main}:${expected ?? ''}`;
  const args = ['push', '--porcelain', lease, remote, `${commit}:refs/heads/${main}`];
  const pushed = await tryGit(gitDir, args, { timeoutMs: TIMEOUT_MS, config: ['core.hooksPath=/dev/null'] });
  if (pushed.code === 0) return;
  const text = `${pushed.stdout}\n${pushed.stderr}`;
  if (/stale info|fetch first|non-fast-forward/.test(text)) throw failure('main-moved', { main: `${remote}/${main}` });
  const refused = /^!.*$/m.exec(text)?.[0] ?? lastLine(pushed.stderr);
  throw failure('remote-refused', { remote, problem: refused || 'no answer in time' });
}
