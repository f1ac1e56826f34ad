/**
 * Money in memory: one account for every agent, bead, convoy, team, project, user, tenant, key and the home. A request
 * reserves what it can cost at most on all of its accounts in one synchronous step, so no budget can be passed, and is
 * settled with what it did cost. Sums come from the ledger when an account is first seen.
 */
import type { Budget, BudgetNotice, BudgetPeriod, BudgetScope, BudgetState, VirtualKey } from '../src/costs/schema.ts';

export interface Account {
  readonly scope: BudgetScope;
  readonly subject: string;
  spentNano: number;
  reservedNano: number;
  requests: number;
  day: { name: string; nano: number };
  month: { name: string; nano: number };
  budgets: Budget[];
}

/** What the ledger knows of a subject. */
export interface AccountSums {
  totalNano: number;
  dayNano: number;
  monthNano: number;
  requests: number;
}

export interface AccountsOptions {
  budgets: readonly Budget[];
  /** What was spent until now, by `scope:subject`. */
  sums: ReadonlyMap<string, AccountSums>;
  onNotice: (notice: BudgetNotice) => void;
  now: () => number;
}

export interface Accounts {
  of(key: VirtualKey): Account[];
  get(scope: BudgetScope, subject: string): Account;
  /** Takes `nano` on every account, or on none and says which budget does not hold it. */
  reserve(accounts: readonly Account[], nano: number): BudgetState | undefined;
  release(accounts: readonly Account[], nano: number): void;
  /** Books what was spent. */
  book(accounts: readonly Account[], costNano: number): void;
  /** The budget that has nothing left, when there is one. */
  spent(accounts: readonly Account[]): BudgetState | undefined;
  hasBudget(accounts: readonly Account[]): boolean;
  put(budget: Budget): BudgetState;
  remove(scope: BudgetScope, subject: string, period: BudgetPeriod): boolean;
  list(): BudgetState[];
  /** Every budget of which a share that is worth an alert is spent. */
  notices(): BudgetNotice[];
}

/** Shares (percent) of a budget that people want to hear about. */
export const ALERTS = [100, 80, 50] as const;

export const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
export const monthOf = (ms: number) => new Date(ms).toISOString().slice(0, 7);

const DAY_MS = 86_400_000;

interface Today {
  day: string;
  month: string;
}

/** Names of the day and the month of now; their text is made once a day. */
function createCalendar(now: () => number): () => Today {
  let number = Number.NaN;
  let today = { day: '', month: '' };
  return () => {
    const ms = now();
    const current = Math.floor(ms / DAY_MS);
    if (current !== number) {
      number = current;
      today = { day: dayOf(ms), month: monthOf(ms) };
    }
    return today;
  };
}

function periodEnd(period: BudgetPeriod, ms: number): string | null {
  const at = new Date(ms);
  if (period === 'total') return null;
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  return new Date(period === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1)).toISOString();
}

const percentOf = ({ limitNano }: Budget, spentNano: number) => (limitNano === 0 ? 100 : (spentNano * 100) / limitNano);

/** The accounts a key spends from. */
export function subjectsOf(key: VirtualKey): [BudgetScope, string][] {
  const pairs: [BudgetScope, string | undefined][] = [
    ['agent', key.agentId],
    ['bead', key.beadId],
    ['convoy', key.convoyId],
    ['team', key.teamId],
    ['project', key.projectId || undefined],
    ['user', key.userId],
    ['tenant', key.tenantId],
    ['key', key.name],
    ['home', '*'],
  ];
  return pairs.filter((pair): pair is [BudgetScope, string] => pair[1] !== undefined);
}

const NOTHING: AccountSums = { totalNano: 0, dayNano: 0, monthNano: 0, requests: 0 };

const same = (a: Budget, scope: BudgetScope, subject: string, period: BudgetPeriod) =>
  a.scope === scope && a.subject === subject && a.period === period;

export function createAccounts(options: AccountsOptions): Accounts {
  const { now } = options;
  const accounts = new Map<string, Account>();
  const budgets = [...options.budgets];
  const today = createCalendar(now);

  function get(scope: BudgetScope, subject: string): Account {
    const id = `${scope}:${subject}`;
    const known = accounts.get(id);
    if (known) return known;
    const { day, month } = today();
    const sums = options.sums.get(id) ?? NOTHING;
    const account: Account = {
      scope,
      subject,
      spentNano: sums.totalNano,
      reservedNano: 0,
      requests: sums.requests,
      day: { name: day, nano: sums.dayNano },
      month: { name: month, nano: sums.monthNano },
      budgets: budgets.filter((budget) => budget.scope === scope && budget.subject === subject),
    };
    accounts.set(id, account);
    return account;
  }

  /** Starts a new day or month when its time has come. */
  function turn(account: Account, { day, month }: Today): void {
    if (account.day.name !== day) account.day = { name: day, nano: 0 };
    if (account.month.name !== month) account.month = { name: month, nano: 0 };
  }

  function spentIn(account: Account, period: BudgetPeriod): number {
    if (period === 'total') return account.spentNano;
    turn(account, today());
    return account[period].nano;
  }

  function stateOf(budget: Budget): BudgetState {
    const account = get(budget.scope, budget.subject);
    const spentNano = spentIn(account, budget.period);
    const percent = percentOf(budget, spentNano);
    const resetsAt = periodEnd(budget.period, now());
    return { ...budget, spentNano, reservedNano: account.reservedNano, percent, resetsAt };
  }

  /** The largest share that is spent, 0 when none is worth an alert. */
  function reachedOf(account: Account, budget: Budget): number {
    const percent = percentOf(budget, spentIn(account, budget.period));
    return ALERTS.find((share) => percent >= share) ?? 0;
  }

  function noticeOf(budget: Budget): BudgetNotice | undefined {
    const account = get(budget.scope, budget.subject);
    const reached = reachedOf(account, budget);
    if (reached === 0) return undefined;
    const state = stateOf(budget);
    return { budget: state, reached, period: budget.period === 'total' ? 'total' : account[budget.period].name };
  }

  function full(list: readonly Account[], nano: number): Budget | undefined {
    for (const account of list) {
      for (const budget of account.budgets) {
        const used = spentIn(account, budget.period) + account.reservedNano;
        if (used + nano > budget.limitNano) return budget;
      }
    }
    return undefined;
  }

  function add(account: Account, costNano: number): void {
    account.spentNano += costNano;
    account.day.nano += costNano;
    account.month.nano += costNano;
    account.requests += 1;
  }

  function bookOne(account: Account, costNano: number, day: Today): void {
    turn(account, day);
    const { budgets: own } = account;
    if (own.length === 0) return add(account, costNano);
    const before = own.map((budget) => reachedOf(account, budget));
    add(account, costNano);
    for (const [index, earlier] of before.entries()) {
      const budget = own[index];
      const notice = budget && reachedOf(account, budget) > earlier ? noticeOf(budget) : undefined;
      if (notice) options.onNotice(notice);
    }
  }

  function remove(scope: BudgetScope, subject: string, period: BudgetPeriod): boolean {
    const index = budgets.findIndex((budget) => same(budget, scope, subject, period));
    if (index < 0) return false;
    budgets.splice(index, 1);
    const account = get(scope, subject);
    account.budgets = account.budgets.filter((budget) => !same(budget, scope, subject, period));
    return true;
  }

  return {
    of: (key) => subjectsOf(key).map(([scope, subject]) => get(scope, subject)),
    get,
    reserve(list, nano) {
      const budget = full(list, nano);
      if (budget) return stateOf(budget);
      for (const account of list) account.reservedNano += nano;
      return undefined;
    },
    release(list, nano) {
      for (const account of list) account.reservedNano -= nano;
    },
    book(list, costNano) {
      const day = today();
      for (const account of list) bookOne(account, costNano, day);
    },
    spent(list) {
      // One nano-dollar more than nothing must fit.
      for (const account of list) {
        const budget = account.budgets.find((each) => spentIn(account, each.period) + 1 > each.limitNano);
        if (budget) return stateOf(budget);
      }
      return undefined;
    },
    hasBudget: (list) => list.some((account) => account.budgets.length > 0),
    put(budget) {
      remove(budget.scope, budget.subject, budget.period);
      budgets.push(budget);
      get(budget.scope, budget.subject).budgets = budgets.filter(
        (each) => each.scope === budget.scope && each.subject === budget.subject,
      );
      return stateOf(budget);
    },
    remove,
    list: () => budgets.map(stateOf),
    notices: () => budgets.map(noticeOf).filter((notice) => notice !== undefined),
  };
}
