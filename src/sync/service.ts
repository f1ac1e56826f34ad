/** One handler an operation about other clones and conflicts, and the exchange that the daemon runs by itself. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Handlers } from '../access/context.ts';
import { messageOf } from '../base/error.ts';
import { type BeadChange, changeBead } from '../beads/changes.ts';
import type { Bead } from '../beads/schema.ts';
import { findBead, resolveBead } from '../beads/store.ts';
import type { Config } from '../config.ts';
import type { Convoy } from '../convoys/schema.ts';
import { convoyFile, resolveConvoy, saveConvoy } from '../convoys/store.ts';
import { failure } from '../errors.ts';
import type { Project } from '../repos/schema.ts';
import type { Database } from '../storage/database.ts';
import { conflictPath } from '../storage/state-ref/layout.ts';
import { chooseRemote } from '../storage/state-ref/remote.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import { exchangeState, type Merged } from './exchange.ts';
import type { syncOperations } from './operations.ts';
import type { Conflict, SyncReport } from './schema.ts';
import { countConflicts, listConflicts, replaceConflict } from './store.ts';

export interface SyncServiceOptions {
  database: Database;
  units: UnitOfWork;
  project: (id: string) => Promise<Project>;
  configOf: (project: Project) => Promise<Config>;
  merge: (request: { project: Project; theirs: string; join: boolean; acceptSkew: boolean }) => Promise<Merged>;
  settle: (project: Project) => Promise<string | null>;
  now: () => number;
}

type Service = Handlers<typeof syncOperations>;

export interface SyncService {
  handlers: Service;
  /** An exchange with the remote that is set; undefined when none is. */
  automatic(projectId: string): Promise<SyncReport | undefined>;
}

interface Wish {
  remote?: string | undefined;
  join: boolean;
  acceptSkew: boolean;
}

interface Memory {
  last?: SyncReport;
  problem?: string;
  problemAt?: string;
  refusing: Set<string>;
  turn: Promise<unknown>;
}

export function createSyncService(options: SyncServiceOptions): SyncService {
  const { database, units } = options;
  const memories = new Map<string, Memory>();

  function memoryOf(projectId: string): Memory {
    const known = memories.get(projectId) ?? { refusing: new Set<string>(), turn: Promise.resolve() };
    memories.set(projectId, known);
    return known;
  }

  async function exchange(project: Project, wish: Wish): Promise<SyncReport> {
    const config = await options.configOf(project);
    const remote = await chooseRemote(project.gitDir, wish.remote ?? (config.sync_remote || undefined));
    const memory = memoryOf(project.id);
    try {
      const { isRefused, ...report } = await exchangeState({
        gitDir: project.gitDir,
        remote,
        fallback: config.sync_fallback_branch || undefined,
        isRefused: memory.refusing.has(remote),
        merge: (theirs) => options.merge({ project, theirs, join: wish.join, acceptSkew: wish.acceptSkew }),
        settle: () => options.settle(project),
        pause: (ms) => delay(ms),
        random: Math.random,
        now: options.now,
      });
      if (isRefused) memory.refusing.add(remote);
      memory.last = report;
      delete memory.problem;
      if (report.sent || report.received > 0) await tell(project.id, 'sync:completed', { report });
      return report;
    } catch (error) {
      const problem = messageOf(error);
      if (memory.problem !== problem) await tell(project.id, 'sync:failed', { remote, problem });
      Object.assign(memory, { problem, problemAt: new Date(options.now()).toISOString() });
      throw error;
    }
  }

  /** Exchanges of one project never overlap. */
  function inTurn(project: Project, wish: Wish): Promise<SyncReport> {
    const memory = memoryOf(project.id);
    const result = memory.turn.then(() => exchange(project, wish));
    memory.turn = result.catch(() => undefined);
    return result;
  }

  async function tell(projectId: string, type: 'sync:completed' | 'sync:failed', payload: Record<string, unknown>) {
    await units.run((unit) => unit.emit({ type, component: 'sync', payload, metadata: { projectId } }));
  }

  async function settleField(unit: Unit, conflict: Conflict, who: string): Promise<void> {
    const { projectId, about, field } = conflict;
    const bead = await findBead(unit.tx, projectId, about);
    if (bead) {
      await changeBead(unit, bead, changeOf(bead, conflict), `${field} taken from the other clone (${who})`);
      return;
    }
    const convoy = await resolveConvoy(unit.tx, projectId, about);
    const changed = { ...convoy, [field]: conflict.lost.value, updatedAt: unit.now } as Convoy;
    const saved = await saveConvoy(unit.tx, changed);
    await unit.persist(projectId, convoyFile(saved, `${field} taken from the other clone (${who})`));
    await unit.emit({ type: 'convoy:updated', component: 'sync', payload: { convoy: saved }, metadata: { projectId } });
  }

  /** Keeps how a conflict was decided, and counts what is left on the card. */
  async function decide(unit: Unit, conflict: Conflict, who: string): Promise<void> {
    const { projectId, about } = conflict;
    await replaceConflict(unit.tx, conflict);
    const { projectId: _project, ...fields } = withoutNames(conflict);
    const subject = `${about}: conflict about ${conflict.field} decided, ${conflict.resolution} (${who})`;
    await unit.persist(projectId, { path: conflictPath(about, conflict.id), fields, subject });
    const bead = await findBead(unit.tx, projectId, about);
    const conflicts = await countConflicts(unit.tx, projectId, about);
    if (bead) await changeBead(unit, bead, { conflicts }, subject);
  }

  const resolve: Service['beadResolve'] = async (input, { actor, projectId }) => {
    if (input.keep === input.take) {
      throw failure('bad-input', { problem: 'Say either --keep or --take.', hint: 'godel bead conflicts shows both.' });
    }
    const open = await listConflicts(database.db, projectId);
    const about = open.find((each) => each.about === input.id)?.about ?? (await idOf(projectId, input.id));
    const meant = open.filter((each) => each.about === about && (input.field ?? each.field) === each.field);
    if (meant.length === 0) throw failure('no-conflict', { id: about, field: input.field });
    const resolution = input.take ? ('take' as const) : ('keep' as const);
    const items = await units.run(async (unit) => {
      const decided: Conflict[] = [];
      for (const conflict of meant) {
        if (resolution === 'take') await settleField(unit, conflict, actor.name);
        const next = { ...conflict, resolution, resolvedBy: actor.name, resolvedAt: unit.now };
        await decide(unit, next, actor.name);
        decided.push(next);
      }
      return decided;
    });
    const bead = await findBead(database.db, projectId, about);
    return { items, ...(bead ? { bead } : {}) };
  };

  const idOf = async (projectId: string, text: string): Promise<string> =>
    (await resolveBead(database.db, projectId, text)).id;

  const handlers: Service = {
    syncRun: async (input, { projectId }) => inTurn(await options.project(projectId), input),
    async syncStatus(_input, { projectId }) {
      const config = await options.configOf(await options.project(projectId));
      const { last, problem, problemAt } = memoryOf(projectId);
      return {
        ...(config.sync_remote ? { remote: config.sync_remote } : {}),
        ...(last ? { last } : {}),
        ...(problem === undefined ? {} : { problem, problemAt }),
        openConflicts: await countConflicts(database.db, projectId),
      };
    },
    async beadConflicts(input, { projectId }) {
      const items = await listConflicts(database.db, projectId, { all: input.all });
      return { items: items.filter((each) => input.id === undefined || each.about.includes(input.id)) };
    },
    beadResolve: resolve,
  };

  return {
    handlers,
    async automatic(projectId) {
      const project = await options.project(projectId);
      if ((await options.configOf(project)).sync_remote === '') return undefined;
      return inTurn(project, { join: false, acceptSkew: false });
    },
  };
}

/** The change of a bead that puts the lost value in place. */
function changeOf(bead: Bead, { field, lost }: Conflict): BeadChange {
  const [name = '', key] = field.includes('/') ? [field.split('/')[0], field.slice(field.indexOf('/') + 1)] : [field];
  if (key === undefined) return { [name]: lost.value } as BeadChange;
  const known = (bead as Record<string, unknown>)[name];
  if (Array.isArray(known)) return { [name]: known.filter((each) => each !== key) } as BeadChange;
  const { [key]: _old, ...others } = known as Record<string, unknown>;
  return { [name]: lost.value === undefined ? others : { ...others, [key]: lost.value } } as BeadChange;
}

/** Names of replicas are looked up when they are shown, never kept. */
function withoutNames(conflict: Conflict): Conflict {
  const { by: _kept, ...kept } = conflict.kept;
  const { by: _lost, ...lost } = conflict.lost;
  return { ...conflict, kept, lost };
}
