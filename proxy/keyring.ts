/** Virtual keys and their money in memory: the truth for limits, rebuilt from the ledger at start. */
import { createHash } from 'node:crypto';
import type { Activity, VirtualKey } from '../src/costs/schema.ts';
import type { Ledger } from './ledger.ts';

/** One agent's purse, shared by all its keys. */
export interface Purse {
  key: VirtualKey;
  spentNano: number;
  reservedNano: number;
  requests: number;
  inFlight: number;
  /** Ends the requests in flight when the key is revoked. */
  revocations: Set<() => void>;
}

export interface Keyring {
  find(token: string): Purse | undefined;
  put(key: VirtualKey): void;
  revoke(hash: string): void;
  revokeAgent(agentId: string): void;
  /** Reserves money before a request is sent; false when the budget does not hold it. Synchronous, so it cannot be passed. */
  reserve(purse: Purse, nano: number): boolean;
  settle(purse: Purse, reservedNano: number, costNano: number | null): void;
  activityOf(purse: Purse, change: Partial<Activity>): Activity;
  busy(): Purse[];
}

export function createKeyring(ledger: Ledger, now: () => number): Keyring {
  const byHash = new Map<string, Purse>();

  function put(key: VirtualKey): void {
    const known = byHash.get(key.hash);
    if (known) {
      known.key = key;
      return;
    }
    const total = ledger.totalOf(key.agentId);
    byHash.set(key.hash, {
      key,
      spentNano: total.totalCostNano,
      reservedNano: 0,
      requests: total.requests,
      inFlight: 0,
      revocations: new Set(),
    });
  }

  function drop(hash: string): void {
    const purse = byHash.get(hash);
    byHash.delete(hash);
    for (const end of purse?.revocations ?? []) end();
  }

  for (const key of ledger.keys()) put(key);

  return {
    find: (token) => byHash.get(createHash('sha256').update(token).digest('hex')),
    put(key) {
      ledger.putKey(key);
      put(key);
    },
    revoke(hash) {
      ledger.deleteKey(hash);
      drop(hash);
    },
    revokeAgent(agentId) {
      for (const hash of ledger.deleteKeysOf(agentId)) drop(hash);
    },
    reserve(purse, nano) {
      const { budgetNano } = purse.key;
      if (budgetNano !== undefined && purse.spentNano + purse.reservedNano + nano > budgetNano) return false;
      purse.reservedNano += nano;
      return true;
    },
    settle(purse, reservedNano, costNano) {
      purse.reservedNano -= reservedNano;
      purse.spentNano += costNano ?? 0;
      purse.requests += 1;
    },
    activityOf: (purse, change) => ({
      agentId: purse.key.agentId,
      at: now(),
      inFlight: purse.inFlight,
      totalCostNano: purse.spentNano,
      requests: purse.requests,
      ...change,
    }),
    busy: () => [...byHash.values()].filter((purse) => purse.inFlight > 0),
  };
}
