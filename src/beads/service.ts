/** One handler per bead operation: load, decide, save. */
import type { Handlers, RequestContext } from '../access/context.ts';
import type { TodoList } from '../agents/schema.ts';
import type { Clock } from '../base/clock.ts';
import { newId } from '../base/id.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { UnitOfWork } from '../storage/unit-of-work.ts';
import { assertClosable, type BeadChange, changeBead, decideMove, heldBead, moveBead } from './changes.ts';
import { assertHolder, leaseOf } from './claims.ts';
import { createBead, createPlanned, type PlannedBead } from './creating.ts';
import { parseDue, parseSince } from './due.ts';
import { assertVersion, changeOf, resolveIds } from './editing.ts';
import { listBeads } from './listing.ts';
import type { beadOperations } from './operations.ts';
import { assertStartable } from './readiness.ts';
import type { Bead, Proof } from './schema.ts';
import { beadDeletion, deleteBead, resolveBead } from './store.ts';
import { cleanText } from './text.ts';
import { relationsOf } from './tree.ts';

export interface BeadServiceOptions {
  database: Database;
  units: UnitOfWork;
  clock: Clock;
  /** Id of a convoy given by id, name or prefix. @throws GodelError convoy-not-found */
  convoyId: (projectId: string, text: string) => Promise<string>;
  /** Resolves when every bead can be found by its text. */
  searchable: () => Promise<void>;
  /** Bead of the agent that acts, when the actor is one. */
  beadOfAgent: (agentId: string) => Promise<string | undefined>;
  /** Full name of an agent given by name, id or prefix. @throws GodelError agent-not-found */
  agentName: (projectId: string, text: string) => Promise<string>;
  /** Name of the live agent that works on a bead. */
  liveAgentOf: (projectId: string, beadId: string) => Promise<string | undefined>;
  /** Runs the proof command in the worktree. @throws GodelError proof-failed, uncommitted-work, nothing-to-review */
  prove: (bead: Bead, signal: AbortSignal) => Promise<Proof>;
  mainBranch: (projectId: string) => Promise<string>;
  /** Todos of the agents of a bead, the running one first. */
  todosOf: (bead: Bead) => Promise<TodoList[]>;
  /** What is said to who hands over with open todos. @throws GodelError todos-open when the project refuses it */
  openTodos: (bead: Bead) => Promise<string | undefined>;
  /** The beads a template makes. @throws GodelError template-not-found, template-invalid, bad-input */
  planTemplate: (
    projectId: string,
    name: string,
    vars: readonly string[],
    title: string | undefined,
  ) => Promise<PlannedBead[]>;
}

type Service = Handlers<typeof beadOperations>;

export function createBeadService(options: BeadServiceOptions): Service {
  const { database, units, clock } = options;

  /** The bead that is named, or the acting agent's own. */
  async function target(id: string | undefined, context: RequestContext): Promise<Bead> {
    const named = id ?? (context.actor.kind === 'agent' ? await options.beadOfAgent(context.actor.id) : undefined);
    if (named === undefined) throw failure('not-an-agent');
    return resolveBead(database.db, context.projectId, named);
  }

  const create: Service['beadCreate'] = async (input, { actor, projectId }) => {
    const { title, template, vars, due, ...rest } = input;
    const plan = template === undefined ? undefined : await options.planTemplate(projectId, template, vars, title);
    if (plan === undefined && title === undefined) {
      const problem = 'A bead needs a title, or a template.';
      throw failure('bad-input', { problem, hint: 'godel bead create "What is to be done"' });
    }
    return units.run(async (unit) => {
      const links = {
        blockedBy: await resolveIds(unit.tx, projectId, input.blockedBy),
        related: await resolveIds(unit.tx, projectId, input.related),
        discoveredFrom: await resolveIds(unit.tx, projectId, input.discoveredFrom),
        parentBead: input.parentBead && (await resolveBead(unit.tx, projectId, input.parentBead)).id,
      };
      const dueAt = due === undefined ? undefined : parseDue(due, unit.nowMs);
      if (!plan) return createBead(unit, projectId, { ...rest, ...links, title: title ?? '', dueAt }, actor);
      const root = { ...links, metadata: input.metadata, ...(dueAt ? { dueAt } : {}) };
      return createPlanned(unit, projectId, plan, root, actor);
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
    if (filter.text !== undefined) await options.searchable();
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

  const assertMayClose = (bead: Bead, force: boolean, kind: string) =>
    assertClosable(bead, force && kind === 'user', options.mainBranch);

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
    const warning = await options.openTodos(found);
    const proof = await options.prove(started, context.signal);
    const event = { type: 'bead:proven' as const, extra: { proof } };
    const bead = await units.run(async (unit) => {
      // The proof may have lasted longer than the lease.
      await heldBead(unit, context.projectId, found.id, writer);
      return moveBead(unit, context.projectId, found.id, 'submit', who, { proof }, event);
    });
    return { bead, proof, ...(warning === undefined ? {} : { warning }) };
  };

  return {
    beadCreate: create,
    beadList: list,
    async beadShow(input, context) {
      const bead = await target(input.id, context);
      const lease = await leaseOf(database.db, bead);
      const leaseUntil = lease && new Date(lease.expiresMs).toISOString();
      const todos = await options.todosOf(bead);
      return { ...bead, todos, relations: await relationsOf(database.db, bead), ...(leaseUntil ? { leaseUntil } : {}) };
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
