/** The client's connections: kept between calls, made anew when the daemon was, and no reason for a process to live on. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '../../src/base/process.ts';
import { createClient } from '../../src/client/client.ts';

let folder: string;
let socketPath: string;
let server: Server | undefined;
let connections = 0;

async function listen(): Promise<void> {
  server = createServer((_request, response) => response.end('{"success":true,"data":{"items":[]}}'));
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server?.listen(socketPath, resolve));
}

/** As a daemon that is killed: every connection ends with it. */
async function end(): Promise<void> {
  const ending = server;
  server = undefined;
  if (!ending) return;
  const closed = new Promise<void>((resolve) => ending.close(() => resolve()));
  ending.closeAllConnections();
  await closed;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godel client # % '));
  socketPath = join(folder, 'daemon.sock');
  connections = 0;
  await listen();
});
afterEach(async () => {
  await end();
  await rm(folder, { recursive: true, force: true });
});

test('calls one after the other share a connection, and the next daemon gets a new one', async () => {
  const client = createClient({ socketPath });
  for (let count = 0; count < 5; count += 1) await client.call('beadList', {});
  expect(connections).toBe(1);
  await end();
  await listen();
  await client.call('beadList', {});
  expect(connections).toBe(2);
});

test('a program ends when its calls are answered, although its connection is still open', async () => {
  const file = join(folder, 'program.mjs');
  const source = new URL('../../src/client/client.ts', import.meta.url);
  await writeFile(
    file,
    `import { createClient } from ${JSON.stringify(source.href)};
     const client = createClient({ socketPath: ${JSON.stringify(socketPath)} });
     await client.send({ method: 'GET', path: '/beads' }, {});
     process.stdout.write('answered');`,
  );
  const started = performance.now();
  const result = await run(process.execPath, [file], { env: { PATH: process.env.PATH ?? '' }, timeoutMs: 60_000 });
  expect(result).toMatchObject({ code: 0, stdout: 'answered' });
  // The connection itself would hold it for five seconds.
  expect(performance.now() - started).toBeLessThan(4_500);
});
