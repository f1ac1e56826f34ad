/** Questions to the ledger: what was spent by any dimension and period, and the rows themselves. */
import type SQLite from 'better-sqlite3';
import {
  type Dimension,
  type LedgerEntry,
  type LedgerFilter,
  ledgerEntrySchema,
  type TokenUse,
  type UsageReport,
  type UsageRow,
} from '../src/costs/schema.ts';
import { noUse } from './cost.ts';
import { COLUMNS } from './ledger-schema.ts';

export type UsageQuery = LedgerFilter & { by?: readonly Dimension[] | undefined };

export interface EntryPage {
  items: LedgerEntry[];
  /** Rows that fit the filter, on all pages. */
  total: number;
  /** Cursor of the next page, when there is one. */
  cursor?: string;
}

const NANO = 1_000_000_000;

const DIMENSION_SQL: Readonly<Record<Dimension, string>> = {
  agent: 'agent_name',
  bead: 'bead_id',
  convoy: 'convoy_id',
  team: 'team_id',
  project: 'project_id',
  user: 'user_id',
  tenant: 'tenant_id',
  key: 'key_name',
  provider: 'provider',
  model: 'model',
  dialect: 'dialect',
  outcome: 'outcome',
  hour: "substr(at, 1, 13) || ':00Z'",
  day: 'substr(at, 1, 10)',
  month: 'substr(at, 1, 7)',
};

const FILTER_SQL: readonly [keyof LedgerFilter, string][] = [
  ['projectId', 'project_id = ?'],
  ['agentId', 'agent_id = ?'],
  ['beadId', 'bead_id = ?'],
  ['convoyId', 'convoy_id = ?'],
  ['teamId', 'team_id = ?'],
  ['userId', 'user_id = ?'],
  ['keyName', 'key_name = ?'],
  ['provider', 'provider = ?'],
  ['model', 'model = ?'],
  ['outcome', 'outcome = ?'],
  ['requestId', 'request_id = ?'],
  ['since', 'at >= ?'],
  ['until', 'at < ?'],
];

interface Where {
  sql: string;
  values: string[];
}

function whereOf(filter: LedgerFilter): Where {
  const used = FILTER_SQL.filter(([name]) => filter[name] !== undefined);
  return {
    sql: used.length === 0 ? '1' : used.map(([, sql]) => sql).join(' and '),
    values: used.map(([name]) => filter[name] as string),
  };
}

/** Requests that were refused before any attempt cost nothing and are no requests to a provider. */
const SUMS = `coalesce(sum(cost_nano), 0) as cost, count(*) as requests, coalesce(sum(cost_nano is null), 0) as unpriced,
  coalesce(sum(estimated), 0) as estimated, coalesce(avg(latency_ms), 0) as latency, coalesce(sum(input), 0) as input,
  coalesce(sum(cache_read), 0) as cacheRead, coalesce(sum(cache_write_5m), 0) as cacheWrite5m,
  coalesce(sum(cache_write_1h), 0) as cacheWrite1h, coalesce(sum(output), 0) as output, coalesce(sum(reasoning), 0) as reasoning`;

type Sums = Record<'cost' | 'requests' | 'unpriced' | 'estimated' | 'latency' | keyof TokenUse, number>;

function tokensOf(sums: Sums): TokenUse {
  const tokens = noUse();
  for (const name of Object.keys(tokens) as (keyof TokenUse)[]) tokens[name] = sums[name];
  return tokens;
}

function entryOf(row: Record<string, unknown>): LedgerEntry {
  const flat: Record<string, unknown> = {};
  for (const [name, column] of Object.entries(COLUMNS)) {
    const value = row[column];
    if (value !== null || name === 'costNano' || name === 'firstByteMs') flat[name] = value;
  }
  const tokens = Object.fromEntries(Object.keys(noUse()).map((name) => [name, flat[name]]));
  return ledgerEntrySchema.parse({ ...flat, tokens, stream: flat.stream === 1, estimated: flat.estimated === 1 });
}

export interface Reports {
  usage(query: UsageQuery): UsageReport;
  entries(
    query: LedgerFilter & { limit: number; cursor?: string | undefined; newest?: boolean | undefined },
  ): EntryPage;
}

export function createReports(db: SQLite.Database): Reports {
  function byDimension(dimension: Dimension, where: Where): Record<string, number> {
    const column = DIMENSION_SQL[dimension];
    const sql = `select ${column} as name, coalesce(sum(cost_nano), 0) as cost from attempts where attempt > 0 and ${where.sql} and ${column} is not null group by 1 order by 2 desc`;
    const rows = db.prepare(sql).all(...where.values) as { name: string; cost: number }[];
    return Object.fromEntries(rows.map((row) => [row.name, row.cost / NANO]));
  }

  function grouped(by: readonly Dimension[], where: Where): UsageRow[] {
    if (by.length === 0) return [];
    const columns = by.map((dimension, index) => `${DIMENSION_SQL[dimension]} as k${index}`);
    const keys = by.map((_, index) => `k${index}`);
    const sql = `select ${columns.join(', ')}, ${SUMS} from attempts where attempt > 0 and ${where.sql} group by ${keys.join(', ')} order by cost desc, ${keys.join(', ')}`;
    return (db.prepare(sql).all(...where.values) as (Sums & Record<string, string | null>)[]).map((row) => ({
      key: Object.fromEntries(by.map((dimension, index) => [dimension, row[`k${index}`] ?? ''])),
      costNano: row.cost,
      cost: row.cost / NANO,
      requests: row.requests,
      unpriced: row.unpriced,
      estimated: row.estimated,
      latencyMs: Math.round(row.latency),
      tokens: tokensOf(row),
    }));
  }

  return {
    usage({ by = [], ...filter }) {
      const where = whereOf(filter);
      const sums = db
        .prepare(`select ${SUMS} from attempts where attempt > 0 and ${where.sql}`)
        .get(...where.values) as Sums;
      return {
        totalCostNano: sums.cost,
        totalCost: sums.cost / NANO,
        requests: sums.requests,
        unpriced: sums.unpriced,
        tokens: tokensOf(sums),
        byProvider: byDimension('provider', where),
        byAgent: byDimension('agent', where),
        byModel: byDimension('model', where),
        byBead: byDimension('bead', where),
        byProject: byDimension('project', where),
        period: { start: filter.since ?? null, end: filter.until ?? new Date().toISOString() },
        rows: grouped(by, where),
      };
    },
    entries({ limit, cursor, newest = false, ...filter }) {
      const where = whereOf(filter);
      const total = db.prepare(`select count(*) as n from attempts where ${where.sql}`).get(...where.values) as {
        n: number;
      };
      const after = cursor === undefined ? '1' : `id ${newest ? '<' : '>'} ?`;
      const sql = `select * from attempts where ${where.sql} and ${after} order by id ${newest ? 'desc' : 'asc'} limit ?`;
      const values = cursor === undefined ? where.values : [...where.values, cursor];
      const rows = db.prepare(sql).all(...values, limit + 1) as Record<string, unknown>[];
      const items = rows.slice(0, limit).map(entryOf);
      const last = items.at(-1);
      return { items, total: total.n, ...(rows.length > limit && last ? { cursor: last.id } : {}) };
    },
  };
}
