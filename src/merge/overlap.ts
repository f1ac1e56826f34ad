/**
 * Conflicts while they form: trial merges of all unfinished branches with main and with each other, in one process.
 * What is not committed yet takes part by its last snapshot. Only pairs whose commits changed are merged again.
 */
import { messageOf } from '../base/error.ts';
import { git } from '../base/git.ts';
import type { Log } from '../base/log.ts';
import type { Project } from '../repos/schema.ts';
import type { Overlap } from './schema.ts';
import { commitOf, trialMerges } from './trial.ts';

export interface OverlapReport {
  overlaps: Overlap[];
  /** Branches that took part. */
  branches: number;
  durationMs: number;
}

export interface OverlapMap {
  /** Looks now. */
  refresh(project: Project): Promise<OverlapReport>;
  /** Looks soon; many calls make one look. */
  soon(project: Project): void;
  /** What was found last. */
  known(projectId: string): Overlap[];
  stop(): Promise<void>;
}

export interface OverlapOptions {
  /** Of these beads, those that are not finished: their branches take part. */
  unfinished: (projectId: string, ids: Iterable<string>) => Promise<Set<string>>;
  /** Told when the map of a project is another one. */
  changed: (projectId: string, overlaps: Overlap[]) => Promise<void>;
  log: Log;
}

interface Tip {
  beadId: string;
  commit: string;
}

const SOON_MS = 400;
const HEADS = 'refs/heads/bead/';
const SNAPSHOTS = 'refs/godel/wip/';

/** Newest commit of each unfinished branch: its last snapshot when that was taken on the branch as it is. */
async function unfinishedTips(project: Project, options: Pick<OverlapOptions, 'unfinished'>): Promise<Tip[]> {
  const format = '--format=%(refname) %(objectname) %(parent)';
  const listed = await git(project.gitDir, ['for-each-ref', format, HEADS, SNAPSHOTS]);
  const heads = new Map<string, string>();
  const snapshots = new Map<string, { commit: string; head: string }>();
  for (const line of listed.split('\n')) {
    const [ref = '', commit = '', head = ''] = line.split(' ');
    if (ref.startsWith(HEADS)) heads.set(ref.slice(HEADS.length), commit);
    else if (ref.startsWith(SNAPSHOTS)) snapshots.set(ref.slice(SNAPSHOTS.length), { commit, head });
  }
  const [ahead, unfinished] = [await notOnMain(project), await options.unfinished(project.id, heads.keys())];
  return [...heads]
    .filter(([beadId]) => unfinished.has(beadId))
    .map(([beadId, head]) => {
      const snapshot = snapshots.get(beadId);
      return { beadId, commit: snapshot?.head === head ? snapshot.commit : head };
    })
    .filter((tip) => ahead.has(tip.beadId) || tip.commit !== heads.get(tip.beadId))
    .sort((a, b) => (a.beadId < b.beadId ? -1 : 1));
}

/** Beads with commits that main does not hold. */
async function notOnMain(project: Project): Promise<Set<string>> {
  const merged = `--no-merged=refs/heads/${project.mainBranch}`;
  const listed = await git(project.gitDir, ['for-each-ref', '--format=%(refname)', merged, HEADS]);
  return new Set(listed.split('\n').map((ref) => ref.slice(HEADS.length)));
}

interface Pair {
  a: string;
  b: string;
  ours: string;
  theirs: string;
}

function pairsOf(main: { name: string; commit: string }, tips: readonly Tip[]): Pair[] {
  return tips.flatMap((tip, index) => [
    { a: tip.beadId, b: main.name, ours: main.commit, theirs: tip.commit },
    ...tips
      .slice(index + 1)
      .map((other) => ({ a: tip.beadId, b: other.beadId, ours: tip.commit, theirs: other.commit })),
  ]);
}

interface Known {
  files: Map<string, string[]>;
  overlaps: Overlap[];
}

export function createOverlapMap(options: OverlapOptions): OverlapMap {
  const projects = new Map<string, Known>();
  const timers = new Map<string, NodeJS.Timeout>();
  let running: Promise<unknown> = Promise.resolve();

  async function look(project: Project): Promise<OverlapReport> {
    const started = performance.now();
    const known = projects.get(project.id) ?? { files: new Map<string, string[]>(), overlaps: [] };
    const main = await commitOf(project.gitDir, `refs/heads/${project.mainBranch}`);
    const tips = main === undefined ? [] : await unfinishedTips(project, options);
    const pairs = pairsOf({ name: project.mainBranch, commit: main ?? '' }, tips);
    const keyOf = (pair: Pair) => `${pair.ours} ${pair.theirs}`;
    const missing = pairs.filter((pair) => !known.files.has(keyOf(pair)));
    const trials = await trialMerges(
      project.gitDir,
      missing.map((pair) => [pair.ours, pair.theirs] as const),
    );
    const found = new Map(missing.map((pair, index) => [keyOf(pair), trials[index]?.files ?? []]));
    const filesOf = (pair: Pair) => found.get(keyOf(pair)) ?? known.files.get(keyOf(pair)) ?? [];
    const overlaps = pairs.flatMap((pair) => {
      const files = filesOf(pair);
      return files.length > 0 ? [{ a: pair.a, b: pair.b, files }] : [];
    });
    // Only what concerns today's commits is remembered.
    projects.set(project.id, { files: new Map(pairs.map((pair) => [keyOf(pair), filesOf(pair)])), overlaps });
    if (JSON.stringify(overlaps) !== JSON.stringify(known.overlaps)) await options.changed(project.id, overlaps);
    return { overlaps, branches: tips.length, durationMs: performance.now() - started };
  }

  /** One look at a time. */
  function refresh(project: Project): Promise<OverlapReport> {
    const next = running.then(() => look(project));
    running = next.catch(() => undefined);
    return next;
  }

  return {
    refresh,
    soon(project) {
      if (timers.has(project.id)) return;
      const timer = setTimeout(() => {
        timers.delete(project.id);
        refresh(project).catch((error: unknown) =>
          options.log.warn({ projectId: project.id, problem: messageOf(error) }, 'overlaps not looked for'),
        );
      }, SOON_MS);
      timers.set(project.id, timer);
    },
    known: (projectId) => projects.get(projectId)?.overlaps ?? [],
    async stop() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      await running;
    },
  };
}
