/** One exchange with a remote: fetch, merge, push, again while others are faster. */
import { failure } from '../errors.ts';
import { STATE_REF } from '../storage/state-ref/layout.ts';
import { fetchState, isAncestor, pushState, type RemoteState } from '../storage/state-ref/remote.ts';
import type { SyncReport } from './schema.ts';

export interface Merged {
  received: number;
  conflicts: number;
  moved: { from: string; to: string }[];
  commit: string | null;
}

export interface ExchangeSpec {
  gitDir: string;
  remote: string;
  /** Branch for a remote that does not take the namespace. */
  fallback: string | undefined;
  /** True when this remote has refused the namespace before. */
  isRefused: boolean;
  /** Merges a tip of the remote with what is here. */
  merge: (theirs: string) => Promise<Merged>;
  /** Writes what waits, and gives the commit of the state ref. */
  settle: () => Promise<string | null>;
  /** Waits about this long (ms). */
  pause: (ms: number) => Promise<void>;
  random: () => number;
  now: () => number;
}

export type Exchanged = SyncReport & { isRefused: boolean };

const MAX_ATTEMPTS = 10;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

async function takeIn(spec: ExchangeSpec, tips: RemoteState, report: Exchanged): Promise<void> {
  for (const theirs of [tips.state, tips.fallback]) {
    if (theirs === undefined) continue;
    const merged = await spec.merge(theirs);
    report.received += merged.received;
    report.conflicts += merged.conflicts;
    report.moved.push(...merged.moved.map(({ from, to }) => ({ from, to })));
  }
}

/** Whether a ref of the remote lacks something of `commit`. */
async function lacks(gitDir: string, commit: string, tip: string | undefined): Promise<boolean> {
  return tip === undefined || (tip !== commit && !(await isAncestor(gitDir, commit, tip)));
}

/** One push; true when the remote has the commit now. @throws GodelError sync-refused */
async function give(spec: ExchangeSpec, commit: string, tips: RemoteState, report: Exchanged): Promise<boolean> {
  const { gitDir, remote, fallback } = spec;
  if (!report.isRefused) {
    report.ref = STATE_REF;
    if (!(await lacks(gitDir, commit, tips.state))) return true;
    const pushed = await pushState(gitDir, remote, commit, STATE_REF);
    if (pushed.outcome !== 'refused') {
      report.sent ||= pushed.outcome === 'done';
      return pushed.outcome === 'done';
    }
    if (fallback === undefined) throw failure('sync-refused', { remote, problem: pushed.reason });
    report.isRefused = true;
  }
  if (fallback === undefined) throw failure('sync-refused', { remote, problem: 'it refused it before' });
  report.ref = `refs/heads/${fallback}`;
  if (!(await lacks(gitDir, commit, tips.fallback))) return true;
  const pushed = await pushState(gitDir, remote, commit, report.ref);
  if (pushed.outcome === 'refused') throw failure('sync-refused', { remote, problem: pushed.reason });
  report.sent ||= pushed.outcome === 'done';
  return pushed.outcome === 'done';
}

/** @throws GodelError sync-failed, sync-refused, sync-busy, sync-unrelated, clock-skew */
export async function exchangeState(spec: ExchangeSpec): Promise<Exchanged> {
  const { remote, fallback } = spec;
  const report: Exchanged = {
    remote,
    ref: STATE_REF,
    received: 0,
    sent: false,
    conflicts: 0,
    moved: [],
    attempts: 0,
    finishedAt: '',
    isRefused: spec.isRefused && fallback !== undefined,
  };
  for (;;) {
    report.attempts += 1;
    const tips = await fetchState(spec.gitDir, remote, fallback);
    await takeIn(spec, tips, report);
    const commit = await spec.settle();
    if (commit === null || (await give(spec, commit, tips, report))) {
      return { ...report, ...(commit === null ? {} : { commit }), finishedAt: new Date(spec.now()).toISOString() };
    }
    if (report.attempts >= MAX_ATTEMPTS) throw failure('sync-busy', { remote, attempts: report.attempts });
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** report.attempts);
    await spec.pause(longest * (0.5 + spec.random() / 2));
  }
}
