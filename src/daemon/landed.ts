/** Notices work that reached the main branch by itself: a landing cut short, or a person's own merge. */
import { git } from '../base/git.ts';
import type { Bead } from '../beads/schema.ts';
import type { Project } from '../repos/schema.ts';

/** Commits of the main branch that are searched for `Bead:` trailers. */
const DEPTH = 500;

/** Bead id -> newest commit on the main branch whose `Bead:` trailer names it. */
export async function landedBeads(project: Project): Promise<Map<string, string>> {
  const format = '--format=%H %(trailers:key=Bead,valueonly,separator=%x20)';
  const log = await git(project.gitDir, ['log', format, `--max-count=${DEPTH}`, `refs/heads/${project.mainBranch}`, '--']);
  const found = new Map<string, string>();
  for (const line of log.split('\n')) {
    const [commit = '', ...ids] = line.trim().split(/\s+/);
    for (const id of ids) if (!found.has(id)) found.set(id, commit);
  }
  return found;
}

/** True when a bead in review or in progress has all its commits on the main branch. */
export async function branchIsMerged(project: Project, bead: Bead): Promise<boolean> {
  const branch = bead.branch ?? `bead/${bead.id}`;
  const range = `refs/heads/${project.mainBranch}..refs/heads/${branch}`;
  const ahead = await git(project.gitDir, ['rev-list', '--count', range, '--']).catch(() => '');
  return ahead === '0' && bead.commits.length > 0;
}
