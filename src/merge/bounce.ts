/** Work that cannot land goes back: bead in progress again, agent told; else a refinery agent, else a person. */
import { open, stat } from 'node:fs/promises';
import { messageOf } from '../base/error.ts';
import { newId } from '../base/id.ts';
import { changeBead, moveBead } from '../beads/changes.ts';
import { nextBeadStatus } from '../beads/state.ts';
import { findBead } from '../beads/store.ts';
import type { Project } from '../repos/schema.ts';
import type { Unit } from '../storage/unit-of-work.ts';
import { averaged } from './batch.ts';
import { changeEntry, changeQueue, moveEntry } from './changes.ts';
import type { MergeParts } from './parts.ts';
import type { Conflict, Entry, GateVerdict } from './schema.ts';
import { conflictFiles, conflictText, evictionText } from './text.ts';

const TAIL_BYTES = 6_000;
const AUTHOR = 'merge queue';
/** An agent that could not resolve a conflict this often is helped by a refinery agent. */
const OWN_TRIES = 2;

/** The end of a log. */
export async function tailOf(file: string): Promise<string> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size === 0) return '';
  const handle = await open(file, 'r');
  try {
    const length = Math.min(size, TAIL_BYTES);
    const { buffer } = await handle.read({ buffer: Buffer.alloc(length), position: size - length, length });
    return buffer.toString('utf8');
  } finally {
    await handle.close();
  }
}

/** The bead leaves review, with what is wrong as a note. */
async function returnBead(unit: Unit, entry: Entry, text: string): Promise<void> {
  const bead = await findBead(unit.tx, entry.projectId, entry.beadId);
  if (!bead || entry.kind === 'rollback') return;
  const note = { id: newId(), author: AUTHOR, text, createdAt: unit.now };
  const change = { notes: [...bead.notes, note] };
  if (nextBeadStatus(bead.status, 'send-back') === undefined) await changeBead(unit, bead, change, 'merge queue note');
  else await moveBead(unit, bead.projectId, bead.id, 'send-back', AUTHOR, change);
}

/** Who goes on with it, in words. */
async function handOver(
  parts: MergeParts,
  project: Project,
  entry: Entry,
  text: string,
  enabled: boolean,
): Promise<string> {
  if (entry.kind === 'rollback') return 'a person sees to it';
  const tries = entry.history.filter((step) => step.to === 'conflicted').length;
  const byRefinery = enabled && entry.status === 'conflicted';
  if (!byRefinery || tries < OWN_TRIES) {
    const agent = await parts.tellAgent(project.id, entry.beadId, text, AUTHOR);
    if (agent !== undefined) return `${agent} was told`;
  }
  if (!byRefinery) return 'no agent is running; its next one reads it';
  try {
    return `${await parts.startRefinery(project.id, entry.beadId, text)} resolves it`;
  } catch (error) {
    parts.log.warn({ beadId: entry.beadId, problem: messageOf(error) }, 'no refinery agent could be started');
    return `a person sees to it: ${messageOf(error)}`;
  }
}

async function giveBack(parts: MergeParts, project: Project, entry: Entry, text: string): Promise<Entry> {
  const config = await parts.configOf(project.path);
  const next = await handOver(parts, project, entry, text, config.merge_refinery);
  return parts.units.run((unit) => changeEntry(unit, entry.id, { reason: `${entry.reason}; ${next}` }));
}

/** Sets an entry aside that conflicts with main and gives its bead back with the list of files. */
export async function bounceConflict(
  parts: MergeParts,
  project: Project,
  entry: Entry,
  conflicts: readonly Conflict[],
): Promise<Entry> {
  const files = conflictFiles(conflicts);
  const text = conflictText({ ...entry, conflicts: [...conflicts] }, project.mainBranch);
  const bounced = await parts.units.run(async (unit) => {
    const reason = `conflicts with ${project.mainBranch} in ${files.join(', ')}`;
    const change = {
      conflicts: [...conflicts],
      reason,
      command: `godel merge retry ${entry.beadId}`,
      intent: undefined,
    };
    const moved = await moveEntry(unit, entry.id, 'conflict', reason, change);
    await returnBead(unit, entry, text);
    return moved;
  });
  return giveBack(parts, project, bounced, text);
}

/** Evicts an entry whose gate stayed red, with the end of the log. */
export async function evictEntry(
  parts: MergeParts,
  project: Project,
  entry: Entry,
  verdict: { gate: GateVerdict; logFile: string },
): Promise<Entry> {
  const log = await tailOf(verdict.logFile);
  const { gate, logFile } = verdict;
  const evicted = await parts.units.run(async (unit) => {
    const reason = `the gate "${gate.command}" fails with it (exit code ${gate.exitCode})`;
    const command = `godel merge retry ${entry.beadId}`;
    const moved = await moveEntry(unit, entry.id, 'evict', reason, { gate, log, logFile, reason, command });
    await returnBead(unit, moved, evictionText(moved));
    await changeQueue(unit, entry.projectId, (queue) => ({
      ...queue,
      evicted: queue.evicted + 1,
      failureRate: averaged(queue.failureRate, 1),
    }));
    return moved;
  });
  return giveBack(parts, project, evicted, evictionText(evicted));
}
