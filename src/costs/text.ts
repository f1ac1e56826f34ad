/** Reports of money as text: tables, bars, CSV. Pure. */
import { table } from '../base/table.ts';
import type { BudgetState, CostOverview, LedgerEntry, UsageReport, UsageRow } from './schema.ts';

const NANO = 1_000_000_000;

/** Dollars, to the nano-dollar only where they need it. */
export function usd(nano: number): string {
  const amount = nano / NANO;
  if (amount === 0) return '$0';
  return amount < 1 ? `$${amount.toFixed(6)}` : `$${amount.toFixed(2)}`;
}

/** A bar of `cells` characters; what is above 100 % fills it. */
export function bar(percent: number, cells: number): string {
  const full = Math.max(0, Math.min(cells, Math.round((percent * cells) / 100)));
  return '█'.repeat(full) + '░'.repeat(cells - full);
}

/** A field of CSV; text that a spreadsheet would run as a formula is made text. */
function csvField(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const plain = value === null || value === undefined ? '' : String(value);
  const text = /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows with the columns of all of them. */
export function csv(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
    .map((fields) => fields.map(csvField).join(','))
    .join('\r\n');
}

/** Exact dollars, for sums that are made elsewhere. */
const exact = (nano: number) => (nano / NANO).toFixed(9);

export const usageRecord = (row: UsageRow): Record<string, unknown> => ({
  ...row.key,
  cost_usd: exact(row.costNano),
  requests: row.requests,
  unpriced: row.unpriced,
  estimated: row.estimated,
  ...row.tokens,
});

export const entryRecord = ({ tokens, costNano, ...entry }: LedgerEntry): Record<string, unknown> => ({
  ...entry,
  ...tokens,
  cost_usd: costNano === null ? '' : exact(costNano),
});

const tokensText = ({ tokens }: Pick<UsageRow, 'tokens'>) => {
  const input = tokens.input + tokens.cacheRead + tokens.cacheWrite5m + tokens.cacheWrite1h;
  return `${input} in, ${tokens.output + tokens.reasoning} out`;
};

function groupedText(rows: readonly UsageRow[]): string {
  const names = Object.keys(rows[0]?.key ?? {});
  return table(
    [...names.map((name) => name.toUpperCase()), 'COST', 'REQUESTS', 'TOKENS'],
    rows.map((row) => [
      ...names.map((name) => row.key[name] || '-'),
      usd(row.costNano),
      String(row.requests),
      tokensText(row),
    ]),
  );
}

export function reportText(report: UsageReport): string {
  const unpriced = report.unpriced > 0 ? `, ${report.unpriced} without a known price` : '';
  const head = `$${report.totalCost.toFixed(6)} for ${report.requests} requests${unpriced}`;
  if (report.rows.length > 0) return `${head}\n\n${groupedText(report.rows)}`;
  const rows = [
    ...Object.entries(report.byAgent).map(([name, cost]) => ['agent', name, `$${cost.toFixed(6)}`]),
    ...Object.entries(report.byBead).map(([name, cost]) => ['bead', name, `$${cost.toFixed(6)}`]),
    ...Object.entries(report.byModel).map(([name, cost]) => ['model', name, `$${cost.toFixed(6)}`]),
  ];
  return rows.length > 0 ? `${head}\n\n${table(['BY', 'NAME', 'COST'], rows)}` : head;
}

export const subjectText = (budget: BudgetState) =>
  budget.scope === 'home' ? 'everything' : `${budget.scope} ${budget.label}`;

export function budgetsText(budgets: readonly BudgetState[]): string {
  return table(
    ['BUDGET', 'PERIOD', '', 'USED', 'SPENT'],
    budgets.map((budget) => [
      subjectText(budget),
      budget.period,
      bar(budget.percent, 20),
      `${budget.percent.toFixed(0)} %`,
      `${usd(budget.spentNano)} of ${usd(budget.limitNano)}`,
    ]),
  );
}

/** Of each grouping, this many of the dearest are shown. */
const MOST_SHOWN = 8;

/** From this share (percent) on a budget is worth a word of its own. */
const WORTH_A_WORD = 80;

function alertsText(budgets: readonly BudgetState[]): string[] {
  const near = budgets.filter(({ percent }) => percent >= WORTH_A_WORD).toSorted((a, b) => b.percent - a.percent);
  return near.map((budget) => {
    const until = budget.resetsAt === null ? '' : `, anew from ${budget.resetsAt}`;
    const left = usd(Math.max(0, budget.limitNano - budget.spentNano));
    return `! ${budget.percent.toFixed(0)} % of the budget for ${subjectText(budget)} is spent, ${left} is left${until}`;
  });
}

/** What is running out, what was spent when, each share as a bar beside its sum, the dearest first; then the budgets. */
export function overviewText(overview: CostOverview): string {
  const { since, totalCostNano, todayCostNano, monthCostNano, requests, groups, budgets } = overview;
  const named = groups.filter(({ by, name }) => by !== 'convoy' || name !== '');
  const sections = [...new Set(named.map(({ by }) => by))].map((by) => {
    const own = named.filter((group) => group.by === by);
    const rows = own.slice(0, MOST_SHOWN).map(({ name, costNano, requests: count }) => {
      const percent = totalCostNano === 0 ? 0 : (costNano * 100) / totalCostNano;
      return [name || '-', bar(percent, 20), `${percent.toFixed(0)} %`, usd(costNano), `${count} requests`];
    });
    const rest = own.length - rows.length;
    const more = rest > 0 ? `\n${rest} more: godel cost --by ${by}` : '';
    return `${table([by.toUpperCase(), '', 'SHARE', 'COST', ''], rows)}${more}`;
  });
  const none = 'No budget is set: godel budget set <usd> sets one for this project.';
  const total = `${usd(totalCostNano)} ${since === null ? 'in all' : `since ${since}`} for ${requests} requests`;
  const head = [
    ...alertsText(budgets),
    `${usd(todayCostNano)} today, ${usd(monthCostNano)} this month (UTC), ${total}`,
  ];
  return [head.join('\n'), ...sections, budgets.length === 0 ? none : budgetsText(budgets)].join('\n\n');
}
