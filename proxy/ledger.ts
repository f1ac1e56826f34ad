/**
 * ledger.db: virtual keys (hashed) and one row per attempt at a provider. A row is written before the last byte of its
 * answer is sent, so a request that a client saw finished is in the ledger whatever happens next. WAL with
 * synchronous=NORMAL: a killed process loses nothing, a power cut at most the last moment.
 */
import SQLite from 'better-sqlite3';
import {
  type LedgerEntry,
  type TokenUse,
  type UsageReport,
  type VirtualKey,
  virtualKeySchema,
} from '../src/costs/schema.ts';
import { noUse } from './cost.ts';

export interface UsageFilter {
  projectId?: string | undefined;
  agentId?: string | undefined;
  beadId?: string | undefined;
  since?: string | undefined;
}

export interface AgentTotal {
  totalCostNano: number;
  requests: number;
}

export interface Ledger {
  putKey(key: VirtualKey): void;
  deleteKey(hash: string): void;
  /** Hashes that were removed. */
  deleteKeysOf(agentId: string): string[];
  keys(): VirtualKey[];
  add(entry: LedgerEntry): void;
  totalOf(agentId: string): AgentTotal;
  usage(filter: UsageFilter): UsageReport;
  entries(filter: UsageFilter & { limit: number; cursor?: string | undefined }): LedgerEntry[];
  /** Throws when the database cannot be written. */
  check(): void;
  close(): void;
}

const SCHEMA = `
create table if not exists keys (
  hash text primary key, agent_id text not null, body text not null
);
create table if not exists ledger (
  id text primary key, at text not null, agent_id text not null, agent_name text not null, project_id text not null,
  bead_id text, convoy_id text, provider text not null, model text not null, cost_nano integer, body text not null,
  input integer not null, cache_read integer not null, cache_write_5m integer not null, cache_write_1h integer not null,
  output integer not null, reasoning integer not null
);
create index if not exists ledger_by_agent on ledger (agent_id, id);
create index if not exists ledger_by_project on ledger (project_id, at);
create index if not exists keys_by_agent on keys (agent_id);
`;

const NANO = 1_000_000_000;
const DIMENSIONS = { byProvider: 'provider', byAgent: 'agent_name', byModel: 'model', byBead: 'bead_id' } as const;

function whereOf(filter: UsageFilter): { sql: string; values: string[] } {
  const pairs: [string, string | undefined][] = [
    ['project_id = ?', filter.projectId],
    ['agent_id = ?', filter.agentId],
    ['bead_id = ?', filter.beadId],
    ['at >= ?', filter.since],
  ];
  const used = pairs.filter((pair): pair is [string, string] => pair[1] !== undefined);
  return {
    sql: used.length === 0 ? '1' : used.map(([sql]) => sql).join(' and '),
    values: used.map(([, value]) => value),
  };
}

export function openLedger(file: string): Ledger {
  const db = new SQLite(file, { timeout: 5_000 });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.exec(SCHEMA);
  const insert = db.prepare(
    `insert or replace into ledger values (@id, @at, @agentId, @agentName, @projectId, @beadId, @convoyId, @provider, @model,
     @costNano, @body, @input, @cacheRead, @cacheWrite5m, @cacheWrite1h, @output, @reasoning)`,
  );
  const total = db.prepare(
    'select coalesce(sum(cost_nano), 0) as cost, count(*) as requests from ledger where agent_id = ?',
  );

  function byDimension(column: string, where: { sql: string; values: string[] }): Record<string, number> {
    const sql = `select ${column} as name, coalesce(sum(cost_nano), 0) as cost from ledger where ${where.sql} and ${column} is not null group by 1 order by 2 desc`;
    const rows = db.prepare(sql).all(...where.values) as { name: string; cost: number }[];
    return Object.fromEntries(rows.map((row) => [row.name, row.cost / NANO]));
  }

  return {
    putKey: (key) =>
      void db.prepare('insert or replace into keys values (?, ?, ?)').run(key.hash, key.agentId, JSON.stringify(key)),
    deleteKey: (hash) => void db.prepare('delete from keys where hash = ?').run(hash),
    deleteKeysOf(agentId) {
      const rows = db.prepare('delete from keys where agent_id = ? returning hash').all(agentId) as { hash: string }[];
      return rows.map((row) => row.hash);
    },
    keys: () =>
      (db.prepare('select body from keys').all() as { body: string }[]).map((row) =>
        virtualKeySchema.parse(JSON.parse(row.body)),
      ),
    add(entry) {
      const { tokens, beadId = null, convoyId = null, ...rest } = entry;
      insert.run({
        ...rest,
        beadId,
        convoyId,
        ...tokens,
        body: JSON.stringify(entry),
        stream: undefined,
        estimated: undefined,
      });
    },
    totalOf(agentId) {
      const row = total.get(agentId) as { cost: number; requests: number };
      return { totalCostNano: row.cost, requests: row.requests };
    },
    usage(filter) {
      const where = whereOf(filter);
      const sums = db
        .prepare(
          `select coalesce(sum(cost_nano), 0) as cost, count(*) as requests, sum(cost_nano is null) as unpriced, sum(input) as input,
           sum(cache_read) as cacheRead, sum(cache_write_5m) as cacheWrite5m, sum(cache_write_1h) as cacheWrite1h,
           sum(output) as output, sum(reasoning) as reasoning from ledger where ${where.sql}`,
        )
        .get(...where.values) as Record<string, number | null>;
      const tokens = noUse();
      for (const name of Object.keys(tokens) as (keyof TokenUse)[]) tokens[name] = sums[name] ?? 0;
      const cost = sums.cost ?? 0;
      const by = Object.fromEntries(
        Object.entries(DIMENSIONS).map(([name, column]) => [name, byDimension(column, where)]),
      );
      return {
        totalCostNano: cost,
        totalCost: cost / NANO,
        requests: sums.requests ?? 0,
        unpriced: sums.unpriced ?? 0,
        tokens,
        ...(by as Pick<UsageReport, 'byProvider' | 'byAgent' | 'byModel' | 'byBead'>),
      };
    },
    entries({ limit, cursor, ...filter }) {
      const where = whereOf(filter);
      const sql = `select body from ledger where ${where.sql} and id > ? order by id limit ?`;
      const rows = db.prepare(sql).all(...where.values, cursor ?? '', limit) as { body: string }[];
      return rows.map((row) => JSON.parse(row.body) as LedgerEntry);
    },
    check: () => void db.exec('begin immediate; rollback'),
    close: () => db.close(),
  };
}
