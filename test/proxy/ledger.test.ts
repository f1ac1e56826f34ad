/** The journal beside the tables: what a process that was killed left behind, line by line. */
import { readFileSync } from 'node:fs';
import { appendFile, copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Ledger, openLedger } from '../../proxy/ledger.ts';
import { newId } from '../../src/base/id.ts';
import type { LedgerEntry } from '../../src/costs/schema.ts';

const entry = (more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  id: newId(),
  requestId: newId(),
  attempt: 1,
  at: new Date().toISOString(),
  agentId: 'a1',
  projectId: 'p',
  provider: 'anthropic',
  model: 'm',
  asked: 'm',
  dialect: 'anthropic',
  stream: true,
  status: 200,
  outcome: 'ok',
  tokens: { input: 1, cacheRead: 2, cacheWrite5m: 3, cacheWrite1h: 4, output: 5, reasoning: 6 },
  costNano: 7,
  estimated: false,
  latencyMs: 8,
  firstByteMs: null,
  ...more,
});

/** Tables as version 2 made them. */
const SECOND = `
create table keys (hash text primary key, agent_id text, body text not null);
create table budgets (
  scope text not null, subject text not null, period text not null, body text not null, primary key (scope, subject, period)
);
create table attempts (
  id text primary key, request_id text not null, attempt integer not null, at text not null,
  agent_id text, agent_name text, project_id text not null, bead_id text, convoy_id text, team_id text, user_id text,
  tenant_id text, key_name text, provider text not null, provider_key text, model text not null, asked text not null,
  dialect text not null, stream integer not null, status integer not null, outcome text not null, reason text,
  input integer not null, cache_read integer not null, cache_write_5m integer not null, cache_write_1h integer not null,
  output integer not null, reasoning integer not null, cost_nano integer, estimated integer not null,
  latency_ms integer not null, first_byte_ms integer
) without rowid;
create index attempts_by_agent on attempts (agent_id, at);
create index attempts_by_project on attempts (project_id, at);
create table retired (
  agent_id text, project_id text not null, bead_id text, convoy_id text, team_id text, user_id text, tenant_id text,
  key_name text, cost_nano integer not null, requests integer not null
);
pragma user_version = 2;
`;

let folder: string;
let ledger: Ledger;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godel ledger # 1% '));
  ledger = openLedger(join(folder, 'ledger.db'));
});

afterEach(async () => {
  ledger.close();
  await rm(folder, { recursive: true });
});

/** The files as they are now: what a kill leaves. */
async function killed(): Promise<string> {
  const copy = join(folder, 'killed');
  await rm(copy, { recursive: true, force: true });
  const names = (await readdir(folder)).filter((name) => name.startsWith('ledger.db'));
  await mkdir(copy);
  for (const name of names) await copyFile(join(folder, name), join(copy, name));
  return join(copy, 'ledger.db');
}

describe('journal', () => {
  test('what waits for a row goes on when the row is in the file, and at once when none is on its way', async () => {
    const row = entry();
    const { promise, resolve } = Promise.withResolvers<string>();
    ledger.add(row);
    ledger.written(() => resolve(readFileSync(join(folder, 'ledger.db.rows'), 'utf8')));
    expect(await promise).toContain(row.id);
    let gone = false;
    ledger.written(() => {
      gone = true;
    });
    expect(gone).toBe(true);
  });

  test('a line of an earlier release is a whole entry', async () => {
    const row = entry();
    ledger.close();
    await appendFile(join(folder, 'ledger.db.rows'), `${JSON.stringify(row)}\n`);
    ledger = openLedger(join(folder, 'ledger.db'));
    expect(ledger.entries({ limit: 10 }).items).toMatchObject([{ id: row.id, tokens: row.tokens }]);
  });

  test('a row is there after a kill in the moment that it was added, once, and its sum with it', async () => {
    const rows = [entry(), entry({ attempt: 2, costNano: null, reason: 'a "quoted"\nline' })];
    for (const row of rows) ledger.add(row);
    const file = await killed();
    for (let start = 0; start < 2; start += 1) {
      const next = openLedger(file);
      expect(next.entries({ limit: 10 }).items).toEqual(rows);
      expect(next.sums('2000-01-01', '2000-01').get('agent:a1')).toMatchObject({ totalNano: 7, requests: 2 });
      next.close();
    }
    expect(await readFile(`${file}.rows`, 'utf8')).toBe('');
  });

  test('a kill between the tables and the emptying of the journal counts nothing twice', async () => {
    const row = entry();
    ledger.add(row);
    const lines = await readFile(join(folder, 'ledger.db.rows'), 'utf8');
    ledger.flush();
    const file = await killed();
    await appendFile(`${file}.rows`, lines);
    const next = openLedger(file);
    expect(next.entries({ limit: 10 }).items).toEqual([row]);
    next.close();
  });

  test('a line that was torn by the death of the system is passed over; the whole ones stay', async () => {
    ledger.add(entry({ requestId: 'whole' }));
    const file = await killed();
    await appendFile(`${file}.rows`, '{"id":"torn","requ');
    const next = openLedger(file);
    expect(next.entries({ limit: 10 }).items.map((row) => row.requestId)).toEqual(['whole']);
    next.close();
  });
});

test('every field of a row is in a column of its own', () => {
  const texts = {
    agentId: 'agent',
    agentName: 'agent name',
    projectId: 'project',
    beadId: 'bead',
    convoyId: 'convoy',
    teamId: 'team',
    userId: 'user',
    tenantId: 'tenant',
    keyName: 'key',
    provider: 'provider',
    providerKey: 'provider key',
    model: 'model',
    asked: 'asked',
    dialect: 'chat',
    reason: 'reason',
  };
  const row = entry({
    ...texts,
    status: 418,
    outcome: 'failed',
    estimated: true,
    latencyMs: 9,
    firstByteMs: 10,
    stream: false,
  });
  ledger.add(row);
  expect(ledger.entries({ limit: 1 }).items).toEqual([row]);
});

describe('what rows have in common', () => {
  test('is kept once, and every row finds its own', async () => {
    const people = [{ agentId: 'a1' }, { agentId: 'a1', beadId: 'b' }, { agentId: undefined, userId: 'u' }];
    const asked = [{ model: 'm' }, { model: 'n', asked: 'fast' }, { model: 'n', asked: 'fast', stream: false }];
    const rows = [1, 2].flatMap(() => people.flatMap((who) => asked.map((what) => entry({ ...who, ...what }))));
    for (const row of rows) ledger.add(row);
    ledger.flush();
    const db = new SQLite(join(folder, 'ledger.db'), { readonly: true });
    const count = (table: string) => db.prepare(`select count(*) from ${table}`).pluck().get();
    expect([count('subjects'), count('targets'), count('entries')]).toEqual([3, 3, rows.length]);
    db.close();
    expect(ledger.entries({ limit: 100 }).items).toEqual(rows);
    expect(ledger.entries({ limit: 100, agentId: 'a1', model: 'm' }).total).toBe(4);
  });

  test('is found again by the next process', () => {
    ledger.add(entry());
    ledger.close();
    ledger = openLedger(join(folder, 'ledger.db'));
    ledger.add(entry());
    ledger.flush();
    const db = new SQLite(join(folder, 'ledger.db'), { readonly: true });
    expect(db.prepare('select count(*) from subjects').pluck().get()).toBe(1);
    db.close();
  });

  test('is not taken for written when its transaction was not', () => {
    const never = { ...entry({ agentId: 'new' }), at: null } as unknown as LedgerEntry;
    const row = entry({ agentId: 'new' });
    ledger.add(never);
    ledger.add(row);
    expect(ledger.entries({ limit: 10 }).items).toEqual([row]);
  });

  test('may be different in every row, and goes with the last of its rows', () => {
    const names = Array.from({ length: 2_500 }, (_, index) => `model-${index % 1_250}`);
    const rows = names.map((asked, index) =>
      entry({ asked, provider: '', agentId: undefined, keyName: `k${index % 1_249}` }),
    );
    for (const row of rows) ledger.add(row);
    const { items } = ledger.entries({ limit: rows.length });
    expect(items.map(({ asked, keyName }) => [asked, keyName])).toEqual(rows.map((row) => [row.asked, row.keyName]));
    expect(ledger.retire('2999-01-01', 1_000)).toBe(1_000);
    expect(ledger.retire('2999-01-01', 10_000)).toBe(1_500);
    const db = new SQLite(join(folder, 'ledger.db'), { readonly: true });
    const left = () =>
      ['subjects', 'targets'].map((table) => db.prepare(`select count(*) from ${table}`).pluck().get());
    expect(left()).toEqual([0, 0]);
    const again = entry({ asked: 'model-7', provider: '', agentId: undefined, keyName: 'k7' });
    ledger.add(again);
    expect(ledger.entries({ limit: 10 }).items).toEqual([again]);
    expect(ledger.sums('2000-01-01', '2000-01').get('key:k7')?.requests).toBe(3);
    expect(left()).toEqual([1, 1]);
    db.close();
  });

  test('comes out of a file of version 2 as it was', () => {
    const file = join(folder, 'second.db');
    const old = new SQLite(file);
    old.exec(SECOND);
    const columns = [
      ['i1', 'r1', 'agent', 'worker', 'p', 'fast', 1],
      ['i2', 'r1', 'agent', 'worker', 'p', 'm', 0],
      ['i3', 'r3', null, null, '', 'm', 0],
    ];
    for (const [id, request, agent, name, project, asked, stream] of columns)
      old
        .prepare(
          `insert into attempts values (?, ?, 1, '2026-11-01T00:00:00.000Z', ?, ?, ?, null, null, null, null, null, null, 'anthropic',
           null, 'm', ?, 'anthropic', ?, 200, 'ok', null, 1, 2, 3, 4, 5, 6, 42, 0, 8, null)`,
        )
        .run(id, request, agent, name, project, asked, stream);
    old.prepare("insert into retired values (null, 'p', null, null, null, null, null, null, 58, 1)").run();
    old.close();
    const next = openLedger(file);
    expect(next.entries({ limit: 10 }).items).toMatchObject([
      { id: 'i1', requestId: 'r1', agentId: 'agent', agentName: 'worker', asked: 'fast', stream: true, costNano: 42 },
      { id: 'i2', agentId: 'agent', asked: 'm', stream: false, tokens: { reasoning: 6 } },
      { id: 'i3', projectId: '', firstByteMs: null },
    ]);
    expect(next.sums('2000-01-01', '2000-01').get('project:p')).toMatchObject({ totalNano: 142, requests: 3 });
    expect(next.retire('2027-01-01', 2)).toBe(2);
    expect(next.sums('2000-01-01', '2000-01').get('project:p')).toMatchObject({ totalNano: 142, requests: 3 });
    next.close();
    const again = openLedger(file);
    expect(again.entries({ limit: 10 }).total).toBe(1);
    again.close();
  });
});

test('ids of one process grow, are no id twice, and are of version 7', () => {
  const before = Date.now();
  const ids = Array.from({ length: 20_000 }, newId);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const time = Number.parseInt((ids[0] as string).replaceAll('-', '').slice(0, 12), 16);
  expect(time).toBeGreaterThanOrEqual(before);
  expect(time).toBeLessThan(before + 5_000);
});
