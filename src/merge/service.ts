/** One handler per operation of the merge queue. */
import type { Handlers, RequestContext } from '../access/context.ts';
import { newId } from '../base/id.ts';
import { decideStatus, moveBead } from '../beads/changes.ts';
import type { Bead } from '../beads/schema.ts';
import { resolveBead } from '../beads/store.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import { changeEntry, emitEntry, moveEntry } from './changes.ts';
import type { mergeOperations } from './operations.ts';
import type { OverlapMap } from './overlap.ts';
import type { MergeParts } from './parts.ts';
import { pinEntry } from './pins.ts';
import { checkAgainstMain, orderingOf, pairwiseConflicts } from './prepare.ts';
import type { MergeQueue } from './queue.ts';
import type { Entry, ListedEntry, MergeView, Pinned } from './schema.ts';
import { rollbackCommit } from './stack.ts';
import { isOpen, isSetAside, isWaiting, listEntries } from './state.ts';
import { closedEntries, entryOfBead, findEntry, insertEntry, loadQueue, openEntries, resolveEntry } from './store.ts';
import { commitOf, isAncestor } from './trial.ts';

export interface MergeServiceOptions {
  parts: MergeParts;
  queue: MergeQueue;
  overlaps: OverlapMap;
  project: (id: string) => Promise<Project>;
}

export interface MergeService {
  readonly handlers: Handlers<typeof mergeOperations>;
  /** Puts accepted work into the queue and waits for what becomes of it. */
  enqueue(beadId: string, waitMs: number, context: RequestContext): Promise<Entry>;
  /** What the board draws. */
  view(projectId: string): Promise<MergeView>;
}

export function createMergeService(options: MergeServiceOptions): MergeService {
  const { parts, queue } = options;
  const { database, units, clock } = parts;
  const adding = new Map<string, Promise<unknown>>();

  /** One change of who is in the queue at a time, per project. */
  function serialised<T>(projectId: string, work: () => Promise<T>): Promise<T> {
    const next = (adding.get(projectId) ?? Promise.resolve()).then(work, work);
    adding.set(
      projectId,
      next.catch(() => undefined),
    );
    return next;
  }

  /** The commit a bead's branch would land. @throws GodelError nothing-to-review */
  async function headOf(project: Project, bead: Bead): Promise<{ pin: string; mainAt: string }> {
    const { gitDir, mainBranch: main } = project;
    const branch = bead.branch ?? `bead/${bead.id}`;
    const pin = await commitOf(gitDir, `refs/heads/${branch}`);
    const mainAt = await commitOf(gitDir, `refs/heads/${main}`);
    if (pin === undefined || mainAt === undefined || (await isAncestor(gitDir, pin, mainAt)))
      throw failure('nothing-to-review', { branch, main });
    return { pin, mainAt };
  }

  function newEntry(project: Project, pinned: Pinned, pin: string): Entry {
    return {
      ...pinned,
      id: newId(),
      projectId: project.id,
      pin,
      status: 'queued',
      conflicts: [],
      waitsFor: [],
      gateRuns: 0,
      flakes: 0,
      released: false,
      history: [{ at: pinned.enqueuedAt, from: 'queued', to: 'queued', why: `put in by ${pinned.author}` }],
      updatedAt: pinned.enqueuedAt,
      version: 1,
    };
  }

  /** Pins it, then records it: durable in git first. */
  async function insert(project: Project, entry: Entry): Promise<Entry> {
    await pinEntry(project.gitDir, entry, clock.now());
    await units.run(async (unit) => {
      await insertEntry(unit.tx, entry);
      await emitEntry(unit, entry);
    });
    return check(project, entry);
  }

  /** Checks a new pin against main and against all that waits; what clashes with main goes back at once. */
  async function check(project: Project, entry: Entry): Promise<Entry> {
    const { gitDir, mainBranch } = project;
    const tip = await commitOf(gitDir, `refs/heads/${mainBranch}`);
    const [fits] = tip === undefined ? [entry] : await checkAgainstMain(parts, project, tip, [entry]);
    if (!fits) return (await findEntry(database.db, entry.id)) ?? entry;
    const others = (await openEntries(database.db, project.id)).filter(
      (other) => other.id !== entry.id && isWaiting(other.status),
    );
    const conflicts = await pairwiseConflicts(gitDir, entry, others);
    if (conflicts.length === 0) return fits;
    return units.run((unit) => changeEntry(unit, entry.id, { conflicts }));
  }

  /** Takes an entry up again at a new commit of its branch. */
  function repin(project: Project, entry: Entry, pinned: { pin: string; mainAt: string }, who: string): Promise<Entry> {
    return queue.exclusive(project, async () => {
      const known = (await findEntry(database.db, entry.id)) ?? entry;
      await pinEntry(project.gitDir, { ...known, ...pinned }, clock.now());
      const change = { ...pinned, conflicts: [], waitsFor: [], log: undefined, logFile: undefined, gate: undefined };
      const moved = await units.run((unit) =>
        isSetAside(known.status)
          ? moveEntry(unit, known.id, 'retry', `tried again by ${who}`, change)
          : changeEntry(unit, known.id, change),
      );
      return check(project, moved);
    });
  }

  async function addBead(project: Project, id: string, who: string): Promise<Entry> {
    const bead = await resolveBead(database.db, project.id, id);
    decideStatus(bead, 'land');
    const head = await headOf(project, bead);
    const known = await entryOfBead(database.db, project.id, bead.id);
    if (known && isOpen(known.status)) {
      if (known.pin === head.pin && isWaiting(known.status)) return known;
      return repin(project, known, head, who);
    }
    const { title, priority } = bead;
    const enqueuedAt = new Date(clock.now()).toISOString();
    const pinned: Pinned = {
      beadId: bead.id,
      kind: 'work',
      title,
      author: who,
      priority,
      enqueuedAt,
      mainAt: head.mainAt,
    };
    return insert(project, newEntry(project, pinned, head.pin));
  }

  async function awaited(project: Project, entry: Entry, waitMs: number, signal: AbortSignal): Promise<Entry> {
    queue.wake(project);
    if (waitMs === 0) return entry;
    const settled = await queue.settled(entry.id, waitMs, signal);
    const { hold, paused, pausedBy } = await loadQueue(database.db, project.id);
    if (settled.status !== 'queued' || (!hold && !paused)) return settled;
    // It is not the entry that is held but the queue: whoever waits is told why.
    const reason = hold?.message ?? `the queue was paused by ${pausedBy}.`;
    return { ...settled, reason, command: hold?.command ?? 'godel merge resume lets it go on.' };
  }

  async function enqueue(beadId: string, waitMs: number, context: RequestContext): Promise<Entry> {
    const project = await options.project(context.projectId);
    await queue.attach(project);
    const entry = await serialised(project.id, () => addBead(project, beadId, context.actor.name));
    return awaited(project, entry, waitMs, context.signal);
  }

  async function listed(project: Project, closed: number): Promise<ListedEntry[]> {
    const { merge_gates: slots } = await parts.configOf(project.path);
    const open = await openEntries(database.db, project.id);
    const over = closed > 0 ? await closedEntries(database.db, project.id, closed) : [];
    const ordering = await orderingOf(parts, project.id, open);
    return listEntries([...open, ...over], await loadQueue(database.db, project.id), { ...ordering, slots });
  }

  async function retry(project: Project, id: string, who: string): Promise<Entry> {
    const entry = await resolveEntry(database.db, project.id, id);
    if (isWaiting(entry.status)) return entry;
    if (!isSetAside(entry.status)) {
      const hint = `godel merge add ${entry.beadId} puts new work of it into the queue.`;
      throw failure('transition-refused', { id: entry.beadId, from: entry.status, to: 'queued', hint });
    }
    const bead = await resolveBead(database.db, project.id, entry.beadId);
    // A person vouches for it: it need not be handed over once more.
    if (entry.kind === 'work' && bead.status === 'in-progress')
      await units.run((unit) => moveBead(unit, project.id, bead.id, 'submit', who));
    const head = entry.kind === 'work' ? await headOf(project, bead) : { pin: entry.pin, mainAt: entry.mainAt };
    return repin(project, entry, head, who);
  }

  async function rollback(project: Project, id: string, who: string): Promise<Entry> {
    const landed = await resolveEntry(database.db, project.id, id);
    const { landedCommit: commit, landedBase: base, title } = landed;
    if (landed.status !== 'landed' || commit === undefined || base === undefined) {
      const hint = 'Only what the merge queue landed can be taken back by it.';
      throw failure('transition-refused', { id: landed.beadId, from: landed.status, to: 'rollback', hint });
    }
    const pin = await rollbackCommit(project.gitDir, { commit, base, title, author: who });
    const mainAt = (await commitOf(project.gitDir, `refs/heads/${project.mainBranch}`)) ?? commit;
    const enqueuedAt = new Date(clock.now()).toISOString();
    const pinned: Pinned = {
      beadId: landed.beadId,
      kind: 'rollback',
      title: `Revert "${title}"`,
      author: who,
      priority: 'critical',
      enqueuedAt,
      mainAt,
      reverts: commit,
    };
    return insert(project, newEntry(project, pinned, pin));
  }

  const handlers: MergeService['handlers'] = {
    mergeAdd: (input, context) => enqueue(input.id, input.wait * 1000, context),
    async mergeList(input, { projectId }) {
      const project = await options.project(projectId);
      const items = await listed(project, input.all ? input.limit : 0);
      return { queue: await loadQueue(database.db, projectId), items };
    },
    async mergeShow(input, { projectId }) {
      const entry = await resolveEntry(database.db, projectId, input.id);
      const items = await listed(await options.project(projectId), 0);
      return items.find((each) => each.id === entry.id) ?? entry;
    },
    mergePause: async (_input, { projectId, actor }) => queue.pause(await options.project(projectId), actor.name),
    mergeResume: async (_input, { projectId }) => queue.resume(await options.project(projectId)),
    async mergeRetry(input, context) {
      const project = await options.project(context.projectId);
      const entry = await serialised(project.id, () => retry(project, input.id, context.actor.name));
      return awaited(project, entry, input.wait * 1000, context.signal);
    },
    async mergeRemove(input, { projectId, actor }) {
      const project = await options.project(projectId);
      const entry = await resolveEntry(database.db, projectId, input.id);
      const reason = `taken out by ${actor.name}`;
      const removed = await queue.exclusive(project, () =>
        units.run((unit) => moveEntry(unit, entry.id, 'remove', reason, { reason, intent: undefined })),
      );
      queue.release(project, removed);
      return removed;
    },
    async mergeRollback(input, context) {
      const project = await options.project(context.projectId);
      const entry = await serialised(project.id, () => rollback(project, input.id, context.actor.name));
      return awaited(project, entry, input.wait * 1000, context.signal);
    },
    async mergeConflicts(input, { projectId }) {
      const project = await options.project(projectId);
      const bead = input.bead === undefined ? undefined : await resolveBead(database.db, projectId, input.bead);
      const { overlaps, branches, durationMs } = await options.overlaps.refresh(project);
      const items = overlaps.filter((overlap) => !bead || overlap.a === bead.id || overlap.b === bead.id);
      return { items, branches, durationMs };
    },
  };

  return {
    handlers,
    enqueue,
    async view(projectId) {
      const project = await options.project(projectId);
      return {
        queue: await loadQueue(database.db, projectId),
        slots: (await parts.configOf(project.path)).merge_gates,
        entries: await openEntries(database.db, projectId),
        overlaps: options.overlaps.known(projectId),
      };
    },
  };
}
