/** Proof that work is finished: committed, ahead of main, and the proof command passed on that very tree. */
import { git } from '../base/git.ts';
import type { Bead, Proof } from '../beads/schema.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';

export interface ProofRequest {
  bead: Bead;
  worktree: string;
  mainBranch: string;
  config: Pick<Config, 'proof_command' | 'proof_timeout_seconds'>;
  environment: Readonly<Record<string, string>>;
  exec: (
    cwd: string,
    command: string,
    env: Readonly<Record<string, string>>,
    timeoutMs: number,
  ) => Promise<{ exitCode: number; output: string }>;
  now: () => number;
}

const MAX_LOG = 64 * 1024;
const MAX_FILES_NAMED = 10;

/**
 * Runs the proof command in the worktree and returns its exit code with the tree it was true for.
 * @throws GodelError uncommitted-work, nothing-to-review, proof-failed
 */
export async function proveBead(request: ProofRequest): Promise<Proof> {
  const { bead, worktree, mainBranch, config } = request;
  const status = await git(worktree, ['status', '--porcelain', '-z', '--untracked-files=all']);
  const files = status
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => entry.slice(3));
  if (files.length > 0) throw failure('uncommitted-work', { id: bead.id, files: files.slice(0, MAX_FILES_NAMED) });
  const ahead = await git(worktree, ['rev-list', '--count', `refs/heads/${mainBranch}..HEAD`]);
  if (ahead === '0') throw failure('nothing-to-review', { branch: `bead/${bead.id}`, main: mainBranch });
  const [commit = '', treeHash = ''] = (await git(worktree, ['rev-parse', 'HEAD', 'HEAD^{tree}'])).split('\n');
  const startedMs = request.now();
  const command = config.proof_command;
  const result =
    command === ''
      ? { exitCode: 0, output: '' }
      : await request.exec(worktree, command, request.environment, config.proof_timeout_seconds * 1000);
  if (result.exitCode !== 0) {
    const output = result.output.slice(-4_000);
    throw failure('proof-failed', { command, exitCode: result.exitCode, output });
  }
  const after = await git(worktree, ['status', '--porcelain', '-z']);
  return {
    command,
    exitCode: 0,
    treeHash,
    commit,
    dirty: after !== '',
    log: result.output.slice(-MAX_LOG),
    startedAt: new Date(startedMs).toISOString(),
    durationMs: request.now() - startedMs,
  };
}
