/** Patch ids: the hash of what a commit changes, the same before and after a rebase. */
import { git } from '../base/git.ts';

export interface CommitFacts {
  commit: string;
  subject: string;
  author: string;
  authoredAt: string;
  patchId?: string;
}

const LONG_MS = 120_000;
const PLAIN = ['--no-ext-diff', '--no-textconv', '--no-color', '--full-index'];

/** `<patch id> <commit>` lines of a patch series. */
async function idsOf(gitDir: string, patches: string): Promise<Map<string, string>> {
  if (patches === '') return new Map();
  const text = await git(gitDir, ['patch-id', '--stable'], { input: `${patches}\n`, timeoutMs: LONG_MS });
  const pairs = text.split('\n').filter((line) => line !== '');
  return new Map(
    pairs.map((line) => {
      const [patchId = '', commit = ''] = line.split(' ');
      return [commit, patchId];
    }),
  );
}

/** What there is to know of commits, in the order given. */
export async function commitFacts(gitDir: string, commits: readonly string[]): Promise<CommitFacts[]> {
  if (commits.length === 0) return [];
  const input = `${commits.join('\n')}\n`;
  const walk = ['log', '--no-walk=unsorted', '--stdin'];
  const heads = await git(gitDir, [...walk, '--format=%H%x00%s%x00%an%x00%aI'], { input, timeoutMs: LONG_MS });
  const ids = await idsOf(gitDir, await git(gitDir, [...walk, '-p', ...PLAIN], { input, timeoutMs: LONG_MS }));
  return heads.split('\n').map((line) => {
    const [commit = '', subject = '', author = '', authoredAt = ''] = line.split('\0');
    const patchId = ids.get(commit);
    return { commit, subject, author, authoredAt, ...(patchId === undefined ? {} : { patchId }) };
  });
}

/** The whole branch as one change; undefined when it changes nothing. */
export async function branchPatchId(gitDir: string, main: string, head: string): Promise<string | undefined> {
  const patch = await git(gitDir, ['diff', ...PLAIN, `${main}...${head}`], { timeoutMs: LONG_MS });
  return [...(await idsOf(gitDir, patch)).values()][0];
}
