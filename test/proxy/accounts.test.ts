/** Budgets hold under any order of reserving and settling; alerts come once; days and months end. */
import { describe, expect, test } from 'vitest';
import { type Accounts, createAccounts } from '../../proxy/accounts.ts';
import type { Budget, BudgetNotice, VirtualKey } from '../../src/costs/schema.ts';

const KEY: VirtualKey = {
  hash: '0'.repeat(64),
  agentId: 'a',
  agentName: 'worker-1',
  projectId: 'p',
  beadId: 'godel-aaaaa',
  convoyId: 'convoy-20261127-abc',
  teamId: 't',
  userId: 'u',
  tenantId: 'default',
  createdAt: '2026-11-27T00:00:00Z',
};
const budget = (more: Partial<Budget>): Budget => ({
  scope: 'agent',
  subject: 'a',
  label: 'worker-1',
  period: 'total',
  limitNano: 1_000,
  createdAt: '2026-11-27T00:00:00Z',
  ...more,
});

let nowMs = Date.parse('2026-11-30T23:00:00Z');
function make(budgets: Budget[] = [], sums = new Map()): { accounts: Accounts; notices: BudgetNotice[] } {
  const notices: BudgetNotice[] = [];
  const accounts = createAccounts({ budgets, sums, onNotice: (notice) => notices.push(notice), now: () => nowMs });
  return { accounts, notices };
}

describe('reserving', () => {
  test('every kind of budget of a key holds it back, whichever is the tightest', () => {
    const scopes = [
      ['agent', 'a'],
      ['bead', 'godel-aaaaa'],
      ['convoy', 'convoy-20261127-abc'],
      ['team', 't'],
      ['project', 'p'],
      ['user', 'u'],
      ['tenant', 'default'],
      ['home', '*'],
    ] as const;
    for (const [scope, subject] of scopes) {
      const { accounts } = make([budget({ scope, subject, limitNano: 100 })]);
      const mine = accounts.of(KEY);
      expect(accounts.reserve(mine, 101)).toMatchObject({ scope, subject, limitNano: 100 });
      expect(accounts.reserve(mine, 60)).toBeUndefined();
      expect(accounts.reserve(mine, 60)).toMatchObject({ scope, reservedNano: 60 });
    }
  });

  test('what one budget refuses is reserved nowhere', () => {
    const { accounts } = make([
      budget({ limitNano: 1_000 }),
      budget({ scope: 'project', subject: 'p', limitNano: 10 }),
    ]);
    const mine = accounts.of(KEY);
    expect(accounts.reserve(mine, 11)).toBeDefined();
    expect(mine.every((account) => account.reservedNano === 0)).toBe(true);
  });

  test('any order of 5,000 reservations, settlements and cancellations keeps within the budget and ends at zero', () => {
    const limit = 50_000;
    const { accounts } = make([budget({ limitNano: limit })]);
    const mine = accounts.of(KEY);
    const open: number[] = [];
    let seed = 7;
    const random = (most: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % most;
    };
    for (let step = 0; step < 5_000; step += 1) {
      const nano = 1 + random(500);
      if (random(3) > 0 && !accounts.reserve(mine, nano)) open.push(nano);
      else if (open.length > 0) {
        const [held = 0] = open.splice(random(open.length), 1);
        accounts.release(mine, held);
        accounts.book(mine, random(held + 1));
      }
      const account = accounts.get('agent', 'a');
      expect(account.spentNano + account.reservedNano).toBeLessThanOrEqual(limit);
    }
    for (const held of open) accounts.release(mine, held);
    expect(accounts.get('agent', 'a').reservedNano).toBe(0);
  });

  test('sums of the ledger stand after a restart', () => {
    const sums = new Map([['agent:a', { totalNano: 990, dayNano: 0, monthNano: 0, requests: 3 }]]);
    const { accounts } = make([budget({})], sums);
    expect(accounts.reserve(accounts.of(KEY), 11)).toMatchObject({ spentNano: 990 });
    expect(accounts.reserve(accounts.of(KEY), 10)).toBeUndefined();
  });
});

describe('periods', () => {
  test('a day and a month begin again, a total does not', () => {
    nowMs = Date.parse('2026-11-30T23:00:00Z');
    const { accounts } = make([
      budget({ period: 'day', limitNano: 100 }),
      budget({ period: 'month', limitNano: 100 }),
      budget({ period: 'total', limitNano: 1_000 }),
    ]);
    const mine = accounts.of(KEY);
    accounts.book(mine, 100);
    expect(accounts.spent(mine)).toMatchObject({ period: 'day', resetsAt: '2026-12-01T00:00:00.000Z' });
    nowMs = Date.parse('2026-12-01T00:00:01Z');
    expect(accounts.spent(mine)).toBeUndefined();
    expect(accounts.list().map((each) => each.spentNano)).toEqual([0, 0, 100]);
  });
});

describe('alerts', () => {
  test('50, 80 and 100 % are told once each, and again only in a new period', () => {
    nowMs = Date.parse('2026-11-27T10:00:00Z');
    const { accounts, notices } = make([budget({ period: 'day', limitNano: 100 })]);
    const mine = accounts.of(KEY);
    for (const cost of [49, 1, 1, 28, 1, 20, 0]) accounts.book(mine, cost);
    expect(notices.map(({ reached, period }) => [reached, period])).toEqual([
      [50, '2026-11-27'],
      [80, '2026-11-27'],
      [100, '2026-11-27'],
    ]);
    nowMs = Date.parse('2026-11-28T10:00:00Z');
    accounts.book(mine, 60);
    expect(notices.at(-1)).toMatchObject({ reached: 50, period: '2026-11-28' });
  });

  test('one step past several shares tells the highest', () => {
    const { accounts, notices } = make([budget({ limitNano: 100 })]);
    accounts.book(accounts.of(KEY), 85);
    expect(notices.map(({ reached }) => reached)).toEqual([80]);
    expect(accounts.notices()).toMatchObject([{ reached: 80 }]);
  });

  test('a budget that is raised, replaced or taken away takes hold at once', () => {
    const { accounts } = make([budget({ limitNano: 10 })]);
    const mine = accounts.of(KEY);
    accounts.book(mine, 10);
    expect(accounts.reserve(mine, 1)).toBeDefined();
    expect(accounts.put(budget({ limitNano: 20 }))).toMatchObject({ spentNano: 10, percent: 50 });
    expect(accounts.reserve(mine, 10)).toBeUndefined();
    expect(accounts.remove('agent', 'a', 'total')).toBe(true);
    expect(accounts.remove('agent', 'a', 'total')).toBe(false);
    expect(accounts.hasBudget(mine)).toBe(false);
  });
});
