/** The words of the merge queue: for agents whose work comes back, and for lists. Pure. */
import { table } from '../base/table.ts';
import type { Conflict, Entry, ListedEntry, Overlap, Queue } from './schema.ts';

const fileList = (files: readonly string[]) => files.map((file) => `  ${file}`).join('\n');

/** Files of all conflicts, each once. */
export const conflictFiles = (conflicts: readonly Conflict[]): string[] => [
  ...new Set(conflicts.flatMap((conflict) => conflict.files)),
];

/** Note and prompt for work that no longer fits on main. */
export function conflictText(entry: Entry, main: string): string {
  return [
    `${entry.beadId} was accepted but conflicts with ${main} in:`,
    fileList(conflictFiles(entry.conflicts)),
    '',
    `In its worktree: git merge ${main}, resolve these files so that both changes keep their meaning, run the tests,`,
    'commit, and run: godel done',
  ].join('\n');
}

/** Note and prompt for work that failed the gate. */
export function evictionText(entry: Entry): string {
  return [
    `${entry.beadId} was accepted but the gate "${entry.gate?.command ?? ''}" fails with it (exit code ${entry.gate?.exitCode ?? 1});`,
    'without it the gate passes. The end of its output:',
    '',
    (entry.log ?? '').trimEnd(),
    '',
    'Mend it, commit, and run: godel done',
  ].join('\n');
}

export function rollbackText(entry: Entry, commit: string): string {
  return [
    `${entry.author} took the landing ${entry.reverts?.slice(0, 10)} back with ${commit.slice(0, 10)}.`,
    `To start from what it was: git revert ${commit.slice(0, 10)}`,
  ].join(' ');
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

/** What a person wants to know beside the status. */
export function remark(entry: ListedEntry): string {
  if (entry.landedCommit !== undefined) return entry.landedCommit.slice(0, 10);
  if (entry.reason !== undefined)
    return entry.command === undefined ? entry.reason : `${entry.reason} (${entry.command})`;
  if (entry.waitsFor.length > 0) return `waits for ${entry.waitsFor.join(', ')}`;
  if (entry.conflicts.length > 0)
    return `clashes with ${entry.conflicts.map((each) => each.with).join(', ')} ahead of it`;
  return '';
}

export function queueText(queue: Queue): string {
  const state = queue.paused
    ? `paused by ${queue.pausedBy}; godel merge resume lets it go on`
    : queue.hold
      ? `held: ${queue.hold.message} ${queue.hold.command}`
      : `runs, batches of up to ${queue.batchSize}`;
  const gate = queue.gateMs > 0 ? `, a gate takes ${duration(queue.gateMs)}` : '';
  const counts = `${queue.landed} landed, ${queue.evicted} evicted, ${queue.gateRuns} gate runs (${queue.reruns} re-runs, ${queue.flakes} flakes)`;
  return `Queue ${state}${gate}\n${counts}`;
}

export function entriesText(queue: Queue, entries: readonly ListedEntry[]): string {
  if (entries.length === 0) return `${queueText(queue)}\nNothing is in it. godel review accept <bead> lands work.`;
  const rows = entries.map((entry) => [
    entry.position === undefined ? '-' : String(entry.position),
    entry.kind === 'rollback' ? `${entry.beadId} (rollback)` : entry.beadId,
    entry.status,
    entry.etaMs === undefined ? '' : `~${duration(entry.etaMs)}`,
    entry.title.slice(0, 40),
    remark(entry),
  ]);
  return `${queueText(queue)}\n${table(['#', 'BEAD', 'STATUS', 'ETA', 'TITLE', ''], rows)}`;
}

export function overlapsText(overlaps: readonly Overlap[]): string {
  if (overlaps.length === 0) return 'No unfinished work clashes with main or with other work.';
  const rows = overlaps.map((overlap) => [overlap.a, overlap.b, overlap.files.join(' ')]);
  return table(['BEAD', 'CLASHES WITH', 'FILES'], rows);
}
