/** One handler per bead operation: load, decide, save. */
import type { Handlers, RequestContext } from '../access/context.ts';
import type { Clock } from '../base/clock.ts';
import { newBeadId, newId, newUid } from '../base/id.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import { loadRecord } from '../storage/records.ts';
import { beadPath } from '../storage/state-ref/layout.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { type BeadChange, changeBead, decideMove, heldBead, moveBead } from './changes.ts';
import { assertHolder, leaseOf } from './claims.ts';
import { parseDue, parseSince } from './due.ts';
import { assertVersion, changeOf, resolveIds } from './editing.ts';
import { listBeads } from './listing.ts';
import type { beadOperations } from './operations.ts';
import { assertStartable } from './readiness.ts';
import type { Bead, Proof } from './schema.ts';
import { beadDeletion, beadFile, deleteBead, insertBead, resolveBead } from './store.ts';
import { cleanText, cleanTitle } from './text.ts';
import { relationsOf } from './tree.ts';

export interface BeadServiceOptions {
  database: Database;
  units: UnitOfWork;
  clock: Clock;
  /** Id of a convoy given by id, name or prefix. @throws GodelError convoy-not-found */
  convoyId: (projectId: string, text: string) => Promise<string>;
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
  const { database, units, clock } = options;

  /** The bead that is named, or the acting agent's own. */
  async function target(id: string | undefined, context: RequestContext): Promise<Bead> {
    const named = id ?? (context.actor.kind === 'agent' ? await options.beadOfAgent(context.actor.id) : undefined);
    if (named === undefined) throw failure('not-an-agent');
    return resolveBead(database.db, context.projectId, named);
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
    const blockedBy = await resolveIds(database.db, projectId, input.blockedBy);
    const related = await resolveIds(database.db, projectId, input.related);
    const discoveredFrom = await resolveIds(database.db, projectId, input.discoveredFrom);
    const [parentBead] = input.parentBead ? await resolveIds(database.db, projectId, [input.parentBead]) : [];
    const dueAt = input.due === undefined ? undefined : parseDue(input.due, clock.now());
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
        related,
        discoveredFrom,
        ...(dueAt ? { dueAt } : {}),
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

  const update: Service['beadUpdate'] = ({ generation, ifVersion, ...edit }, { actor, projectId }) =>
    units.run(async (unit) => {
      const bead = await heldBead(unit, projectId, edit.id, { actor, generation });
      assertVersion(bead, ifVersion);
      const change = await changeOf(unit.tx, bead, edit, unit.nowMs);
      const fields = Object.keys(change);
      return fields.length === 0 ? bead : changeBead(unit, bead, change, `${fields.join(', ')} changed`);
    });

  async function parentOf(projectId: string, text: string): Promise<string | undefined> {
    return text === 'none' ? undefined : (await resolveBead(database.db, projectId, text)).id;
  }

  const list: Service['beadList'] = async (input, { projectId }) => {
    const { limit, cursor, sort, reverse, label, dueBefore, updatedSince, parent, convoy, ...filter } = input;
    const now = clock.now();
    return listBeads(
      database.db,
      projectId,
      {
        ...filter,
        labels: label,
        parent: parent && (await parentOf(projectId, parent)),
        convoy: convoy && (await options.convoyId(projectId, convoy)),
        dueBefore: dueBefore && parseDue(dueBefore, now, '--due-before'),
        updatedSince: updatedSince && parseSince(updatedSince, now, '--updated-since'),
      },
      { sort, reverse, limit, cursor },
      now,
    );
  };

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
    return units.run(async (unit) => {
      const held = await heldBead(unit, projectId, bead.id, { actor, generation: input.generation });
      if (action === 'start' && actor.kind !== 'user') await assertStartable(unit.tx, held);
      return moveBead(unit, projectId, bead.id, action, actor.name);
    });
  };

  async function assertMayClose(bead: Bead, force: boolean, kind: string): Promise<void> {
    if ((bead.landedCommit && bead.landedCommit !== bead.reopenedFrom) || (force && kind === 'user')) return;
    throw failure('done-not-proven', { id: bead.id, branch: await options.mainBranch(bead.projectId) });
  }

  const close: Service['beadClose'] = async (input, { actor, projectId }) => {
    const bead = await resolveBead(database.db, projectId, input.id);
    if (bead.status === 'done') return bead;
    await assertMayClose(bead, input.force, actor.kind);
    return units.run(async (unit) => {
      await heldBead(unit, projectId, bead.id, { actor, generation: input.generation });
      return moveBead(unit, projectId, bead.id, 'close', actor.name);
    });
  };

  const remove: Service['beadDelete'] = async (input, { projectId }) => {
    const bead = await resolveBead(database.db, projectId, input.id);
    const agent = await options.liveAgentOf(projectId, bead.id);
    if (agent) throw failure('bead-has-agent', { id: bead.id, agent });
    return units.run(async (unit) => {
      await deleteBead(unit.tx, projectId, bead.id);
      await unit.persist(projectId, beadDeletion(bead.id));
      const metadata = { projectId, beadId: bead.id };
      await unit.emit({ type: 'bead:deleted', component: 'beads', payload: { id: bead.id, bead }, metadata });
      return { id: bead.id, deleted: true as const };
    });
  };

  const note: Service['beadNote'] = async (input, context) => {
    const { id } = await target(input.id, context);
    const { actor, projectId } = context;
    return units.run(async (unit) => {
      const bead = await resolveBead(unit.tx, projectId, id);
      // Anybody may comment; only who names a generation wants to be told that it is over.
      if (input.generation !== undefined) await assertHolder(unit, bead, { actor, generation: input.generation });
      const entry = { id: newId(), author: actor.name, text: cleanText(input.text), createdAt: unit.now };
      await changeBead(unit, bead, { notes: [...bead.notes, entry] }, `note by ${actor.name}`);
      return entry;
    });
  };

  const done: Service['beadDone'] = async (input, context) => {
    const found = await target(input.id, context);
    const who = context.actor.name;
    if (found.status === 'review' && found.proof) return { bead: found, proof: found.proof };
    const writer = { actor: context.actor, generation: input.generation };
    const started = await units.run(async (unit) => {
      const bead = await heldBead(unit, context.projectId, found.id, writer);
      return bead.status === 'open' ? moveBead(unit, bead.projectId, bead.id, 'start', who) : bead;
    });
    const proof = await options.prove(started, context.signal);
    const event = { type: 'bead:proven' as const, extra: { proof } };
    const bead = await units.run(async (unit) => {
      // The proof may have lasted longer than the lease.
      await heldBead(unit, context.projectId, found.id, writer);
      return moveBead(unit, context.projectId, found.id, 'submit', who, { proof }, event);
    });
    return { bead, proof };
  };

  return {
    beadCreate: create,
    beadList: list,
    async beadShow(input, context) {
      const bead = await target(input.id, context);
      const lease = await leaseOf(database.db, bead);
      const leaseUntil = lease && new Date(lease.expiresMs).toISOString();
      return { ...bead, relations: await relationsOf(database.db, bead), ...(leaseUntil ? { leaseUntil } : {}) };
    },
    beadUpdate: update,
    beadAssign: assign,
    beadStatus: status,
    beadClose: close,
    beadDelete: remove,
    beadNote: note,
    beadDone: done,
  };
}
