/** What was spent, what may be spent, and who is asked for it. */
import { z } from 'zod';
import { operation } from '../base/operation.ts';
import { pageInput } from '../base/page.ts';
import { table } from '../base/table.ts';
import {
  budgetPeriodSchema,
  budgetStateSchema,
  costOverviewSchema,
  dimensionSchema,
  ledgerEntrySchema,
  outcomeSchema,
  type ProviderState,
  providerStateSchema,
  providerTestSchema,
  usageReportSchema,
} from './schema.ts';
import { budgetsText, overviewText, reportText, subjectText, usd } from './text.ts';

const when = (what: string) =>
  z.string().optional().describe(`${what}: an ISO date or time, today, month, or how long ago (90m, 24h, 7d)`);

const filters = {
  agent: z.string().optional().describe('Only this agent'),
  bead: z.string().optional().describe('Only this bead'),
  convoy: z.string().optional().describe('Only this convoy'),
  team: z.string().optional().describe('Only this team'),
  user: z.string().optional().describe('Only this user'),
  key: z.string().optional().describe('Only this virtual key, by its name'),
  provider: z.string().optional().describe('Only this provider'),
  model: z.string().optional().describe('Only this model'),
  allProjects: z.stringbool().or(z.boolean()).default(false).describe('Every project of this home'),
  since: when('Only from then on'),
  until: when('Only before then'),
};
const exportForm = z.enum(['csv', 'json']).optional().describe('Print every row in this form, to be kept or sent on');
const exported = z.string().optional().describe('The rows in the form that was asked for');

const subjectFields = {
  agent: z.string().optional().describe('Of this agent'),
  bead: z.string().optional().describe('Of this bead'),
  convoy: z.string().optional().describe('Of this convoy'),
  team: z.string().optional().describe('Of this team'),
  user: z.string().optional().describe('Of this user'),
  tenant: z.string().optional().describe('Of this tenant'),
  key: z.string().optional().describe('Of this virtual key, by its name'),
  home: z.stringbool().or(z.boolean()).default(false).describe('Of everything in this home'),
  period: budgetPeriodSchema.default('total').describe('For ever, or for every day or month (UTC)'),
};

const cooling = ({ keys }: ProviderState) => keys.filter((key) => key.coolingUntil !== undefined).length;

function providerText(state: ProviderState): string {
  const keys = state.keys.map((key) => [`key ${key.id}`, key.reason ?? 'ok', key.coolingUntil ?? '']);
  const targets = state.targets.map((target) => [
    target.model,
    target.reason ? `${target.state}: ${target.reason}` : target.state,
    target.until ?? (target.latencyMs === null ? '' : `${target.latencyMs} ms to the first byte`),
  ]);
  const head = `${state.id}  ${state.state}  ${state.dialect}  ${state.baseUrl}`;
  const rows = [...keys, ...targets];
  return rows.length === 0 ? head : `${head}\n\n${table(['WHAT', 'STATE', 'UNTIL'], rows)}`;
}

const provider = z.string().min(1).describe('Id of the provider');

export const costOperations = {
  costShow: operation({
    name: 'cost show',
    aliases: ['cost'],
    http: { method: 'GET', path: '/costs' },
    summary: 'Show what was spent in this project',
    input: z.object({
      by: z
        .string()
        .optional()
        .describe(`Group by these, with commas: ${dimensionSchema.options.join(', ')}`),
      ...filters,
      export: exportForm,
    }),
    output: usageReportSchema.extend({ exported }),
    permission: 'cost:read',
    scope: 'project',
    examples: [
      'godel cost',
      'godel cost --by agent,day --since 7d',
      'godel cost --by bead,model --since month --export csv > costs.csv',
    ],
    text: (report) => report.exported ?? reportText(report),
  }),
  costOverview: operation({
    name: 'cost overview',
    http: { method: 'GET', path: '/costs/overview' },
    summary:
      'Show the money on one page: what runs out, today and this month, by convoy, agent, bead, model and provider, budgets',
    input: z.object({ since: when('Only from then on') }),
    output: costOverviewSchema,
    permission: 'cost:read',
    scope: 'project',
    examples: ['godel cost overview', 'godel cost overview --since today'],
    text: overviewText,
  }),
  costAudit: operation({
    name: 'cost audit',
    http: { method: 'GET', path: '/costs/audit' },
    summary: 'List the requests to models, newest first: every attempt, its outcome and its cost',
    input: z.object({
      ...filters,
      outcome: outcomeSchema.optional().describe('Only with this outcome'),
      request: z.string().optional().describe('Only the attempts of this request'),
      export: exportForm,
      ...pageInput,
    }),
    output: z.object({
      items: z.array(ledgerEntrySchema),
      total: z.number().int().describe('On all pages'),
      pagination: z.object({ limit: z.number().int(), cursor: z.string().optional(), hasMore: z.boolean() }),
      exported,
    }),
    permission: 'cost:read',
    scope: 'project',
    examples: ['godel cost audit --agent worker-1 --limit 20', 'godel cost audit --outcome refused --since 24h'],
    text: (page) =>
      page.exported ??
      `${table(
        ['AT', 'WHO', 'BEAD', 'PROVIDER', 'MODEL', 'OUTCOME', 'COST'],
        page.items.map((row) => [
          row.at.slice(0, 19),
          row.agentName ?? row.keyName ?? '-',
          row.beadId ?? '-',
          row.provider || '-',
          row.model,
          row.outcome === 'ok' ? 'ok' : `${row.outcome} ${row.status}`,
          row.costNano === null ? 'no price' : usd(row.costNano),
        ]),
      )}\n\n${page.items.length} of ${page.total}`,
  }),
  budgetSet: operation({
    name: 'budget set',
    http: { method: 'PUT', path: '/budgets' },
    summary: 'Set how much may be spent: by an agent, on a bead, in this project, …',
    description:
      'Without a subject it is for this project. A request that a budget does not hold is refused before it is sent.',
    input: z.object({
      usd: z.coerce.number().min(0).max(1_000_000).describe('Most that may be spent, in USD'),
      ...subjectFields,
    }),
    output: budgetStateSchema,
    permission: 'budget:write',
    args: ['usd'],
    scope: 'project',
    examples: [
      'godel budget set 20 --period day',
      'godel budget set 5 --bead godel-abc12',
      'godel budget set 100 --home --period month',
    ],
    text: (budget) =>
      `Budget of ${subjectText(budget)} (${budget.period}): ${usd(budget.limitNano)}, ${usd(budget.spentNano)} is spent`,
  }),
  budgetList: operation({
    name: 'budget list',
    aliases: ['budget'],
    http: { method: 'GET', path: '/budgets' },
    summary: 'List the budgets with what is spent of them',
    input: z.object({}),
    output: z.object({ items: z.array(budgetStateSchema) }),
    permission: 'budget:read',
    scope: 'home',
    examples: ['godel budget list'],
    text: ({ items }) =>
      items.length === 0 ? 'No budget is set: godel budget set <usd> sets one for this project.' : budgetsText(items),
  }),
  budgetClear: operation({
    name: 'budget clear',
    http: { method: 'DELETE', path: '/budgets' },
    summary: 'Take a budget away',
    input: z.object(subjectFields),
    output: z.object({ removed: z.boolean() }),
    permission: 'budget:write',
    scope: 'project',
    examples: ['godel budget clear --bead godel-abc12'],
    text: ({ removed }) => (removed ? 'The budget is taken away.' : 'There was no such budget: godel budget list'),
  }),
  providerList: operation({
    name: 'provider list',
    http: { method: 'GET', path: '/providers' },
    summary: 'List the LLM providers with their health',
    input: z.object({}),
    output: z.object({ items: z.array(providerStateSchema) }),
    permission: 'provider:read',
    scope: 'home',
    examples: ['godel provider list'],
    text: ({ items }) =>
      table(
        ['PROVIDER', 'STATE', 'DIALECT', 'KEYS', 'URL'],
        items.map((each) => [
          each.id,
          each.state,
          each.dialect,
          cooling(each) > 0 ? `${each.keys.length} (${cooling(each)} cooling down)` : String(each.keys.length),
          each.baseUrl,
        ]),
      ),
  }),
  providerShow: operation({
    name: 'provider show',
    http: { method: 'GET', path: '/providers/:id' },
    summary: 'Show a provider: its keys by fingerprint, its models, what cools down until when',
    input: z.object({ id: provider }),
    output: providerStateSchema,
    permission: 'provider:read',
    args: ['id'],
    scope: 'home',
    examples: ['godel provider show anthropic'],
    text: providerText,
  }),
  providerTest: operation({
    name: 'provider test',
    http: { method: 'POST', path: '/providers/:id/test' },
    summary: 'Ask a provider for its models with every key it has; it costs nothing',
    input: z.object({ id: provider }),
    output: providerTestSchema,
    permission: 'provider:test',
    args: ['id'],
    scope: 'home',
    examples: ['godel provider test anthropic'],
    text: ({ id, tests }) =>
      table(
        ['PROVIDER', 'KEY', 'RESULT', 'TIME'],
        tests.map((test) => [id, test.key || '-', test.ok ? 'ok' : (test.problem ?? 'failed'), `${test.latencyMs} ms`]),
      ),
  }),
} as const;
