/** Tables of ledger.db and how an older file becomes a newer one. */
import type SQLite from 'better-sqlite3';

const VERSION = 2;

/** Columns of an attempt in the order they are written; the names of a row are those of a ledger entry. */
export const COLUMNS = {
  id: 'id',
  requestId: 'request_id',
  attempt: 'attempt',
  at: 'at',
  agentId: 'agent_id',
  agentName: 'agent_name',
  projectId: 'project_id',
  beadId: 'bead_id',
  convoyId: 'convoy_id',
  teamId: 'team_id',
  userId: 'user_id',
  tenantId: 'tenant_id',
  keyName: 'key_name',
  provider: 'provider',
  providerKey: 'provider_key',
  model: 'model',
  asked: 'asked',
  dialect: 'dialect',
  stream: 'stream',
  status: 'status',
  outcome: 'outcome',
  reason: 'reason',
  input: 'input',
  cacheRead: 'cache_read',
  cacheWrite5m: 'cache_write_5m',
  cacheWrite1h: 'cache_write_1h',
  output: 'output',
  reasoning: 'reasoning',
  costNano: 'cost_nano',
  estimated: 'estimated',
  latencyMs: 'latency_ms',
  firstByteMs: 'first_byte_ms',
} as const;

const SCHEMA = `
create table if not exists keys (hash text primary key, agent_id text, body text not null);
create index if not exists keys_by_agent on keys (agent_id);
create table if not exists budgets (
  scope text not null, subject text not null, period text not null, body text not null, primary key (scope, subject, period)
);
create table if not exists attempts (
  id text primary key, request_id text not null, attempt integer not null, at text not null,
  agent_id text, agent_name text, project_id text not null, bead_id text, convoy_id text, team_id text, user_id text,
  tenant_id text, key_name text, provider text not null, provider_key text, model text not null, asked text not null,
  dialect text not null, stream integer not null, status integer not null, outcome text not null, reason text,
  input integer not null, cache_read integer not null, cache_write_5m integer not null, cache_write_1h integer not null,
  output integer not null, reasoning integer not null, cost_nano integer, estimated integer not null,
  latency_ms integer not null, first_byte_ms integer
) without rowid;
create index if not exists attempts_by_agent on attempts (agent_id, at);
create index if not exists attempts_by_project on attempts (project_id, at);
create table if not exists retired (
  agent_id text, project_id text not null, bead_id text, convoy_id text, team_id text, user_id text, tenant_id text,
  key_name text, cost_nano integer not null, requests integer not null
);
`;

/** Version 1 kept the whole entry as JSON. */
function fromFirst(db: SQLite.Database): void {
  const field = (name: string) => `json_extract(body, '$.${name}')`;
  db.exec(`
    insert or ignore into attempts
    select id, coalesce(${field('requestId')}, id), 1, at, agent_id, agent_name, project_id, bead_id, convoy_id, null, null, null, null,
      provider, null, model, model, coalesce(${field('dialect')}, ''), coalesce(${field('stream')}, 0), coalesce(${field('status')}, 200),
      coalesce(${field('outcome')}, 'ok'), null, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, cost_nano,
      coalesce(${field('estimated')}, 0), coalesce(${field('latencyMs')}, 0), ${field('firstByteMs')}
    from ledger;
    drop table ledger;
    create table keys_old as select * from keys; drop table keys;
  `);
}

export function prepareSchema(db: SQLite.Database): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version >= VERSION) return;
  const first = db.prepare("select 1 from sqlite_master where type = 'table' and name = 'ledger'").get() !== undefined;
  db.transaction(() => {
    db.exec(SCHEMA);
    if (first) {
      fromFirst(db);
      db.exec(`${SCHEMA} insert into keys select hash, agent_id, body from keys_old; drop table keys_old;`);
    }
    db.pragma(`user_version = ${VERSION}`);
  })();
}
