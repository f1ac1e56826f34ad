/** Virtual keys in memory: who asks, from which accounts it spends, and what of it is in flight. */
import { hash } from 'node:crypto';
import type { Activity, VirtualKey } from '../src/costs/schema.ts';
import type { Account, Accounts } from './accounts.ts';
import type { Ledger } from './ledger.ts';
import { createRoster, type Roster } from './roster.ts';

/** What the proxy knows of one agent, shared by all its keys. */
interface Traffic {
  inFlight: number;
}

export interface Purse {
  key: VirtualKey;
  accounts: Account[];
  traffic: Traffic;
  /** Ends the requests in flight when the key is revoked. */
  revocations: Roster<() => void>;
  revoked: boolean;
}

/** What has happened to a request. */
export type ActivityChange = Pick<Activity, 'outcome' | 'costNano' | 'stopReason' | 'parked'>;

export interface Keyring {
  find(token: string): Purse | undefined;
  list(): VirtualKey[];
  put(key: VirtualKey): void;
  revoke(hash: string): boolean;
  revokeAgent(agentId: string): void;
  /** What followers are told of an agent; undefined for a key that belongs to none. */
  activityOf(purse: Purse, change: ActivityChange): Activity | undefined;
  busy(): Purse[];
}

export function createKeyring(ledger: Ledger, accounts: Accounts, now: () => number): Keyring {
  const byHash = new Map<string, Purse>();
  const traffic = new Map<string, Traffic>();

  function trafficOf(key: VirtualKey): Traffic {
    const id = key.agentId ?? `key ${key.hash}`;
    const known = traffic.get(id);
    if (known) return known;
    const made = { inFlight: 0 };
    traffic.set(id, made);
    return made;
  }

  function put(key: VirtualKey): void {
    const known = byHash.get(key.hash);
    const found = accounts.of(key);
    if (known) Object.assign(known, { key, accounts: found });
    else
      byHash.set(key.hash, {
        key,
        accounts: found,
        traffic: trafficOf(key),
        revocations: createRoster(),
        revoked: false,
      });
  }

  function drop(hash: string): boolean {
    const purse = byHash.get(hash);
    byHash.delete(hash);
    if (purse) purse.revoked = true;
    for (const end of purse?.revocations.values() ?? []) end();
    if (purse?.traffic.inFlight === 0) traffic.delete(purse.key.agentId ?? `key ${hash}`);
    return purse !== undefined;
  }

  for (const key of ledger.keys()) put(key);

  return {
    find: (token) => byHash.get(hash('sha256', token)),
    list: () => [...byHash.values()].map((purse) => purse.key),
    put(key) {
      ledger.putKey(key);
      put(key);
    },
    revoke(hash) {
      ledger.deleteKey(hash);
      return drop(hash);
    },
    revokeAgent(agentId) {
      for (const hash of ledger.deleteKeysOf(agentId)) drop(hash);
    },
    activityOf(purse, change) {
      const { agentId, generation } = purse.key;
      if (agentId === undefined) return undefined;
      // The accounts of a key begin with that of its agent.
      const account = purse.accounts[0] ?? accounts.get('agent', agentId);
      const { spentNano: totalCostNano, requests } = account;
      const activity: Activity = { agentId, at: now(), inFlight: purse.traffic.inFlight, totalCostNano, requests };
      if (generation !== undefined) activity.generation = generation;
      const { outcome, costNano, stopReason, parked } = change;
      if (outcome !== undefined) activity.outcome = outcome;
      if (costNano !== undefined) activity.costNano = costNano;
      if (stopReason !== undefined) activity.stopReason = stopReason;
      if (parked !== undefined) activity.parked = parked;
      return activity;
    },
    busy: () => [...byHash.values()].filter((purse) => purse.traffic.inFlight > 0),
  };
}
