/**
 * Merges the state of another clone into ours: fast-forward where that is enough, else field by field and one commit
 * with both as parents. Whatever cuts it short leaves changes in the outbox, and the next round merges again.
 */
import type { Clock } from '../base/clock.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import { assertKnownFormat } from '../storage/record/format.ts';
import { latestStamp, parseRecord, type StateRecord } from '../storage/record/record.ts';
import { parseStamp } from '../storage/record/stamp.ts';
import type { Replica } from '../storage/records.ts';
import type { FlusherTurn } from '../storage/state-ref/flusher.ts';
import { FORMAT_PATH } from '../storage/state-ref/layout.ts';
import { changedPaths, readAll, readDiff, readPaths, type StateFile } from '../storage/state-ref/read.ts';
import { mergeBase } from '../storage/state-ref/remote.ts';
import type { MovedId } from './id-clash.ts';
import type { StateImport } from './state-import.ts';
import type { TakeOptions } from './state-take.ts';

export interface MergeReport {
  received: number;
  conflicts: number;
  moved: MovedId[];
  /** Commit of the state ref afterwards. */
  commit: string | null;
}

export interface MergeRequest {
  project: Project;
  /** Tip of the other clone. */
  theirs: string;
  /** Also merges a history that was begun apart. */
  join: boolean;
  /** Also takes stamps that are far ahead of the clock. */
  acceptSkew: boolean;
}

interface MergeParts {
  importer: StateImport;
  replica: Replica;
  clock: Clock;
}

/** Another clock may be ahead by this much (ms). */
const MOST_AHEAD_MS = 600_000;

function assertClocks(files: readonly StateFile[], nowMs: number, ownReplica: string): void {
  for (const { path, content } of files) {
    if (content === null) continue;
    const stamp = parseStamp(latestStampOf(content));
    if (!stamp || stamp.replica === ownReplica || stamp.ms - nowMs <= MOST_AHEAD_MS) continue;
    const minutes = Math.round((stamp.ms - nowMs) / 60_000);
    throw failure('clock-skew', { replica: stamp.replica, minutes, path });
  }
}

function latestStampOf(content: string): string {
  try {
    return latestStamp(parseRecord(content));
  } catch {
    // Unreadable files are dealt with where they are taken in.
    return '';
  }
}

async function filesOf(gitDir: string, base: string | undefined, theirs: string): Promise<StateFile[]> {
  if (base !== undefined) return readDiff(gitDir, base, theirs);
  const files: StateFile[] = [];
  await readAll(gitDir, theirs, async (batch) => void files.push(...batch));
  return files;
}

/** Records of the common ancestor at the paths that both sides changed. */
async function commonRecords(
  gitDir: string,
  base: string,
  changedHere: readonly string[],
  files: readonly StateFile[],
): Promise<NonNullable<TakeOptions['before']>> {
  const here = new Set(changedHere);
  const both = files.map((file) => file.path).filter((path) => here.has(path));
  const texts = await readPaths(gitDir, base, both);
  const known = new Map(both.map((path) => [path, { record: readable(texts.get(path)) }]));
  return (path) => known.get(path);
}

function readable(text: string | undefined): StateRecord | undefined {
  try {
    return text === undefined ? undefined : parseRecord(text);
  } catch {
    return undefined;
  }
}

export async function mergeState(turn: FlusherTurn, request: MergeRequest, parts: MergeParts): Promise<MergeReport> {
  const { project, theirs } = request;
  const { importer, clock, replica } = parts;
  const { gitDir } = project;
  await turn.commit();
  const ours = await turn.head();
  const nothing = { received: 0, conflicts: 0, moved: [], commit: ours };
  const base = ours === null ? undefined : await mergeBase(gitDir, ours, theirs);
  if (base === theirs) return nothing;
  if (ours !== null && base === undefined && !request.join) throw failure('sync-unrelated');
  const isForward = ours === null || base === ours;
  const [files, changedHere] = await Promise.all([
    filesOf(gitDir, base, theirs),
    base === undefined || isForward ? [] : changedPaths(gitDir, base, ours),
  ]);
  assertKnownFormat(files.find((file) => file.path === FORMAT_PATH)?.content);
  if (!request.acceptSkew) assertClocks(files, clock.now(), replica.id);
  if (isForward) {
    await turn.forward(theirs);
    await importer.importRef(project, theirs);
    await turn.commit();
    return { received: files.length, conflicts: 0, moved: [], commit: await turn.head() };
  }
  // Of histories that never met every difference counts.
  const before =
    base === undefined ? () => ({ record: undefined }) : await commonRecords(gitDir, base, changedHere, files);
  const how: TakeOptions = { announce: true, inGit: 'ours', before };
  const taken = await importer.takeFiles(project, theirs, files, how);
  await turn.commit(theirs);
  return { received: files.length, conflicts: taken.conflicts, moved: taken.moved, commit: await turn.head() };
}
