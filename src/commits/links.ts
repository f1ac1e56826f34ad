/**
 * Follows the commits of beads by what they change. A branch that was rebased or amended keeps its links; work that reached
 * the main branch by a rebase, a cherry-pick or a squash is recognised there without any trailer.
 */
import { tryGit } from '../base/git.ts';
import type { Project } from '../repos/schema.ts';
import type { Database, Reader } from '../storage/database.ts';
import { branchPatchId, commitFacts } from './patch-id.ts';
import type { CommitLink } from './schema.ts';
import { currentLinks, linksOf, markOnMain, putLink, type StoredLink, scannedTip, setScannedTip } from './store.ts';

export interface CommitLinks {
  /** The commits of a bead's branch, oldest first, as they are now. */
  branchMoved(project: Project, beadId: string, head: string, commits: readonly string[]): Promise<void>;
  /** Compares what is new on the main branch; beads whose whole work is there, with the commit of main's own line that brought it. */
  mainMoved(project: Project, head: string): Promise<Map<string, string>>;
  /** The same for one bead, from what was compared before. */
  completed(project: Project, beadId: string): Promise<string | undefined>;
}

/** Commits of the main branch that are compared at most after one move. */
const MOST_NEW = 500;

/** The stored links of a bead as they are shown. Pure. */
export function shown(links: readonly StoredLink[]): CommitLink[] {
  const current = links.filter((link) => link.isCurrent && !link.isWhole);
  return links
    .filter((link) => !link.isWhole)
    .map((link): CommitLink => {
      const { position: _position, isCurrent, isWhole: _whole, ...rest } = link;
      const heir = isCurrent ? undefined : current.find((each) => each.patchId && each.patchId === link.patchId);
      const state = link.mainCommit !== undefined ? 'on-main' : isCurrent ? 'branch' : 'replaced';
      return { ...rest, state, ...(heir ? { replacedBy: heir.commit } : {}) };
    });
}

/** The commit that completed a bead's work on the main branch; undefined while some of it is missing. Pure. */
export function completedBy(links: readonly StoredLink[]): string | undefined {
  const whole = links.find((link) => link.isWhole && link.isCurrent)?.mainCommit;
  if (whole !== undefined) return whole;
  const commits = links.filter((link) => link.isCurrent && !link.isWhole && link.patchId !== undefined);
  if (commits.length === 0 || commits.some((link) => link.mainCommit === undefined)) return undefined;
  return commits.at(-1)?.mainCommit;
}

/** Links of a bead as they are shown, and the squash that holds all of it. */
export async function listLinks(db: Reader, projectId: string, beadId: string) {
  const links = await linksOf(db, projectId, beadId);
  const squash = links.find((link) => link.isWhole && link.mainCommit !== undefined)?.mainCommit;
  return { items: shown(links), ...(squash === undefined ? {} : { squash }) };
}

async function listed({ gitDir }: Project, options: readonly string[]): Promise<string[]> {
  const list = await tryGit(gitDir, ['rev-list', ...options]);
  return list.code === 0 ? list.stdout.split('\n').filter((line) => line !== '') : [];
}

export function createCommitLinks(database: Database): CommitLinks {
  /** Two moves of one project are never worked on at once: the later one is the truer. */
  let queue: Promise<unknown> = Promise.resolve();
  function serialised<T>(work: () => Promise<T>): Promise<T> {
    const next = queue.then(work, work);
    queue = next.catch(() => undefined);
    return next;
  }

  async function wholeLink(project: Project, beadId: string, head: string, position: number) {
    const patchId = await branchPatchId(project.gitDir, `refs/heads/${project.mainBranch}`, head);
    const at = { subject: '', author: '', authoredAt: '', position };
    const link: StoredLink = { beadId, commit: head, ...at, isCurrent: true, isWhole: true };
    return patchId === undefined ? link : { ...link, patchId };
  }

  async function branchMoved(project: Project, beadId: string, head: string, commits: readonly string[]) {
    // A branch without commits of its own was merged or just begun: what is known of it stays.
    if (commits.length === 0) return;
    const known = await linksOf(database.db, project.id, beadId);
    const isKnown = (commit: string) => known.some((link) => link.commit === commit && !link.isWhole);
    const facts = await commitFacts(
      project.gitDir,
      commits.filter((commit) => !isKnown(commit)),
    );
    const whole = await wholeLink(project, beadId, head, commits.length);
    const onMain = (patchId: string | undefined) =>
      patchId === undefined ? undefined : known.find((link) => link.patchId === patchId)?.mainCommit;
    const fresh = facts.map((fact): StoredLink => {
      const mainCommit = onMain(fact.patchId);
      const link = { ...fact, beadId, position: commits.indexOf(fact.commit), isCurrent: true, isWhole: false };
      return mainCommit === undefined ? link : { ...link, mainCommit };
    });
    const kept = known
      .filter((link) => !link.isWhole || link.commit !== head)
      .map((link) => {
        const position = commits.indexOf(link.commit);
        const isCurrent = !link.isWhole && position >= 0;
        return { ...link, isCurrent, position: isCurrent ? position : link.position };
      });
    await database.transact(async (tx) => {
      for (const link of [...kept, ...fresh, whole]) await putLink(tx, project.id, link);
    });
  }

  async function newOnMain(project: Project, head: string): Promise<string[]> {
    const since = await scannedTip(database.db, project.id);
    if (since === undefined || since === head) return [];
    return listed(project, ['--reverse', '--no-merges', `--max-count=${MOST_NEW}`, head, `^${since}`]);
  }

  /** The commit of main's own line that brought `commit`: itself, or the merge above it. */
  async function broughtBy(project: Project, commit: string): Promise<string> {
    const above = `${commit}..refs/heads/${project.mainBranch}`;
    const line = await listed(project, ['--first-parent', '--parents', above]);
    const [oldest = '', below] = line.at(-1)?.split(' ') ?? [];
    if (oldest === '' || below === commit) return commit;
    const heirs = new Set(await listed(project, ['--ancestry-path', above]));
    return line.map((each) => each.split(' ')[0] ?? '').findLast((each) => heirs.has(each)) ?? commit;
  }

  async function mainMoved(project: Project, head: string): Promise<Map<string, string>> {
    const links = await currentLinks(database.db, project.id);
    const commits = links.length === 0 ? [] : await newOnMain(project, head);
    const facts = await commitFacts(project.gitDir, commits);
    const touched = new Set<string>();
    await database.transact(async (tx) => {
      for (const { commit, patchId } of facts) {
        if (patchId === undefined) continue;
        for (const beadId of await markOnMain(tx, project.id, patchId, commit)) touched.add(beadId);
      }
      await setScannedTip(tx, project.id, head);
    });
    const complete = new Map<string, string>();
    for (const beadId of touched) {
      const commit = await completed(project, beadId);
      if (commit !== undefined) complete.set(beadId, commit);
    }
    return complete;
  }

  async function completed(project: Project, beadId: string): Promise<string | undefined> {
    const commit = completedBy(await linksOf(database.db, project.id, beadId));
    return commit === undefined ? undefined : broughtBy(project, commit);
  }

  return {
    completed: (...args) => serialised(() => completed(...args)),
    branchMoved: (...args) => serialised(() => branchMoved(...args)),
    mainMoved: (...args) => serialised(() => mainMoved(...args)),
  };
}
