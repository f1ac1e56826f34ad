/** Handlers for claims. */
import type { Handlers, RequestContext } from '../access/context.ts';
import type { Clock } from '../base/clock.ts';
import { failure } from '../errors.ts';
import type { Database } from '../storage/database.ts';
import type { Unit, UnitOfWork } from '../storage/unit-of-work.ts';
import { type BeadChange, changeBead, decideStatus } from './changes.ts';
import type { claimOperations } from './claim-operations.ts';
import { assertHolder, givenBack, renewLease, takeClaim } from './claims.ts';
import { listBeads } from './listing.ts';
import { assertStartable } from './readiness.ts';
import type { Bead } from './schema.ts';
import { resolveBead } from './store.ts';

type Service = Handlers<typeof claimOperations>;
type ClaimInput = Parameters<Service['beadClaim']>[0];

export interface ClaimServiceOptions {
  database: Database;
  units: UnitOfWork;
  clock: Clock;
  convoyId: (projectId: string, text: string) => Promise<string>;
}

export function createClaimService(options: ClaimServiceOptions): Service {
  const { units, clock } = options;

  /** The bead that is named, else the most urgent one that is ready and nobody's. Read in the transaction that takes it. */
  async function wanted(unit: Unit, projectId: string, input: ClaimInput): Promise<Bead> {
    if (input.id !== undefined) return resolveBead(unit.tx, projectId, input.id);
    const convoy = input.convoy === undefined ? undefined : await options.convoyId(projectId, input.convoy);
    const filter = { type: input.type, labels: input.label, convoy, agent: 'none', ready: true };
    const page = await listBeads(unit.tx, projectId, filter, { sort: 'priority', limit: 1 }, clock.now());
    const [first] = page.items;
    if (!first) throw failure('nothing-ready');
    return first;
  }

  async function take(unit: Unit, input: ClaimInput, { actor, projectId }: RequestContext) {
    const isPerson = actor.kind === 'user';
    const force = input.force && isPerson;
    const bead = await wanted(unit, projectId, input);
    if (bead.status === 'done') {
      const hint = `godel bead status ${bead.id} open reopens it.`;
      throw failure('transition-refused', { id: bead.id, from: 'done', to: 'in-progress', hint });
    }
    // An agent claims for itself only.
    const holder = isPerson ? (input.holder ?? actor.name) : actor.name;
    if (!force && bead.status === 'open') await assertStartable(unit.tx, bead);
    const leaseMs = input.leaseSeconds * 1000;
    const claim = await takeClaim(unit, bead, { holder, leaseMs, force });
    const status = bead.status === 'open' ? decideStatus(bead, 'start') : bead.status;
    const isKnown = claim === bead.claim && status === bead.status && bead.agent === holder;
    const saved = isKnown
      ? bead
      : await changeBead(unit, bead, { claim, agent: holder, status }, `claimed by ${holder} (${claim.generation})`);
    return { bead: saved, holder, generation: claim.generation, expiresAt: isoOf(unit.nowMs + leaseMs) };
  }

  return {
    beadClaim: (input, context) => units.run((unit) => take(unit, input, context)),
    beadRenew: (input, { actor, projectId }) =>
      units.run(async (unit) => {
        const bead = await resolveBead(unit.tx, projectId, input.id);
        const writer = { actor, generation: input.generation };
        const lease = await renewLease(unit, bead, writer, input.leaseSeconds * 1000);
        return { bead, holder: lease.holder, generation: lease.generation, expiresAt: isoOf(lease.expiresMs) };
      }),
    beadRelease: (input, { actor, projectId }) =>
      units.run(async (unit) => {
        const bead = await resolveBead(unit.tx, projectId, input.id);
        await assertHolder(unit, bead, { actor, generation: input.generation });
        if (!bead.claim || bead.claim.holder === '') return bead;
        const status = bead.status === 'in-progress' ? decideStatus(bead, 'reopen') : bead.status;
        const change = { claim: givenBack(bead.claim), status, agent: undefined } as unknown as BeadChange;
        return changeBead(unit, bead, change, `released by ${bead.claim.holder}`);
      }),
  };
}

const isoOf = (ms: number) => new Date(ms).toISOString();
