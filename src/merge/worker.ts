/** The worker of one project's merge queue: one round at a time, woken by what changes, interrupted by who needs it still. */
import { GodelError, messageOf } from '../base/error.ts';
import type { Config } from '../config.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import { batchSize } from './batch.ts';
import { changeEntry, changeQueue } from './changes.ts';
import { createGateSlot, type GateConfig, type GateSlot } from './gate.ts';
import { blockingFiles, moveMain } from './landing.ts';
import type { MergeParts } from './parts.ts';
import { candidates, checkAgainstMain, pairwiseConflicts } from './prepare.ts';
import { type RemoteState, readRemote } from './remote.ts';
import { noteForeignLandings, noteLandings, resumeQueue } from './resume.ts';
import { runRound } from './round.ts';
import type { Entry, Hold } from './schema.ts';
import { noteLanded } from './settle.ts';
import { buildStack, type Stack, type StackSpec } from './stack.ts';
import { isWaiting } from './state.ts';
import { loadQueue, openEntries } from './store.ts';
import { commitOf } from './trial.ts';

export interface Worker {
  /** Something changed that may let entries land. */
  wake(): void;
  /** Main moved: a round on a tip that is gone is given up. */
  mainMoved(): Promise<void>;
  /** Runs `work` while no round runs; one that runs is interrupted, and taken up again afterwards. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export interface WorkerOptions {
  parts: MergeParts;
  project: Project;
  /** An entry is over, on main or not: what it holds is let go. */
  landed: (entry: Entry) => void;
  /** Something about the queue or its entries changed. */
  changed: () => void;
}

/** While held: how often (ms) it is looked whether the reason is gone, and how often it is simply tried again. */
const LOOK_MS = 3_000;
const TRY_MS = 30_000;

const HOLD_KINDS: Readonly<Record<string, Hold['kind']>> = {
  'main-dirty': 'main-dirty',
  'main-locked': 'main-locked',
  'remote-refused': 'remote-refused',
  'remote-diverged': 'diverged',
  'gate-broken': 'gate-broken',
};

const gateConfigOf = (config: Config): GateConfig => ({
  command: config.gate_command || config.proof_command,
  timeoutMs: config.proof_timeout_seconds * 1000,
  setupCommand: config.setup_command,
  setupTimeoutMs: config.setup_timeout_seconds * 1000,
});

const gateMarker = (projectId: string, slot: number): string => `GODEL_GATE=${projectId}/${slot}`;
const gatesMarker = (projectId: string): string => `GODEL_GATES=${projectId}`;

export function createWorker({ parts, project, landed, changed }: WorkerOptions): Worker {
  const { database, units, log } = parts;
  const { gitDir, mainBranch: main } = project;
  const slots: GateSlot[] = [];
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;
  let interrupt = new AbortController();
  let lock: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  /** Tip of main that every entry was checked against, and tips a running round may find. */
  let checkedBase: string | undefined;
  let mainSeen: string | undefined;
  let expectedTips = new Set<string>();

  const mainTip = () => commitOf(gitDir, `refs/heads/${main}`);

  function locked<T>(work: () => Promise<T>): Promise<T> {
    const next = lock.then(work, work);
    lock = next.catch(() => undefined);
    return next;
  }

  function slotsFor(count: number): GateSlot[] {
    while (slots.length < count) {
      const slot = slots.length + 1;
      const marker = gateMarker(project.id, slot);
      const { gateEnvironment: environment, endMarked } = parts;
      const projectMarker = gatesMarker(project.id);
      slots.push(createGateSlot({ gitDir, top: project.path, slot, marker, projectMarker, environment, endMarked }));
    }
    return slots.slice(0, count);
  }

  async function setHold(hold: Hold | undefined): Promise<void> {
    const known = await loadQueue(database.db, project.id);
    const size = batchSize(known.failureRate);
    if (known.hold?.message === hold?.message && known.batchSize === size) return;
    await units.run((unit) =>
      changeQueue(unit, project.id, ({ hold: _before, ...queue }) => ({
        ...queue,
        batchSize: size,
        ...(hold ? { hold } : {}),
      })),
    );
  }

  /** A main with changes of a person in the way is looked at; after other reasons it is simply tried again. */
  async function isOver(hold: Hold): Promise<boolean> {
    if (hold.kind !== 'main-dirty') return true;
    const entries = await openEntries(database.db, project.id);
    const intent = entries.find((entry) => entry.status === 'held')?.intent;
    if (!intent || (await mainTip()) !== intent.from || !(await commitOf(gitDir, intent.to))) return true;
    return (await blockingFiles({ gitDir, main, from: intent.from, to: intent.to })).length === 0;
  }

  /** Notes what others brought to main since the last look. */
  async function lookAtMain(tip: string): Promise<void> {
    if (tip === mainSeen) return;
    await noteLandings(parts, project, mainSeen, landed);
    await noteForeignLandings(parts, project);
    mainSeen = tip;
  }

  /** Brings local main to what the remote has, where one takes part. @throws GodelError remote-diverged and others */
  async function followRemote(config: Config, base: string): Promise<[string, RemoteState | undefined]> {
    const remote = config.merge_remote;
    if (remote === '') return [base, undefined];
    const state = await readRemote({ gitDir, main, remote });
    if (state.kind === 'diverged') throw failure('remote-diverged', { main, remote });
    if (state.kind === 'behind') return [base, state];
    await moveMain({ gitDir, main, from: base, to: state.tip });
    await lookAtMain(state.tip);
    return [state.tip, { kind: 'behind', tip: state.tip }];
  }

  /** Entries that clash in the stack: with main alone they go back, with work ahead of them they wait for it. */
  async function setAside(base: string, stack: Stack): Promise<void> {
    const ahead = stack.items.map((item) => item.entry);
    const files = new Map(stack.clashing.map((each) => [each.entry.id, each.files]));
    const clashing = stack.clashing.map((each) => each.entry);
    for (const entry of await checkAgainstMain(parts, project, base, clashing)) {
      const found = await pairwiseConflicts(gitDir, entry, ahead);
      const conflicts = found.length > 0 ? found : [{ with: 'work ahead of it', files: files.get(entry.id) ?? [] }];
      if (JSON.stringify(conflicts) !== JSON.stringify(entry.conflicts))
        await units.run((unit) => changeEntry(unit, entry.id, { conflicts }));
    }
    for (const entry of stack.contained) {
      landed(await noteLanded(parts, entry, { commit: base, why: `its work is on ${main} already` }));
    }
  }

  async function stackOn(spec: StackSpec): Promise<Stack> {
    const stack = await buildStack(spec);
    await setAside(spec.base, stack);
    expectedTips = new Set([spec.base, ...stack.items.map((item) => item.commit)]);
    changed();
    return stack;
  }

  /** One round; true when another one may have work. */
  async function round(): Promise<boolean> {
    interrupt = new AbortController();
    const halt = interrupt.signal;
    const config = await parts.configOf(project.path);
    const queue = await loadQueue(database.db, project.id);
    const tip = await mainTip();
    if (stopped || tip === undefined) return false;
    await lookAtMain(tip);
    if (queue.paused || (queue.hold && !(await isOver(queue.hold)))) return false;
    if (!(await openEntries(database.db, project.id)).some((entry) => isWaiting(entry.status))) {
      await setHold(undefined);
      return false;
    }
    const [base, remote] = await followRemote(config, tip);
    const limit = batchSize(queue.failureRate);
    const entries = await candidates(parts, project, { base, limit, checkedBase, over: landed });
    checkedBase = base;
    const { items, contained } = await stackOn({ gitDir, base, entries, strategy: config.merge_strategy });
    if (items.length > 0 && !halt.aborted) {
      const [gate, usable] = [gateConfigOf(config), slotsFor(config.merge_gates)];
      await runRound({ parts, project, config, gate, slots: usable, items, base, remote, halt, landed, changed });
    }
    await setHold(undefined);
    return items.length + contained.length > 0 && !halt.aborted;
  }

  async function holdQueue(error: unknown): Promise<void> {
    log.warn({ projectId: project.id, problem: messageOf(error) }, 'merge queue held');
    const known = error instanceof GodelError ? error : failure('internal', { problem: messageOf(error) }, error);
    const since = new Date(parts.clock.now()).toISOString();
    const kind = HOLD_KINDS[known.reason] ?? 'error';
    await setHold({ kind, message: known.message, command: known.hint, since });
  }

  async function rounds(): Promise<void> {
    clearTimeout(timer);
    try {
      while (await locked(round)) changed();
      const { hold, paused } = await loadQueue(database.db, project.id);
      if (hold && !paused && !stopped) timer = setTimeout(wake, LOOK_MS);
    } catch (error) {
      if (stopped) return;
      await holdQueue(error).catch((problem: unknown) => log.error({ problem: messageOf(problem) }, 'hold not noted'));
      const dirty = error instanceof GodelError && error.reason === 'main-dirty';
      timer = setTimeout(wake, dirty ? LOOK_MS : TRY_MS);
    }
  }

  function wake(): void {
    if (stopped) return;
    again = running !== undefined;
    running ??= rounds().finally(() => {
      running = undefined;
      changed();
      if (again) wake();
    });
  }

  return {
    wake,
    async mainMoved() {
      const tip = await mainTip();
      if (tip !== undefined && !expectedTips.has(tip)) interrupt.abort();
      wake();
    },
    exclusive(work) {
      interrupt.abort();
      return locked(work).finally(wake);
    },
    async stop() {
      stopped = true;
      interrupt.abort();
      clearTimeout(timer);
      await running;
      await lock;
    },
  };
}

/** What has to be mended before the first round of a worker. */
export async function beginQueue(parts: MergeParts, project: Project, landed: (entry: Entry) => void): Promise<void> {
  // Gates of a daemon that was killed would go on in the worktrees the next ones need.
  await parts.endMarked(gatesMarker(project.id));
  await resumeQueue(parts, project, landed);
}
