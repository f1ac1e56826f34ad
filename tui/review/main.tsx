/** Entry of the review popup (dist/review.js <bead>): wires the real daemon, git and terminal. */
import '../environment.ts';
import { tryGit } from '../../src/base/git.ts';
import { homePaths } from '../../src/base/paths.ts';
import { createClient } from '../../src/client/client.ts';
import { runReview } from './review.tsx';

const [beadId] = process.argv.slice(2);
if (beadId === undefined) {
  process.stderr.write('Which bead shall be reviewed?\nUse: godel board popup review <bead>\n');
  process.exit(2);
}

async function treeOf(commit: string, worktree: string | undefined): Promise<string | undefined> {
  const result = await tryGit(worktree ?? process.cwd(), [
    'rev-parse',
    '--verify',
    '--quiet',
    `${commit}^{tree}`,
  ]).catch(() => undefined);
  return result?.code === 0 ? result.stdout.trim() : undefined;
}

const projectId = process.env.GODEL_PROJECT;
await runReview({
  beadId,
  client: createClient({ socketPath: homePaths().socketFile, ...(projectId === undefined ? {} : { projectId }) }),
  stdout: process.stdout,
  stdin: process.stdin,
  env: process.env,
  now: Date.now,
  folder: process.cwd(),
  treeOf,
});
process.exit(0);
