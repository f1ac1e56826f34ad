/**
 * Claims: who works on a bead, for how long, and the generation that fences off those who no longer do. The claim is
 * part of the bead and lies in git; until when it holds is a lease in this database alone. Every decision is made
 * inside the transaction that writes it.
 */
import type { Actor } from '../access/schema.ts';
import { isEndedAgent } from '../agents/store.ts';
import { failure } from '../errors.ts';
import type { Reader, Tx } from '../storage/database.ts';
import type { LeaseRow } from '../storage/tables.ts';
import type { Unit } from '../storage/unit-of-work.ts';
import type { Bead, Claim } from './schema.ts';

/** How long a claim holds when nothing else is said (ms). */
export const LEASE_MS = 15 * 60_000;

export interface Lease {
  holder: string;
  generation: number;
  expiresMs: number;
}

/** Who writes, and under which generation when it says so. */
export interface Writer {
  actor: Actor;
  generation?: number | undefined;
}

const rowOf = (db: Reader, bead: Bead) =>
  db.selectFrom('leases').selectAll().where('project_id', '=', bead.projectId).where('bead_id', '=', bead.id);

/** The lease that belongs to the claim of a bead; one of an older generation is none. */
export async function leaseOf(db: Reader, bead: Bead): Promise<Lease | undefined> {
  const row = await rowOf(db, bead).executeTakeFirst();
  if (!row || row.generation !== bead.claim?.generation || bead.claim.holder === '') return undefined;
  return { holder: row.holder, generation: row.generation, expiresMs: row.expires_ms };
}

async function putLease(tx: Tx, bead: Bead, lease: Lease): Promise<void> {
  const row: LeaseRow = {
    project_id: bead.projectId,
    bead_id: bead.id,
    holder: lease.holder,
    generation: lease.generation,
    expires_ms: lease.expiresMs,
  };
  await tx
    .insertInto('leases')
    .values(row)
    .onConflict((c) => c.columns(['project_id', 'bead_id']).doUpdateSet(row))
    .execute();
}

/** The lease that keeps others off: not run out, and not of an agent that has ended. */
async function standingLease(db: Reader, bead: Bead, nowMs: number): Promise<Lease | undefined> {
  const lease = await leaseOf(db, bead);
  if (!lease || lease.expiresMs <= nowMs) return undefined;
  return (await isEndedAgent(db, bead.projectId, lease.holder)) ? undefined : lease;
}

export interface ClaimWish {
  holder: string;
  leaseMs: number;
  /** Takes it from whoever holds it. */
  force?: boolean;
}

/**
 * Takes the lease and returns the claim that the caller writes into the bead. The same holder keeps its generation;
 * any other begins a new one, so that what the last holder still writes is refused.
 * @throws GodelError bead-claimed
 */
export async function takeClaim(unit: Unit, bead: Bead, wish: ClaimWish): Promise<Claim> {
  const standing = await standingLease(unit.tx, bead, unit.nowMs);
  if (standing && standing.holder !== wish.holder && !wish.force) {
    throw failure('bead-claimed', { id: bead.id, holder: standing.holder, until: isoOf(standing.expiresMs) });
  }
  const isSame = standing?.holder === wish.holder;
  const claim: Claim =
    isSame && bead.claim
      ? bead.claim
      : { holder: wish.holder, generation: (bead.claim?.generation ?? 0) + 1, claimedAt: unit.now };
  await putLease(unit.tx, bead, { ...claim, expiresMs: unit.nowMs + wish.leaseMs });
  return claim;
}

const isoOf = (ms: number) => new Date(ms).toISOString();

function refuseLate(bead: Bead, lease: Lease | undefined, nowMs: number, generation: number | undefined): never {
  const isCurrent = lease !== undefined && lease.generation === generation;
  throw failure('lease-lost', {
    id: bead.id,
    generation,
    holder: lease && lease.expiresMs > nowMs ? lease.holder : '',
    expiredAt: isCurrent ? isoOf(lease.expiresMs) : undefined,
  });
}

/**
 * Refuses what comes too late: a generation that is no longer the one of the claim, or whose lease ran out; and an
 * agent that writes to a bead somebody else holds. A person without a generation decides for himself.
 * An agent shows by writing that it lives, so its own lease goes on when nobody took the bead meanwhile.
 * @throws GodelError lease-lost
 */
export async function assertHolder(unit: Unit, bead: Bead, { actor, generation }: Writer): Promise<void> {
  if (generation === undefined && actor.kind !== 'agent') return;
  const lease = await leaseOf(unit.tx, bead);
  if (generation !== undefined) {
    if (lease?.generation !== generation || lease.expiresMs <= unit.nowMs) {
      refuseLate(bead, lease, unit.nowMs, generation);
    }
    return;
  }
  if (lease === undefined) return;
  if (lease.holder === actor.name) {
    if (lease.expiresMs <= unit.nowMs) await putLease(unit.tx, bead, { ...lease, expiresMs: unit.nowMs + LEASE_MS });
  } else if (await standingLease(unit.tx, bead, unit.nowMs)) refuseLate(bead, lease, unit.nowMs, undefined);
}

/** Makes the lease of the holder last `leaseMs` from now. @throws GodelError lease-lost */
export async function renewLease(unit: Unit, bead: Bead, writer: Writer, leaseMs: number): Promise<Lease> {
  await assertHolder(unit, bead, writer);
  const lease = await leaseOf(unit.tx, bead);
  if (!lease || (writer.generation === undefined && lease.holder !== writer.actor.name)) {
    refuseLate(bead, lease, unit.nowMs, writer.generation);
  }
  const renewed = { ...lease, expiresMs: unit.nowMs + leaseMs };
  await putLease(unit.tx, bead, renewed);
  return renewed;
}

/** Ends the lease; the claim that stays in the bead keeps the generation, so that the next one is higher. */
export async function dropLease(tx: Tx, bead: Bead): Promise<void> {
  await tx.deleteFrom('leases').where('project_id', '=', bead.projectId).where('bead_id', '=', bead.id).execute();
}

/** A claim that nobody holds. */
export function givenBack(claim: Claim): Claim {
  return { ...claim, holder: '' };
}

/** Makes the leases of these holders last until `expiresMs`; those of others are left. */
export async function extendLeases(
  tx: Tx,
  projectId: string,
  holders: readonly string[],
  expiresMs: number,
): Promise<void> {
  if (holders.length === 0) return;
  await tx
    .updateTable('leases')
    .set({ expires_ms: expiresMs })
    .where('project_id', '=', projectId)
    .where('holder', 'in', holders)
    .where('expires_ms', '<', expiresMs)
    .execute();
}
