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
import { convoyStatusOf, progressOf } from './state.ts';
import {
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
  findBead: (projectId: string, id: string) => Promise<Bead | undefined>;
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
      const convoy: Convoy = {
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
      await insertConvoy(unit.tx, convoy);
      await unit.persist(projectId, convoyFile(convoy, `created by ${actor.name}`));
      await unit.emit({ type: 'convoy:created', component: 'convoys', payload: { convoy }, metadata: { projectId } });
      return convoy;
    });
  };

  const report: Service['convoyStatus'] = async (input, { projectId }) => {
    const convoy = await resolveConvoy(database.db, projectId, input.id);
    const found = await Promise.all(convoy.beads.map((id) => options.findBead(projectId, id)));
    const beads = found.filter((bead): bead is Bead => bead !== undefined);
    return { convoy, beads, progress: progressOf(beads.map((bead) => bead.status)) };
  };

  async function edit(
    projectId: string,
    id: string,
    subject: string,
    change: (beads: string[]) => string[],
  ): Promise<Convoy> {
    return units.run(async (unit) => {
      const convoy = await resolveConvoy(unit.tx, projectId, id);
      const beads = change(convoy.beads);
      const statuses = await options.beadStatuses(unit.tx, projectId, beads);
      return save(unit, withStatus({ ...convoy, beads }, statuses, unit.now), subject);
    });
  }

  return {
    convoyCreate: create,
    convoyList: (input, { projectId }) => listConvoys(database.db, projectId, input),
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
    async beadChanged(projectId, beadId) {
      for (const convoy of await convoysWith(database.db, projectId, beadId)) {
        const statuses = await options.beadStatuses(database.db, projectId, convoy.beads);
        const next = withStatus(convoy, statuses, new Date(clock.now()).toISOString());
        if (next.status === convoy.status) continue;
        await units.run((unit) => save(unit, next, `status ${convoy.status} -> ${next.status}`));
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
