/**
 * One round: a stack of entries on main, gates over its prefixes, landings of what is green, eviction of what is not.
 * `nextStep` decides; this file does. A stop at any point loses nothing: what is true is in refs and rows.
 */
import { GodelError } from '../base/error.ts';
import type { Config } from '../config.ts';
import type { Project } from '../repos/schema.ts';
import { averaged, newRound, nextStep, noteVerdict, type Policy, type Round } from './batch.ts';
import { evictEntry } from './bounce.ts';
import { changeEntry, changeQueue, loadEntry, moveEntry } from './changes.ts';
import { type GateConfig, type GateResult, type GateSlot, gateHash } from './gate.ts';
import { moveMain } from './landing.ts';
import type { MergeParts } from './parts.ts';
import { pushMain, type RemoteState } from './remote.ts';
import type { Entry, GateVerdict } from './schema.ts';
import { noteLanded } from './settle.ts';
import type { Stacked } from './stack.ts';
import { isVerified, loadQueue, noteVerified } from './store.ts';

export interface RoundSpec {
  parts: MergeParts;
  project: Project;
  config: Config;
  gate: GateConfig;
  slots: readonly GateSlot[];
  items: readonly Stacked[];
  base: string;
  remote: RemoteState | undefined;
  /** Aborted when nothing more may land now: somebody needs the queue still, or main is another one. */
  halt: AbortSignal;
  landed: (entry: Entry) => void;
  changed: () => void;
}

interface Verdict {
  prefix: number;
  green: boolean;
  gate: GateVerdict;
  logFile: string;
}

interface Running {
  abort: AbortController;
  slot: GateSlot;
  verdict: Promise<Verdict | { prefix: number; failed: unknown } | { prefix: number; moot: true }>;
}

interface RoundState {
  round: Round;
  /** Prefix that is on main. */
  onMain: number;
  /** Tip of main on the remote, as it is expected there. */
  remoteTip: string | undefined;
  verdicts: Map<number, Verdict>;
  running: Map<number, Running>;
}

const tipOf = (spec: RoundSpec, prefix: number): Stacked => spec.items[prefix - 1] as Stacked;

/** Verdicts that need no gate: no command is set, or this very tree has passed this very gate. */
async function knownVerdict(spec: RoundSpec, prefix: number): Promise<Verdict | undefined> {
  const { parts, project, gate } = spec;
  const { tree, commit, entry } = tipOf(spec, prefix);
  const free = gate.command === '';
  if (!free && !(await isVerified(parts.database.db, project.id, tree, gateHash(gate)))) return undefined;
  if (!free) {
    await parts.units.run((unit) =>
      changeQueue(unit, project.id, (queue) => ({ ...queue, cacheHits: queue.cacheHits + 1 })),
    );
  }
  const verdict = { command: gate.command, exitCode: 0, durationMs: 0, commit, cached: !free };
  return { prefix, green: true, gate: verdict, logFile: parts.logFileOf(entry.id) };
}

function startGate(spec: RoundSpec, prefix: number, slot: GateSlot): Running {
  const { commit, entry } = tipOf(spec, prefix);
  const abort = new AbortController();
  const logFile = `${spec.parts.logFileOf(entry.id)}.${prefix}`;
  const signal = AbortSignal.any([abort.signal, spec.halt]);
  const verdict = slot.run({ commit, config: spec.gate, logFile, signal }).then(
    (result: GateResult): Verdict | { prefix: number; moot: true } => {
      if (signal.aborted) return { prefix, moot: true };
      const gate = { ...result, command: spec.gate.command, commit, cached: false };
      return { prefix, green: result.exitCode === 0, gate, logFile };
    },
    (failed: unknown) => (signal.aborted ? { prefix, moot: true as const } : { prefix, failed }),
  );
  return { abort, slot, verdict };
}

/** Counts a gate and keeps what passed, in one transaction. */
async function record(spec: RoundSpec, verdict: Verdict, told: { rerun: boolean; flake: boolean }): Promise<void> {
  const { parts, project, gate } = spec;
  const { entry, tree } = tipOf(spec, verdict.prefix);
  await parts.units.run(async (unit) => {
    if (verdict.green) {
      await noteVerified(unit.tx, project.id, { tree, gate: gateHash(gate), atMs: unit.nowMs });
    }
    await changeQueue(unit, project.id, (queue) => ({
      ...queue,
      gateRuns: queue.gateRuns + 1,
      reruns: queue.reruns + (told.rerun ? 1 : 0),
      flakes: queue.flakes + (told.flake ? 1 : 0),
      flakeRate: told.rerun ? averaged(queue.flakeRate, told.flake ? 1 : 0) : queue.flakeRate,
      gateMs:
        queue.gateMs === 0 ? verdict.gate.durationMs : queue.gateMs + 0.3 * (verdict.gate.durationMs - queue.gateMs),
    }));
    const known = await loadEntry(unit, entry.id);
    await changeEntry(unit, entry.id, {
      gateRuns: known.gateRuns + 1,
      flakes: known.flakes + (told.flake ? 1 : 0),
      gate: verdict.gate,
    });
  });
}

/** Starts what is wanted and not running, as far as slots are free; ends what is moot. */
function steer(spec: RoundSpec, state: RoundState, wanted: readonly number[]): void {
  for (const [prefix, running] of state.running) if (!wanted.includes(prefix)) running.abort.abort();
  const busy = new Set([...state.running.values()].map((running) => running.slot));
  const free = spec.slots.filter((slot) => !busy.has(slot));
  for (const prefix of wanted) {
    if (state.running.has(prefix)) continue;
    const slot = free.shift();
    if (!slot) return;
    state.running.set(prefix, startGate(spec, prefix, slot));
  }
}

async function endRunning(state: RoundState): Promise<void> {
  for (const running of state.running.values()) running.abort.abort();
  await Promise.all([...state.running.values()].map((running) => running.verdict));
  state.running.clear();
}

/** Moves main to the tip of a green prefix, the remote first, and reads it back. */
async function land(spec: RoundSpec, state: RoundState, prefix: number): Promise<void> {
  const { parts, project, config } = spec;
  const items = spec.items.slice(state.onMain, prefix);
  const from = state.onMain === 0 ? spec.base : tipOf(spec, state.onMain).commit;
  const to = tipOf(spec, prefix).commit;
  await parts.units.run(async (unit) => {
    const intent = { from, to, at: unit.now };
    const gate = state.verdicts.get(prefix)?.gate;
    const change = gate === undefined || gate.command === '' ? { intent } : { intent, gate };
    for (const { entry } of items) await moveEntry(unit, entry.id, 'pass', 'its gate is green', change);
  });
  const { gitDir, mainBranch: main } = project;
  if (spec.remote) {
    const remote = { gitDir, main, remote: config.merge_remote };
    await pushMain({ ...remote, commit: to, expected: state.remoteTip });
    state.remoteTip = to;
  }
  await moveMain({ gitDir, main, from, to });
  for (const { entry, commit, base } of items) {
    spec.landed(await noteLanded(parts, entry, { commit, base, why: `on ${main} as ${commit.slice(0, 10)}` }));
    spec.changed();
  }
  state.onMain = prefix;
}

async function take(spec: RoundSpec, state: RoundState, verdict: Verdict): Promise<void> {
  const rerun = state.round.red.has(verdict.prefix);
  const noted = noteVerdict(state.round, verdict.prefix, verdict.green);
  state.round = noted.round;
  state.verdicts.set(verdict.prefix, verdict);
  if (!verdict.gate.cached && verdict.gate.command !== '') await record(spec, verdict, { rerun, flake: noted.flake });
  if (state.round.green > state.onMain && !spec.halt.aborted) await land(spec, state, state.round.green);
}

/** Waits for the next gate to end. A broken gate blames nobody: it is thrown. */
async function nextVerdict(state: RoundState): Promise<Verdict | undefined> {
  const ended = await Promise.race([...state.running.values()].map((running) => running.verdict));
  state.running.delete(ended.prefix);
  if ('failed' in ended) throw ended.failed;
  return 'moot' in ended ? undefined : ended;
}

async function play(spec: RoundSpec, state: RoundState): Promise<void> {
  const { parts, project, config } = spec;
  while (!spec.halt.aborted) {
    const { failureRate, flakeRate } = await loadQueue(parts.database.db, project.id);
    const policy: Policy = { slots: spec.slots.length, retries: config.merge_retries, failureRate, flakeRate };
    const step = nextStep(state.round, policy);
    if (step.kind === 'done') return;
    if (step.kind === 'evict') {
      const verdict = state.verdicts.get(step.index);
      if (verdict) await evictEntry(parts, project, tipOf(spec, step.index).entry, verdict);
      return;
    }
    const known = await firstKnown(spec, state, step.prefixes);
    if (known) {
      await take(spec, state, known);
      continue;
    }
    steer(spec, state, step.prefixes);
    const verdict = await nextVerdict(state);
    if (verdict) await take(spec, state, verdict);
  }
}

async function firstKnown(
  spec: RoundSpec,
  state: RoundState,
  prefixes: readonly number[],
): Promise<Verdict | undefined> {
  for (const prefix of prefixes) {
    if (state.running.has(prefix) || state.round.red.has(prefix)) continue;
    const verdict = await knownVerdict(spec, prefix);
    if (verdict) return verdict;
  }
  return undefined;
}

/** Entries that were not dealt with go back into the queue. */
async function requeue(spec: RoundSpec, why: string): Promise<void> {
  await spec.parts.units.run(async (unit) => {
    for (const { entry } of spec.items) {
      const { status } = await loadEntry(unit, entry.id);
      if (status === 'gating' || status === 'landing')
        await moveEntry(unit, entry.id, 'requeue', why, { intent: undefined });
    }
  });
}

/** What keeps green work from landing: those entries are held, with the reason and the command that continues. */
async function holdLanding(spec: RoundSpec, error: GodelError): Promise<void> {
  await spec.parts.units.run(async (unit) => {
    for (const { entry } of spec.items) {
      const { status } = await loadEntry(unit, entry.id);
      const change = { reason: error.message, command: error.hint };
      if (status === 'landing') await moveEntry(unit, entry.id, 'hold', error.message, change);
    }
  });
}

/**
 * Plays one round to its end.
 * @throws GodelError main-dirty, main-locked, remote-refused, gate-broken and others that hold the queue
 */
export async function runRound(spec: RoundSpec): Promise<void> {
  const state: RoundState = {
    round: newRound(spec.items.length),
    onMain: 0,
    remoteTip: spec.remote?.tip,
    verdicts: new Map(),
    running: new Map(),
  };
  const size = spec.items.length;
  await spec.parts.units.run(async (unit) => {
    for (const [index, { entry }] of spec.items.entries())
      await moveEntry(unit, entry.id, 'gate', `${index + 1} of ${size} in a batch`, { waitsFor: [] });
  });
  try {
    await play(spec, state);
    await requeue(spec, spec.halt.aborted ? 'the queue was halted' : 'the batch ended before it');
  } catch (error) {
    const moved = error instanceof GodelError && error.reason === 'main-moved';
    if (error instanceof GodelError && !moved) await holdLanding(spec, error);
    await requeue(spec, moved ? `${spec.project.mainBranch} moved meanwhile` : 'the batch was cut short');
    if (!moved) throw error;
  } finally {
    await endRunning(state);
  }
}
