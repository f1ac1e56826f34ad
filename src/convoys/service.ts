/** One handler per convoy operation, and the rule that a convoy's status follows its beads. */
import type { Handlers } from '../access/context.ts';
import type { Clock } from '../base/clock.ts';
import { newConvoyId } from '../base/id.ts';
import type { Bead, BeadStatus } from '../beads/schema.ts';
import { failure } from '../errors.ts';
import type { Database, Reader } from '../storage/database.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import type { convoyOperations } from './operations.ts';
import type { Convoy } from './schema.ts';
import {
  type ConvoyAction,
  convoyActions,
  convoyStatusOf,
  estimate,
  nextConvoyStatus,
  PROJECT_DAYS,
  progressOf,
} from './state.ts';
import {
  convoyCounts,
  convoyExists,
  convoyFile,
  convoysWith,
  insertConvoy,
  listConvoys,
  resolveConvoy,
  saveConvoy,
} from './store.ts';

export interface ConvoyServiceOptions {
  database: Database;
  units: UnitOfWork;
  clock: Clock;
  resolveBead: (projectId: string, id: string) => Promise<Bead>;
  beadsOf: (db: Reader, projectId: string, ids: readonly string[]) => Promise<Bead[]>;
  /** How many beads of the project became done since a moment. */
  doneSince: (db: Reader, projectId: string, since: string) => Promise<number>;
  beadStatuses: (db: Reader, projectId: string, ids: string[]) => Promise<Map<string, BeadStatus>>;
}

type Service = Handlers<typeof convoyOperations>;

export interface ConvoyService extends Service {
  /** Brings the status of every convoy that holds the bead up to date. */
  beadChanged(projectId: string, beadId: string): Promise<void>;
}

async function save(unit: Unit, convoy: Convoy, subject: string): Promise<Convoy> {
  const saved = await saveConvoy(unit.tx, { ...convoy, updatedAt: unit.now });
  await unit.persist(convoy.projectId, convoyFile(saved, subject));
  const metadata = { projectId: convoy.projectId };
  await unit.emit({ type: 'convoy:updated', component: 'convoys', payload: { convoy: saved }, metadata });
  return saved;
}

export function createConvoyService(options: ConvoyServiceOptions): ConvoyService {
  const { database, units, clock } = options;

  async function beadIds(projectId: string, ids: readonly string[]): Promise<string[]> {
    const beads = await Promise.all(ids.map((id) => options.resolveBead(projectId, id)));
    return [...new Set(beads.map((bead) => bead.id))];
  }

  async function freeId(projectId: string): Promise<string> {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const id = newConvoyId(clock.now());
      if (!(await convoyExists(database.db, projectId, id))) return id;
    }
    throw failure('internal', { problem: 'no free convoy id was found' });
  }

  const create: Service['convoyCreate'] = async (input, { projectId, actor }) => {
    const beads = await beadIds(projectId, input.beads);
    const id = await freeId(projectId);
    const name = input.name.replaceAll(/\s+/g, ' ').trim();
    if (name === '')
      throw failure('bad-input', { problem: 'The name is empty.', hint: 'godel convoy create "Sprint 1"' });
    return units.run(async (unit) => {
      const fresh: Convoy = {
        id,
        projectId,
        name,
        ...(input.description ? { description: input.description } : {}),
        beads,
        status: 'active',
        createdAt: unit.now,
        updatedAt: unit.now,
        version: 1,
      };
      const statuses = await options.beadStatuses(unit.tx, projectId, beads);
      const convoy = withStatus(fresh, statuses, unit.now);
      await insertConvoy(unit.tx, convoy);
      await unit.persist(projectId, convoyFile(convoy, `created by ${actor.name}`));
      await unit.emit({ type: 'convoy:created', component: 'convoys', payload: { convoy }, metadata: { projectId } });
      return convoy;
    });
  };

  const report: Service['convoyStatus'] = async (input, { projectId }) => {
    const { db } = database;
    const nowMs = clock.now();
    const stored = await resolveConvoy(db, projectId, input.id);
    const beads = await options.beadsOf(db, projectId, stored.beads);
    // The stored status follows a moment later; what is shown together has to agree.
    const convoy = {
      ...stored,
      status: convoyStatusOf(
        stored.status,
        beads.map((bead) => bead.status),
      ),
    };
    const { blocked = 0 } = (await convoyCounts(db, projectId, [convoy.id])).get(convoy.id) ?? {};
    const progress = progressOf(
      beads.map((bead) => bead.status),
      blocked,
    );
    const since = new Date(nowMs - PROJECT_DAYS * 86_400_000).toISOString();
    const given = estimate({
      progress,
      sinceMs: Date.parse(convoy.createdAt),
      doneMs: beads.flatMap((bead) => (bead.doneAt === undefined ? [] : [Date.parse(bead.doneAt)])),
      projectDone: await options.doneSince(db, projectId, since),
      nowMs,
    });
    return { convoy, beads, progress, estimate: given };
  };

  const list: Service['convoyList'] = async (input, { projectId }) => {
    const page = await listConvoys(database.db, projectId, input);
    const ids = page.items.map((convoy) => convoy.id);
    const counts = await convoyCounts(database.db, projectId, ids);
    const items = page.items.map((convoy) => {
      const { statuses = [], blocked = 0 } = counts.get(convoy.id) ?? {};
      return { ...convoy, status: convoyStatusOf(convoy.status, statuses), progress: progressOf(statuses, blocked) };
    });
    return { ...page, items };
  };

  /** @throws GodelError transition-refused */
  function move(convoy: Convoy, action: ConvoyAction): Convoy {
    const status = nextConvoyStatus(convoy.status, action);
    if (status) return { ...convoy, status };
    const possible = convoyActions(convoy.status);
    throw failure('transition-refused', { id: convoy.id, from: convoy.status, to: action, possible });
  }

  async function put(projectId: string, id: string, action: 'archive' | 'restore'): Promise<Convoy> {
    return units.run(async (unit) => {
      const convoy = await resolveConvoy(unit.tx, projectId, id);
      const moved = move(convoy, action);
      const statuses = await options.beadStatuses(unit.tx, projectId, convoy.beads);
      return save(unit, withStatus(moved, statuses, unit.now), `${action}d`);
    });
  }

  async function edit(
    projectId: string,
    id: string,
    subject: string,
    change: (beads: string[]) => string[],
  ): Promise<Convoy> {
    return units.run(async (unit) => {
      const convoy = await resolveConvoy(unit.tx, projectId, id);
      if (convoy.status === 'archived') {
        const hint = `godel convoy restore ${convoy.id} takes it back first.`;
        throw failure('transition-refused', { id: convoy.id, from: 'archived', to: 'other beads', hint });
      }
      const beads = change(convoy.beads);
      const statuses = await options.beadStatuses(unit.tx, projectId, beads);
      return save(unit, withStatus({ ...convoy, beads }, statuses, unit.now), subject);
    });
  }

  return {
    convoyCreate: create,
    convoyList: list,
    convoyStatus: report,
    async convoyAdd(input, { projectId }) {
      const added = await beadIds(projectId, input.beads);
      return edit(projectId, input.id, `${added.length} beads added`, (beads) => [...new Set([...beads, ...added])]);
    },
    async convoyRemove(input, { projectId }) {
      const gone = await beadIds(projectId, input.beads);
      return edit(projectId, input.id, `${gone.length} beads removed`, (beads) =>
        beads.filter((id) => !gone.includes(id)),
      );
    },
    convoyArchive: ({ id }, { projectId }) => put(projectId, id, 'archive'),
    convoyRestore: ({ id }, { projectId }) => put(projectId, id, 'restore'),
    async beadChanged(projectId, beadId) {
      const derived = async (db: Reader, convoy: Convoy, now: string) =>
        withStatus(convoy, await options.beadStatuses(db, projectId, convoy.beads), now);
      for (const convoy of await convoysWith(database.db, projectId, beadId)) {
        if ((await derived(database.db, convoy, convoy.updatedAt)).status === convoy.status) continue;
        // Decided again on what the transaction sees: another bead may have changed since.
        await units.run(async (unit) => {
          const known = await resolveConvoy(unit.tx, projectId, convoy.id);
          const next = await derived(unit.tx, known, unit.now);
          if (next.status !== known.status) await save(unit, next, `status ${known.status} -> ${next.status}`);
        });
      }
    },
  };
}

function withStatus(convoy: Convoy, statuses: ReadonlyMap<string, BeadStatus>, now: string): Convoy {
  const status = convoyStatusOf(
    convoy.status,
    convoy.beads.map((id) => statuses.get(id)),
  );
  const { completedAt, ...rest } = convoy;
  if (status !== 'completed') return { ...rest, status };
  return { ...rest, status, completedAt: completedAt ?? now };
}
