/**
 * Stacks entries on main in the object store: each entry's commit is made on the one below, so what a gate sees is
 * exactly what lands. An entry that does not fit is left out.
 */
import { git } from '../base/git.ts';
import { type Committer, createCommitter, type Signature } from './committer.ts';
import type { Entry, Strategy } from './schema.ts';
import { commitOf, isAncestor, mergeTrees, treeOf } from './trial.ts';

export interface Stacked {
  entry: Entry;
  /** Commit that lands it. */
  commit: string;
  /** Commit below. */
  base: string;
  tree: string;
}

export interface Stack {
  items: Stacked[];
  /** Entries that do not fit on what is below them. */
  clashing: { entry: Entry; files: string[] }[];
  /** Entries that add nothing: their work is there already. */
  contained: Entry[];
}

export interface StackSpec {
  gitDir: string;
  /** Tip of main. */
  base: string;
  entries: readonly Entry[];
  strategy: Strategy;
}

/** Trailers by which main alone tells what landed. */
function trailersOf(entry: Entry): string[] {
  const about =
    entry.kind === 'rollback'
      ? [`Reverts: ${entry.reverts}`, `Reverts-Bead: ${entry.beadId}`]
      : [`Bead: ${entry.beadId}`];
  return [`Accepted-by: ${entry.author}`, ...about, `Merge-Entry: ${entry.id}`, `Merge-Pin: ${entry.pin}`];
}

/** Commits of the entry that are not below, oldest first, without merges. */
async function ownCommits(gitDir: string, entry: Entry, base: string): Promise<string[]> {
  const listed = await git(gitDir, ['rev-list', '--reverse', '--topo-order', '--no-merges', entry.pin, `^${base}`]);
  return listed.split('\n').filter((oid) => oid !== '');
}

async function squashMessage(gitDir: string, entry: Entry, base: string): Promise<string> {
  const commits = await ownCommits(gitDir, entry, base);
  const subjects =
    commits.length < 2 ? '' : await git(gitDir, ['log', '--no-walk=unsorted', '--format=- %s', ...commits]);
  return [entry.title, ...(subjects === '' ? [] : [subjects]), trailersOf(entry).join('\n')].join('\n\n');
}

async function authorOf(gitDir: string, commit: string): Promise<Signature> {
  const shown = await git(gitDir, ['log', '-1', '--format=%an%n%ae%n%ad', '--date=raw', commit]);
  const [name = '', email = '', date = ''] = shown.split('\n');
  return { name, email, date };
}

async function withTrailers(gitDir: string, commit: string, trailers: readonly string[]): Promise<string> {
  const message = await git(gitDir, ['log', '-1', '--format=%B', commit]);
  const args = trailers.flatMap((trailer) => ['--trailer', trailer]);
  return git(gitDir, ['interpret-trailers', '--if-exists', 'addIfDifferent', ...args], { input: `${message}\n` });
}

interface Making {
  gitDir: string;
  committer: Committer;
  by: Signature;
}

/** Replays one commit on `onto`: a commit with the tree of `onto` on the commit's parent gives the merge base. */
async function replay({ gitDir, committer, by }: Making, commit: string, onto: string): Promise<string | undefined> {
  const parent = await commitOf(gitDir, `${commit}^1`);
  if (parent === undefined) return undefined;
  const tree = await treeOf(gitDir, onto);
  const ours = await committer.commit({ tree, parents: [parent], message: 'onto\n', author: by, committer: by });
  const merged = await mergeTrees(gitDir, ours, commit);
  return merged.files.length > 0 ? undefined : merged.tree;
}

/** The entry's commits one by one on `base`; undefined when one of them does not fit by itself. */
async function rebased(making: Making, entry: Entry, base: string): Promise<string | undefined> {
  const { gitDir, committer, by } = making;
  const commits = await ownCommits(gitDir, entry, base);
  const last = commits.at(-1);
  let tip = base;
  for (const commit of commits) {
    const tree = await replay(making, commit, tip);
    if (tree === undefined) return undefined;
    if (tree === (await treeOf(gitDir, tip)) && commit !== last) continue;
    const trailers = commit === last ? trailersOf(entry) : [`Bead: ${entry.beadId}`];
    const message = await withTrailers(gitDir, commit, trailers);
    const author = await authorOf(gitDir, commit);
    tip = await committer.commit({ tree, parents: [tip], message: `${message}\n`, author, committer: by });
  }
  return tip === base ? undefined : tip;
}

interface Fit {
  entry: Entry;
  base: string;
  tree: string;
}

async function commitFor(spec: StackSpec, { entry, base, tree }: Fit, making: Making): Promise<string> {
  const { gitDir, committer, by } = making;
  const signed = { tree, author: by, committer: by };
  // A rollback is one commit by nature, whatever the project prefers for work.
  const strategy = entry.kind === 'rollback' ? 'squash' : spec.strategy;
  if (strategy === 'merge') {
    const message = `${entry.title}\n\n${trailersOf(entry).join('\n')}\n`;
    return committer.commit({ ...signed, parents: [base, entry.pin], message });
  }
  const replayed = strategy === 'rebase' ? await rebased(making, entry, base) : undefined;
  // What merges as a whole although one of its commits does not fit by itself lands as one commit.
  if (replayed !== undefined && (await treeOf(gitDir, replayed)) === tree) return replayed;
  const message = `${await squashMessage(gitDir, entry, base)}\n`;
  return committer.commit({ ...signed, parents: [base], message });
}

/** True when an entry whose merge changes nothing has nothing to land: its work is below, or it takes back nothing. */
const addsNothing = async (gitDir: string, entry: Entry, tip: string): Promise<boolean> =>
  entry.kind === 'rollback' || (await isAncestor(gitDir, entry.pin, tip));

/** Builds the stack. Nothing but objects is written; an entry that lands as a merge costs one process. */
export async function buildStack(spec: StackSpec): Promise<Stack> {
  const { gitDir } = spec;
  const stack: Stack = { items: [], clashing: [], contained: [] };
  const committer = await createCommitter(gitDir);
  let tip = spec.base;
  let tipTree = await treeOf(gitDir, tip);
  for (const entry of spec.entries) {
    const { tree, files } = await mergeTrees(gitDir, tip, entry.pin);
    if (files.length > 0) {
      stack.clashing.push({ entry, files });
      continue;
    }
    if (tree === tipTree && (await addsNothing(gitDir, entry, tip))) {
      stack.contained.push(entry);
      continue;
    }
    const commit = await commitFor(
      spec,
      { entry, base: tip, tree },
      { gitDir, committer, by: committer.identityOf(entry.author) },
    );
    stack.items.push({ entry, commit, base: tip, tree });
    tip = commit;
    tipTree = tree;
  }
  return stack;
}

/** A commit that takes a landing back, on top of it: merged like any other work it reverts it on today's main. */
export async function rollbackCommit(
  gitDir: string,
  landing: { commit: string; base: string; title: string; author: string },
): Promise<string> {
  const committer = await createCommitter(gitDir);
  const by = committer.identityOf(landing.author);
  const message = `Revert "${landing.title}"\n\nThis takes back ${landing.commit}.\n`;
  const tree = await treeOf(gitDir, landing.base);
  return committer.commit({ tree, parents: [landing.commit], message, author: by, committer: by });
}
