/** The journal beside the tables: what a process that was killed left behind, line by line. */
import { readFileSync } from 'node:fs';
import { appendFile, copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
