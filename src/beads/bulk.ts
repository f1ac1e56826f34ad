/** One change for many beads: all of them or none, in one transaction, with a word on each. */
import type { Handlers } from '../access/context.ts';
import { actingAs } from '../base/acting.ts';
import { GodelError } from '../base/error.ts';
import { newId } from '../base/id.ts';
import { failure } from '../errors.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import type { bulkOperations } from './bulk-operations.ts';
import { assertClosable, type BeadChange, changeBead, decideMove, decideStatus, heldBead } from './changes.ts';
import { changeOf } from './editing.ts';
import { assertStartable } from './readiness.ts';
import type { Bead } from './schema.ts';
import { resolveBead } from './store.ts';

type Service = Handlers<typeof bulkOperations>;
type Input = Parameters<Service['beadBulk']>[0];
type Context = Parameters<Service['beadBulk']>[1];
type Item = { id: string; changed: boolean; bead: Bead };
type Refusal = { id: string; reason: string; message: string };

export interface BulkOptions {
  units: UnitOfWork;
  /** Full name of an agent. @throws GodelError agent-not-found */
  agentName: (projectId: string, text: string) => Promise<string>;
  mainBranch: (projectId: string) => Promise<string>;
}

export function createBulkService(options: BulkOptions): Service {
  async function statusIn(unit: Unit, bead: Bead, input: Input, { actor }: Context): Promise<BeadChange> {
    if (input.status === undefined || input.status === bead.status) return {};
    const action = decideMove(bead, input.status);
    if (input.status === 'done') {
      await assertClosable(bead, input.force && actor.kind === 'user', options.mainBranch);
    }
    if (action === 'start' && actor.kind !== 'user') await assertStartable(unit.tx, bead);
    const reopened = action === 'reopen' && bead.landedCommit ? { reopenedFrom: bead.landedCommit } : {};
    return { status: decideStatus(bead, action), ...reopened };
  }

  async function changeOne(unit: Unit, id: string, input: Input, agent: BeadChange, context: Context): Promise<Item> {
    const bead = await heldBead(unit, context.projectId, id, { actor: context.actor });
    const edit = await changeOf(unit.tx, bead, input, unit.nowMs);
    const change = { ...edit, ...agent, ...(await statusIn(unit, bead, input, context)) };
    const isSame = Object.entries(change).every(
      ([field, value]) => JSON.stringify(value) === JSON.stringify(bead[field as keyof Bead]),
    );
    if (isSame) return { id: bead.id, changed: false, bead };
    const subject = `${Object.keys(change).join(', ')} changed with others`;
    return { id: bead.id, changed: true, bead: await changeBead(unit, bead, change, subject) };
  }

  async function agentIn(projectId: string, text: string | undefined): Promise<BeadChange> {
    if (text === undefined) return {};
    const agent = text === 'none' ? undefined : await options.agentName(projectId, text);
    return { agent } as BeadChange;
  }

  async function changeEach(unit: Unit, input: Input, agent: BeadChange, context: Context): Promise<Item[]> {
    const items: Item[] = [];
    const refusals: Refusal[] = [];
    const seen = new Set<string>();
    for (const text of input.ids) {
      try {
        const { id } = await resolveBead(unit.tx, context.projectId, text);
        if (seen.has(id)) continue;
        seen.add(id);
        items.push(await changeOne(unit, id, input, agent, context));
      } catch (error) {
        if (!(error instanceof GodelError)) throw error;
        refusals.push({ id: text, reason: error.reason, message: error.message });
      }
    }
    // Thrown inside the transaction: what was changed before is taken back.
    if (refusals.length > 0) throw failure('bulk-refused', { refusals, total: input.ids.length });
    return items;
  }

  return {
    async beadBulk(input, context) {
      const agent = await agentIn(context.projectId, input.agent);
      const { id, name } = context.actor;
      return actingAs({ id, name, together: newId() }, () =>
        options.units.run(async (unit) => ({ items: await changeEach(unit, input, agent, context) })),
      );
    },
  };
}
