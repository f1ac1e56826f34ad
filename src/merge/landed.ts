/** What the main branch itself says about landings, by the trailers of its commits. */
import { git, tryGit } from '../base/git.ts';
import type { Project } from '../repos/schema.ts';
import type { Entry } from './schema.ts';

/** Commits of the main branch that are searched for `Bead:` trailers. */
const DEPTH = 500;

const trailer = (key: string) => `%(trailers:key=${key},valueonly,separator=%x20)`;

/** Bead id -> newest commit on the main branch whose `Bead:` trailer names it and that was not taken back since. */
export async function landedBeads(project: Pick<Project, 'gitDir' | 'mainBranch'>): Promise<Map<string, string>> {
  const format = `--format=%H%x00${trailer('Bead')}%x00${trailer('Reverts-Bead')}`;
  const range = [`--max-count=${DEPTH}`, `refs/heads/${project.mainBranch}`, '--'];
  const log = await git(project.gitDir, ['log', format, ...range]);
  const found = new Map<string, string>();
  const takenBack = new Set<string>();
  for (const line of log.split('\n')) {
    const [commit = '', beads = '', reverted = ''] = line.split('\0');
    for (const id of reverted.split(' ').filter(Boolean)) takenBack.add(id);
    for (const id of beads.split(' ').filter(Boolean)) if (!found.has(id) && !takenBack.has(id)) found.set(id, commit);
  }
  return found;
}

export interface Landings {
  /** The commit by which an entry landed, when it did. */
  of(entry: Entry): Promise<string | undefined>;
}

const MOST_COMMITS = 5_000;

/** What reached `main` since `from`: by the trailers of the queue, or because somebody merged the very commit. */
export async function landingsSince(gitDir: string, main: string, from: string): Promise<Landings> {
  const format = [`--format=%H%x00${trailer('Merge-Pin')}`, `--max-count=${MOST_COMMITS}`, main];
  const above = await tryGit(gitDir, ['log', ...format, `^${from}`, '--']);
  // A main that was written anew may have lost the commit the search begins at.
  const text = above.code === 0 ? above.stdout : await git(gitDir, ['log', ...format, '--']);
  const byPin = new Map<string, string>();
  const reached = new Set<string>();
  for (const line of text.split('\n')) {
    const [commit = '', pins = ''] = line.split('\0');
    reached.add(commit);
    for (const pin of pins.split(' ').filter(Boolean)) if (!byPin.has(pin)) byPin.set(pin, commit);
  }
  return {
    async of(entry) {
      const named = byPin.get(entry.pin);
      if (named !== undefined || !reached.has(entry.pin)) return named;
      const path = ['--reverse', '--topo-order', '--ancestry-path', `${entry.pin}..${main}`];
      return (await git(gitDir, ['rev-list', ...path])).split('\n')[0] || entry.pin;
    },
  };
}
