/** Tables of ledger.db and how an older file becomes a newer one. */
import type SQLite from 'better-sqlite3';

const VERSION = 3;

/** Columns of an attempt in the order of a row; the names are those of a ledger entry. */
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

type Column = (typeof COLUMNS)[keyof typeof COLUMNS];

/** Who asked. It hardly changes from row to row, so it has a table of its own, and a row the number of its line there. */
export const SUBJECT_COLUMNS = [
  'agent_id',
  'agent_name',
  'project_id',
  'bead_id',
  'convoy_id',
  'team_id',
  'user_id',
  'tenant_id',
  'key_name',
] as const satisfies readonly Column[];

/** What was asked for, and of whom; kept like the subject. */
export const TARGET_COLUMNS = [
  'provider',
  'provider_key',
  'model',
  'asked',
  'dialect',
  'stream',
] as const satisfies readonly Column[];

const apart: ReadonlySet<string> = new Set([...SUBJECT_COLUMNS, ...TARGET_COLUMNS]);
/** What every row has of its own. */
export const OWN_COLUMNS = Object.values(COLUMNS).filter((column) => !apart.has(column));

const KEPT = `
create table if not exists keys (hash text primary key, agent_id text, body text not null);
create index if not exists keys_by_agent on keys (agent_id);
create table if not exists budgets (
  scope text not null, subject text not null, period text not null, body text not null, primary key (scope, subject, period)
);
create table if not exists retired (
  agent_id text, project_id text not null, bead_id text, convoy_id text, team_id text, user_id text, tenant_id text,
  key_name text, cost_nano integer not null, requests integer not null
);
`;

/**
 * Attempts are read through a view that puts them together again. Every line has its subject and its target; a left join makes
 * SQLite begin with a subject only where that leaves few lines, which is quicker.
 */
const ATTEMPTS = `
create table subjects (
  id integer primary key, agent_id text, agent_name text, project_id text not null, bead_id text, convoy_id text, team_id text,
  user_id text, tenant_id text, key_name text
);
create index subjects_by_agent on subjects (agent_id, key_name, bead_id);
create table targets (
  id integer primary key, provider text not null, provider_key text, model text not null, asked text not null,
  dialect text not null, stream integer not null
);
create index targets_by_model on targets (asked, model);
create table entries (
  id text primary key, request_id text not null, attempt integer not null, at text not null, subject integer not null,
  target integer not null, status integer not null, outcome text not null, reason text, input integer not null,
  cache_read integer not null, cache_write_5m integer not null, cache_write_1h integer not null, output integer not null,
  reasoning integer not null, cost_nano integer, estimated integer not null, latency_ms integer not null,
  first_byte_ms integer
) without rowid;
create index entries_by_subject on entries (subject, at);
create view attempts as
  select ${Object.values(COLUMNS).map(qualified).join(', ')}
  from entries left join subjects on subjects.id = entries.subject left join targets on targets.id = entries.target;
`;

function qualified(column: Column): string {
  const of = (columns: readonly Column[]) => columns.includes(column);
  const table = of(SUBJECT_COLUMNS) ? 'subjects' : of(TARGET_COLUMNS) ? 'targets' : 'entries';
  return `${table}.${column}`;
}

/** Version 1 kept the whole entry as JSON. */
function fromFirst(db: SQLite.Database): void {
  const field = (name: string) => `json_extract(body, '$.${name}')`;
  db.exec(`
    create table attempts as
    select id, coalesce(${field('requestId')}, id) as request_id, 1 as attempt, at, agent_id, agent_name, project_id, bead_id,
      convoy_id, null as team_id, null as user_id, null as tenant_id, null as key_name, provider, null as provider_key, model,
      model as asked, coalesce(${field('dialect')}, '') as dialect, coalesce(${field('stream')}, 0) as stream,
      coalesce(${field('status')}, 200) as status, coalesce(${field('outcome')}, 'ok') as outcome, null as reason, input,
      cache_read, cache_write_5m, cache_write_1h, output, reasoning, cost_nano, coalesce(${field('estimated')}, 0) as estimated,
      coalesce(${field('latencyMs')}, 0) as latency_ms, ${field('firstByteMs')} as first_byte_ms
    from ledger;
    drop table ledger;
    create table keys_old as select hash, agent_id, body from keys;
    drop table keys;
    ${KEPT}
    insert into keys select hash, agent_id, body from keys_old;
    drop table keys_old;
  `);
}

/** Version 2 had everything in one table of attempts. */
function fromSecond(db: SQLite.Database): void {
  const [subject, target] = [SUBJECT_COLUMNS.join(', '), TARGET_COLUMNS.join(', ')];
  const same = (table: string, columns: readonly string[]) =>
    `(select id from ${table} as t where ${columns.map((column) => `t.${column} is old.${column}`).join(' and ')})`;
  db.exec(`
    alter table attempts rename to old;
    ${ATTEMPTS}
    insert into subjects (${subject}) select distinct ${subject} from old;
    insert into targets (${target}) select distinct ${target} from old;
    create unique index all_of_subjects on subjects (${subject});
    create unique index all_of_targets on targets (${target});
    insert or ignore into entries (subject, target, ${OWN_COLUMNS.join(', ')})
    select ${same('subjects', SUBJECT_COLUMNS)}, ${same('targets', TARGET_COLUMNS)}, ${OWN_COLUMNS.join(', ')} from old;
    drop table old;
    drop index all_of_subjects;
    drop index all_of_targets;
  `);
}

export function prepareSchema(db: SQLite.Database): void {
  const has = (table: string) =>
    db.prepare("select 1 from sqlite_master where type = 'table' and name = ?").get(table) !== undefined;
  db.transaction(() => {
    const version = db.pragma('user_version', { simple: true }) as number;
    if (version >= VERSION) return;
    if (has('ledger')) fromFirst(db);
    db.exec(KEPT);
    if (has('attempts')) fromSecond(db);
    else db.exec(ATTEMPTS);
    db.pragma(`user_version = ${VERSION}`);
  }).immediate();
}
