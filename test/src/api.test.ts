/** The contract of REST and WebSocket, against a real daemon. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { AnyOperation } from '../../src/base/operation.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { operations } from '../../src/operations.ts';
import { createHome, type TestHome, until } from '../support/home.ts';

let home: TestHome;
let url: string;
let key: string;

beforeAll(async () => {
  home = await createHome();
  await home.json('bead', 'create', 'first');
  url = (await home.json<{ url: string }>('status')).url;
  key = (await readFile(home.paths.adminKeyFile, 'utf8')).trim();
});
afterAll(() => home.stop());

const call = (path: string, init: RequestInit = {}) =>
  fetch(url + path, { ...init, headers: { 'x-api-key': key, 'content-type': 'application/json', ...init.headers } });

describe('REST', () => {
  test('needs a token on TCP, but for health and description', async () => {
    const refused = await fetch(`${url}/api/v1/beads`);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({
      success: false,
      error: { code: 'unauthorized' },
      meta: { requestId: expect.any(String), timestamp: expect.any(String) },
    });
    for (const path of ['/health/live', '/health/ready', '/health', '/openapi.json', '/capabilities'])
      expect((await fetch(url + path)).status, path).toBe(200);
    expect((await fetch(`${url}/api/v1/beads`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
  });
  test('answers in one envelope, with cursors that meet', async () => {
    for (let index = 0; index < 5; index += 1)
      expect(
        (await call('/api/v1/beads', { method: 'POST', body: JSON.stringify({ title: `b${index}` }) })).status,
      ).toBe(201);
    const seen: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const page = (await (await call(`/api/v1/beads?limit=2${cursor ? `&cursor=${cursor}` : ''}`)).json()) as {
        data: { items: Bead[]; pagination: { cursor?: string; hasMore: boolean } };
      };
      seen.push(...page.data.items.map((bead) => bead.title));
      expect(page.data.pagination.hasMore).toBe(page.data.pagination.cursor !== undefined);
      cursor = page.data.pagination.cursor;
    }
    expect(seen).toEqual(['first', 'b0', 'b1', 'b2', 'b3', 'b4']);
  });
  test('refuses unknown fields, bad JSON and unknown routes by name', async () => {
    const field = await call('/api/v1/beads', { method: 'POST', body: '{"title":"x","colour":"red"}' });
    expect(await field.json()).toMatchObject({
      error: { code: 'invalid_request', message: expect.stringContaining('"colour"') },
    });
    expect((await call('/api/v1/beads', { method: 'POST', body: '{"title":' })).status).toBe(400);
    expect(await (await call('/api/v1/nothing')).json()).toMatchObject({
      error: { code: 'not_found', details: { reason: 'route-unknown' } },
    });
    expect((await call('/api/v1/beads/godel-zzzzz')).status).toBe(404);
  });
  test('the unversioned alias works and says that it will end', async () => {
    const response = await call('/api/beads');
    expect(response.headers.get('deprecation')).toBe('true');
    expect(Date.parse(response.headers.get('sunset') ?? '')).toBeGreaterThan(Date.now());
  });
  test('OpenAPI 3.1 describes every operation', async () => {
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map((each) => each.operationId));
    expect(ids.sort()).toEqual(
      (Object.values(operations) as AnyOperation[]).map((operation) => operation.name.replace(' ', '.')).sort(),
    );
  });
  test('metrics are Prometheus text', async () => {
    expect(await (await call('/metrics')).text()).toContain('godel_beads{project="repo",status="open"} 6');
  });
  test('health probes database, git, tmux and proxy', async () => {
    expect(Object.keys(((await (await fetch(`${url}/health`)).json()) as { checks: object }).checks).sort()).toEqual([
      'database',
      'git',
      'proxy',
      'tmux',
    ]);
  });
});

describe('events', () => {
  interface Message {
    type: string;
    id: string;
    payload: { seq?: number; type?: string; success?: boolean; data?: { bead?: Bead } };
  }
  async function connect(query: string): Promise<{ socket: WebSocket; messages: Message[] }> {
    const messages: Message[] = [];
    const socket = new WebSocket(`${url.replace('http', 'ws')}/events?${query}`, 'godel-events-v1', {
      headers: { 'x-api-key': key },
    });
    socket.on('message', (data) => messages.push(JSON.parse(String(data)) as Message));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return { socket, messages };
  }

  test('replay and live meet without gap or repetition while others write', async () => {
    const writing = (async () => {
      for (let index = 0; index < 30; index += 1)
        await call('/api/v1/beads', { method: 'POST', body: JSON.stringify({ title: `e${index}` }) });
    })();
    const { socket, messages } = await connect('since=0&patterns=bead:created');
    await writing;
    const titles = () =>
      messages.filter((message) => message.type === 'event').map((message) => message.payload.data?.bead?.title);
    await until('all events', async () => titles().length >= 36);
    expect(titles()).toEqual([
      'first',
      'b0',
      'b1',
      'b2',
      'b3',
      'b4',
      ...Array.from({ length: 30 }, (_, index) => `e${index}`),
    ]);
    const seqs = messages.map((message) => message.payload.seq ?? 0);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    socket.close();
  });
  test('subscriptions, commands and pings are answered under their id', async () => {
    const { socket, messages } = await connect('');
    const say = (id: string, type: string, payload: object) =>
      socket.send(JSON.stringify({ id, type, timestamp: Date.now(), payload }));
    say('p', 'ping', {});
    say('s', 'subscribe', { patterns: ['bead:*'] });
    say('c', 'command', { command: 'bead:create', title: 'by command' });
    await until('three answers and an event', async () => messages.length >= 4);
    expect(messages.find((message) => message.id === 'p')?.type).toBe('pong');
    expect(messages.find((message) => message.id === 's')?.payload.success).toBe(true);
    expect(messages.find((message) => message.id === 'c')?.payload).toMatchObject({
      success: true,
      data: { title: 'by command' },
    });
    expect(messages.some((message) => message.type === 'event' && message.payload.type === 'bead:created')).toBe(true);
    socket.close();
  });
  test('without a token the socket is refused', async () => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/events`);
    await expect(new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))).rejects.toThrow(
      '401',
    );
  });
});
