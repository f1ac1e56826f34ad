/** Notices work that reached the main branch by itself: a landing cut short, or a person's own merge. */
import { git } from '../base/git.ts';
import type { Project } from '../repos/schema.ts';

/** Commits of the main branch that are searched for `Bead:` trailers. */
const DEPTH = 500;

/** Bead id -> newest commit on the main branch whose `Bead:` trailer names it. */
export async function landedBeads(project: Project): Promise<Map<string, string>> {
  const format = '--format=%H %(trailers:key=Bead,valueonly,separator=%x20)';
  const log = await git(project.gitDir, [
    'log',
    format,
    `--max-count=${DEPTH}`,
    `refs/heads/${project.mainBranch}`,
    '--',
  ]);
  const found = new Map<string, string>();
  for (const line of log.split('\n')) {
    const [commit = '', ...ids] = line.trim().split(/\s+/);
    for (const id of ids) if (!found.has(id)) found.set(id, commit);
  }
  return found;
}
