/** One handler per bead operation: load, decide, save. */
import type { Handlers, RequestContext } from '../access/context.ts';
import { newBeadId, newId, newUid } from '../base/id.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import { loadRecord } from '../storage/records.ts';
import { beadPath } from '../storage/state-ref/layout.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { type BeadChange, changeBead, decideMove, moveBead } from './changes.ts';
import type { beadOperations } from './operations.ts';
import type { Bead, Proof } from './schema.ts';
import { beadDeletion, beadFile, deleteBead, insertBead, listBeads, resolveBead } from './store.ts';
import { cleanText, cleanTitle } from './text.ts';

export interface BeadServiceOptions {
  database: Database;
  units: UnitOfWork;
  /** Bead of the agent that acts, when the actor is one. */
  beadOfAgent: (agentId: string) => Promise<string | undefined>;
  /** Full name of an agent given by name, id or prefix. @throws GodelError agent-not-found */
  agentName: (projectId: string, text: string) => Promise<string>;
  /** Name of the live agent that works on a bead. */
  liveAgentOf: (projectId: string, beadId: string) => Promise<string | undefined>;
  /** Runs the proof command in the worktree. @throws GodelError proof-failed, uncommitted-work, nothing-to-review */
  prove: (bead: Bead, signal: AbortSignal) => Promise<Proof>;
  mainBranch: (projectId: string) => Promise<string>;
}

const MAX_ID_TRIES = 20;

type Service = Handlers<typeof beadOperations>;

export function createBeadService(options: BeadServiceOptions): Service {
  const { database, units } = options;

  /** The bead that is named, or the acting agent's own. */
  async function target(id: string | undefined, context: RequestContext): Promise<Bead> {
    const named = id ?? (context.actor.kind === 'agent' ? await options.beadOfAgent(context.actor.id) : undefined);
    if (named === undefined) throw failure('not-an-agent');
    return resolveBead(database.db, context.projectId, named);
  }

  async function resolveIds(projectId: string, ids: readonly string[]): Promise<string[]> {
    const found = await Promise.all(ids.map((id) => resolveBead(database.db, projectId, id)));
    return [...new Set(found.map((bead) => bead.id))];
  }

  async function freeId(projectId: string): Promise<string> {
    for (let attempt = 0; attempt < MAX_ID_TRIES; attempt += 1) {
      const id = newBeadId();
      if (!(await loadRecord(database.db, projectId, beadPath(id)))) return id;
    }
    throw failure('internal', { problem: 'no free bead id was found' });
  }

  const create: Service['beadCreate'] = async (input, { actor, projectId }) => {
    const title = cleanTitle(input.title);
    const blockedBy = await resolveIds(projectId, input.blockedBy);
    const [parentBead] = input.parentBead ? await resolveIds(projectId, [input.parentBead]) : [];
    const id = await freeId(projectId);
    return units.run(async (unit) => {
      const bead: Bead = {
        id,
        uid: newUid(),
        projectId,
        type: input.type,
        title,
        ...(input.description ? { description: cleanText(input.description) } : {}),
        status: 'open',
        priority: input.priority,
        labels: [...new Set(input.labels)].sort(),
        commits: [],
        ...(parentBead ? { parentBead } : {}),
        blockedBy,
        notes: [],
        metadata: input.metadata,
        createdAt: unit.now,
        updatedAt: unit.now,
        version: 1,
      };
      await insertBead(unit.tx, bead);
      await unit.persist(projectId, beadFile(bead, `${id}: created by ${actor.name}`));
      const metadata = { projectId, beadId: id, userId: actor.id };
      await unit.emit({ type: 'bead:created', component: 'beads', payload: { bead }, metadata });
      return bead;
    });
  };

  const update: Service['beadUpdate'] = async (input, { projectId }) => {
    const bead = await resolveBead(database.db, projectId, input.id);
    if (input.ifVersion !== undefined && input.ifVersion !== bead.version) {
      throw failure('version-conflict', { id: bead.id });
    }
    const change: BeadChange = {};
    if (input.title !== undefined) change.title = cleanTitle(input.title);
    if (input.description !== undefined) change.description = cleanText(input.description);
    if (input.type !== undefined) change.type = input.type;
    if (input.priority !== undefined) change.priority = input.priority;
    if (input.labels !== undefined) change.labels = [...new Set(input.labels)].sort();
    if (input.blockedBy !== undefined) change.blockedBy = await blockers(bead, input.blockedBy);
    if (input.parentBead !== undefined) [change.parentBead] = await resolveIds(projectId, [input.parentBead]);
    if (input.metadata !== undefined) change.metadata = mergeMetadata(bead.metadata, input.metadata);
    const fields = Object.keys(change);
    if (fields.length === 0) return bead;
    return units.run(async (unit) => {
      const fresh = await resolveBead(unit.tx, projectId, bead.id);
      return changeBead(unit, fresh, change, `${fields.join(', ')} changed`);
    });
  };

  async function blockers(bead: Bead, ids: readonly string[]): Promise<string[]> {
    const resolved = await resolveIds(bead.projectId, ids);
    if (resolved.includes(bead.id)) {
      throw failure('bad-input', {
        problem: `${bead.id} cannot wait for itself.`,
        hint: 'Leave it out of --blocked-by.',
      });
    }
    return resolved;
  }

  const assign: Service['beadAssign'] = async (input, { projectId }) => {
    const wanted = input.agent ?? input.agentId;
    const agent = wanted === undefined ? undefined : await options.agentName(projectId, wanted);
    return units.run(async (unit) => {
      const bead = await resolveBead(unit.tx, projectId, input.id);
      const change = { agent } as BeadChange;
      return changeBead(unit, bead, change, agent ? `assigned to ${agent}` : 'unassigned');
    });
  };

  const status: Service['beadStatus'] = async (input, { actor, projectId }) => {
    const bead = await resolveBead(database.db, projectId, input.id);
    if (input.status === undefined || input.status === bead.status) return bead;
    const action = decideMove(bead, input.status);
    if (input.status === 'done') await assertMayClose(bead, input.force, actor.kind);
    return units.run((unit) => moveBead(unit, projectId, bead.id, action, actor.name));
  };

  async function assertMayClose(bead: Bead, force: boolean, kind: string): Promise<void> {
    if ((bead.landedCommit && bead.landedCommit !== bead.reopenedFrom) || (force && kind === 'user')) return;
    throw failure('done-not-proven', { id: bead.id, branch: await options.mainBranch(bead.projectId) });
  }

  const close: Service['beadClose'] = async (input, { actor, projectId }) => {
    const bead = await resolveBead(database.db, projectId, input.id);
    if (bead.status === 'done') return bead;
    await assertMayClose(bead, input.force, actor.kind);
    return units.run((unit) => moveBead(unit, projectId, bead.id, 'close', actor.name));
  };

  const remove: Service['beadDelete'] = async (input, { projectId }) => {
    const bead = await resolveBead(database.db, projectId, input.id);
    const agent = await options.liveAgentOf(projectId, bead.id);
    if (agent) throw failure('bead-has-agent', { id: bead.id, agent });
    return units.run(async (unit) => {
      await deleteBead(unit.tx, projectId, bead.id);
      await unit.persist(projectId, beadDeletion(bead.id));
      const metadata = { projectId, beadId: bead.id };
      await unit.emit({ type: 'bead:deleted', component: 'beads', payload: { id: bead.id }, metadata });
      return { id: bead.id, deleted: true as const };
    });
  };

  const note: Service['beadNote'] = async (input, context) => {
    const { id } = await target(input.id, context);
    const { actor, projectId } = context;
    return units.run(async (unit) => {
      const bead = await resolveBead(unit.tx, projectId, id);
      const entry = { id: newId(), author: actor.name, text: cleanText(input.text), createdAt: unit.now };
      await changeBead(unit, bead, { notes: [...bead.notes, entry] }, `note by ${actor.name}`);
      return entry;
    });
  };

  const done: Service['beadDone'] = async (input, context) => {
    const found = await target(input.id, context);
    const who = context.actor.name;
    if (found.status === 'review' && found.proof) return { bead: found, proof: found.proof };
    const started = found.status === 'open' ? await start(found, who) : found;
    const proof = await options.prove(started, context.signal);
    const event = { type: 'bead:proven' as const, extra: { proof } };
    const bead = await units.run((unit) =>
      moveBead(unit, context.projectId, found.id, 'submit', who, { proof }, event),
    );
    return { bead, proof };
  };

  const start = (bead: Bead, who: string) => units.run((unit) => moveBead(unit, bead.projectId, bead.id, 'start', who));

  return {
    beadCreate: create,
    beadList: (input, { projectId }) => listBeads(database.db, projectId, input),
    beadShow: (input, context) => target(input.id, context),
    beadUpdate: update,
    beadAssign: assign,
    beadStatus: status,
    beadClose: close,
    beadDelete: remove,
    beadNote: note,
    beadDone: done,
  };
}

function mergeMetadata(known: Bead['metadata'], change: Bead['metadata']): Bead['metadata'] {
  const merged = { ...known, ...change };
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
}
