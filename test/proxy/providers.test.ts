/** A provider of one's own: its certificates come from a file, its headers from the configuration. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPools } from '../../proxy/pools.ts';
import { testProvider } from '../../proxy/test-provider.ts';
import { configSchema } from '../../src/config.ts';
import { providersOf } from '../../src/costs/providers.ts';
import { createProxyRig, type ProxyRig } from '../support/proxy-rig.ts';

const ANSWER = JSON.stringify({
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'house',
  choices: [{ index: 0, message: { role: 'assistant', content: 'from the house' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
});
const QUESTION = { model: 'house', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };

let folder: string;
let server: Server;
let rig: ProxyRig;
let url: string;
const seen: IncomingMessage['headers'][] = [];

/** An authority of our own, and a certificate for localhost that it signed. */
function makeCertificates(): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'house ca.pem', '-days', '2', '-subj', '/CN=House CA');
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  const signed = ['-CA', 'house ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.pem');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godel tls # 1% '));
  await writeFile(join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  makeCertificates();
  const [cert, key] = await Promise.all(['server.pem', 'server.key'].map((name) => readFile(join(folder, name))));
  server = createServer({ cert, key }, (request, response) => {
    seen.push(request.headers);
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as { port: number }).port}/v1`;
  rig = await createProxyRig();
});
afterAll(async () => {
  await rig.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

/** The providers of a configuration, as the daemon hands them to the proxy. */
const providersFrom = (house: object) =>
  providersOf(
    configSchema.parse({ providers: { house: { dialect: 'openai', base_url: url, models: ['house'], ...house } } }),
    {
      env: {},
      keys: () => [{ id: 'house', value: 'house-key' }],
    },
  );
const ask = async (house: object) => {
  rig.setPolicy({ providers: providersFrom(house) });
  return rig.post('/v1/chat/completions', QUESTION, { token: rig.issue() });
};

test('a server whose certificate an own authority signed is trusted by ca_file, and gets the headers that are set', async () => {
  const response = await ask({
    ca_file: join(folder, 'house ca.pem'),
    headers: { 'X-Department': 'proofs', 'X-Cost-Centre': '42' },
  });
  expect(await response.text()).toBe(ANSWER);
  expect(seen.at(-1)).toMatchObject({
    authorization: 'Bearer house-key',
    'x-department': 'proofs',
    'x-cost-centre': '42',
  });
  expect(rig.rows().at(-1)).toMatchObject({ provider: 'house', outcome: 'ok', tokens: { input: 3, output: 4 } });
});

test('without it the server is not trusted: nothing is sent, and the refusal says why', async () => {
  const before = seen.length;
  const response = await ask({});
  expect(response.status).toBe(502);
  expect(await response.text()).toMatch(/certificate/);
  expect(seen).toHaveLength(before);
});

test('a ca_file that cannot be read is named', () => {
  expect(() => providersFrom({ ca_file: join(folder, 'nowhere.pem') })).toThrow(/ca_file of provider house/);
});

test('the test of its keys asks for its models, without a body or a word of one', async () => {
  const providers = providersFrom({ ca_file: join(folder, 'house ca.pem') });
  const pools = createPools();
  const tested = await testProvider({ id: 'house', providers, pools, health: rig.health, now: Date.now });
  pools.stop();
  expect(tested.tests).toMatchObject([{ key: 'house', ok: true, status: 200 }]);
  expect(seen.at(-1)).toMatchObject({ authorization: 'Bearer house-key' });
  expect(seen.at(-1)).not.toHaveProperty('content-length');
});

test.each([
  { 'Content-Length': '5' },
  { 'transfer-encoding': 'chunked' },
  { 'x-a\r\nx-b': '1' },
  { 'x-a': '1\r\nx-b: 2' },
])('the headers %j are refused where they are configured', (headers) => {
  expect(() => providersFrom({ headers })).toThrow(/header/);
});
