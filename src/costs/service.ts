/** Reports, budgets and providers; the numbers are the proxy's ledger, the money is held there. */
import type { Handlers } from '../access/context.ts';
import { failure } from '../errors.ts';
import type { costOperations } from './operations.ts';
import { momentOf } from './period.ts';
import {
  type Budget,
  type BudgetPeriod,
  type BudgetScope,
  type BudgetState,
  type Dimension,
  dimensionSchema,
  type LedgerEntry,
  type LedgerFilter,
  type ProviderState,
  type ProviderTest,
  type UsageReport,
} from './schema.ts';
import { csv, entryRecord, usageRecord } from './text.ts';

/** What this service needs of the proxy. */
export interface MoneyProxy {
  usage(query: LedgerFilter & { by?: Dimension[] }): Promise<UsageReport>;
  entries(
    query: LedgerFilter & { limit: number; cursor?: string | undefined; newest?: boolean },
  ): Promise<{ items: LedgerEntry[]; total: number; cursor?: string | undefined }>;
  putBudget(budget: Budget): Promise<BudgetState>;
  clearBudget(scope: BudgetScope, subject: string, period: BudgetPeriod): Promise<boolean>;
  budgets(): Promise<BudgetState[]>;
  providers(): Promise<ProviderState[]>;
  testProvider(id: string): Promise<ProviderTest>;
}

/** Names of people for things -> their ids, and a name to show. */
export interface Resolver {
  agent(projectId: string, text: string): Promise<{ id: string; label: string }>;
  bead(projectId: string, text: string): Promise<{ id: string; label: string }>;
  convoy(projectId: string, text: string): Promise<{ id: string; label: string }>;
  project(projectId: string): Promise<{ id: string; label: string }>;
}

export interface CostServiceOptions {
  proxy: MoneyProxy;
  resolve: Resolver;
  now: () => number;
}

type Service = Handlers<typeof costOperations>;
type Filters = Omit<Parameters<Service['costShow']>[0], 'by' | 'export'>;

const NANO = 1_000_000_000;
/** What a page of all the money is grouped by. */
const OVERVIEW: readonly Dimension[] = ['convoy', 'agent', 'bead', 'model', 'provider'];

/** Most rows of one export; the pages after it go on with the cursor. */
const EXPORT_PAGE = 1_000;

/** @throws GodelError bad-input */
function dimensionsOf(text: string | undefined): Dimension[] {
  const words = (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);
  return words.map((word) => {
    const parsed = dimensionSchema.safeParse(word);
    if (parsed.success) return parsed.data;
    throw failure('bad-input', {
      problem: `There is no grouping by "${word}".`,
      hint: `Possible: ${dimensionSchema.options.join(', ')}`,
    });
  });
}

export function createCostService(options: CostServiceOptions): Service {
  const { proxy, resolve, now } = options;

  async function filterOf(input: Filters, projectId: string): Promise<LedgerFilter> {
    const entries: [keyof LedgerFilter, string | undefined][] = [
      ['projectId', input.allProjects ? undefined : projectId],
      ['agentId', input.agent && (await resolve.agent(projectId, input.agent)).id],
      ['beadId', input.bead && (await resolve.bead(projectId, input.bead)).id],
      ['convoyId', input.convoy && (await resolve.convoy(projectId, input.convoy)).id],
      ['teamId', input.team],
      ['userId', input.user],
      ['keyName', input.key],
      ['provider', input.provider],
      ['model', input.model],
      ['since', input.since && momentOf(input.since, now())],
      ['until', input.until && momentOf(input.until, now())],
    ];
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as LedgerFilter;
  }

  async function subjectOf(
    input: Parameters<Service['budgetClear']>[0],
    projectId: string,
  ): Promise<{ scope: BudgetScope; subject: string; label: string }> {
    const named = (['agent', 'bead', 'convoy', 'team', 'user', 'tenant', 'key'] as const).filter((name) => input[name]);
    if (named.length + (input.home ? 1 : 0) > 1)
      throw failure('bad-input', {
        problem: 'A budget is of one thing.',
        hint: `Leave out all but one of: ${named.join(', ')}`,
      });
    if (input.home) return { scope: 'home', subject: '*', label: 'everything' };
    const [scope] = named;
    if (scope === undefined) {
      const project = await resolve.project(projectId);
      return { scope: 'project', subject: project.id, label: project.label };
    }
    const text = input[scope] as string;
    const found =
      scope === 'agent' || scope === 'bead' || scope === 'convoy'
        ? await resolve[scope](projectId, text)
        : { id: text, label: text };
    return { scope, subject: found.id, label: found.label };
  }

  async function providerOf(id: string): Promise<ProviderState> {
    const all = await proxy.providers();
    const found = all.find((each) => each.id === id);
    if (!found) throw failure('provider-unknown', { provider: id, known: all.map((each) => each.id) });
    return found;
  }

  return {
    async costShow(input, { projectId }) {
      const by = dimensionsOf(input.by);
      const exportBy: Dimension[] = by.length > 0 ? by : ['agent', 'bead', 'provider', 'model', 'day'];
      const report = await proxy.usage({ ...(await filterOf(input, projectId)), by: input.export ? exportBy : by });
      if (!input.export) return report;
      const records = report.rows.map(usageRecord);
      return { ...report, exported: input.export === 'csv' ? csv(records) : JSON.stringify(records, null, 2) };
    },
    async costOverview(input, { projectId }) {
      const since = input.since === undefined ? null : momentOf(input.since, now());
      const filter = { projectId, ...(since === null ? {} : { since }) };
      const reports = await Promise.all(OVERVIEW.map((by) => proxy.usage({ ...filter, by: [by] })));
      const [today, month] = await Promise.all(
        ['today', 'month'].map((period) => proxy.usage({ projectId, since: momentOf(period, now()), by: [] })),
      );
      const groups = reports.flatMap((report, index) =>
        report.rows.map((row) => {
          const by = OVERVIEW[index] as Dimension;
          return { by, name: row.key[by] ?? '', costNano: row.costNano, requests: row.requests };
        }),
      );
      const budgets = await proxy.budgets();
      return {
        since,
        totalCostNano: reports[0]?.totalCostNano ?? 0,
        todayCostNano: today?.totalCostNano ?? 0,
        monthCostNano: month?.totalCostNano ?? 0,
        requests: reports[0]?.requests ?? 0,
        groups,
        budgets: budgets.filter((budget) => budget.scope !== 'project' || budget.subject === projectId),
      };
    },
    async costAudit(input, { projectId }) {
      const limit = input.export ? EXPORT_PAGE : input.limit;
      const page = await proxy.entries({
        ...(await filterOf(input, projectId)),
        ...(input.outcome === undefined ? {} : { outcome: input.outcome }),
        ...(input.request === undefined ? {} : { requestId: input.request }),
        limit,
        cursor: input.cursor,
        newest: true,
      });
      const { cursor } = page;
      const pagination = { limit, hasMore: cursor !== undefined, ...(cursor === undefined ? {} : { cursor }) };
      const answer = { items: page.items, total: page.total, pagination };
      if (!input.export) return answer;
      const records = page.items.map(entryRecord);
      return { ...answer, exported: input.export === 'csv' ? csv(records) : JSON.stringify(records, null, 2) };
    },
    async budgetSet(input, { projectId }) {
      const subject = await subjectOf(input, projectId);
      const createdAt = new Date(now()).toISOString();
      return proxy.putBudget({ ...subject, period: input.period, limitNano: Math.round(input.usd * NANO), createdAt });
    },
    budgetList: async () => ({ items: await proxy.budgets() }),
    async budgetClear(input, { projectId }) {
      const { scope, subject } = await subjectOf(input, projectId);
      return { removed: await proxy.clearBudget(scope, subject, input.period) };
    },
    providerList: async () => ({ items: await proxy.providers() }),
    providerShow: (input) => providerOf(input.id),
    async providerTest(input) {
      await providerOf(input.id);
      return proxy.testProvider(input.id);
    },
  };
}
