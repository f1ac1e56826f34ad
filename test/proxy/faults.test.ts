/** Clients and providers that misbehave with bytes: a clear error in the client's dialect, and nobody else notices. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/home.ts';
import { createProxyRig, type ProxyRig } from '../support/proxy-rig.ts';

let rig: ProxyRig;
beforeAll(async () => {
  rig = await createProxyRig({ clientMs: { headers: 500, body: 1_500 } });
});
afterAll(() => rig.stop());
beforeEach(() => {
  rig.issue();
  rig.upstream.seen.length = 0;
  rig.upstream.answer = (_request, response) =>
    void response
      .writeHead(200, { 'content-type': 'application/json' })
      .end('{"usage":{"input_tokens":1,"output_tokens":1}}');
});

const question = { model: 'claude-sonnet-5', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
const isServed = async () => (await rig.post('/v1/messages', question)).status === 200;
const ROUTES = [
  ['anthropic', '/v1/messages'],
  ['chat', '/v1/chat/completions'],
  ['responses', '/v1/responses'],
  ['google', '/v1beta/models/m:generateContent'],
] as const;

/** An error body in the form of its dialect. */
function expectError(wire: string, body: unknown, status: number): void {
  if (wire === 'anthropic')
    expect(body).toMatchObject({ type: 'error', error: { type: expect.any(String), message: expect.any(String) } });
  else if (wire === 'google')
    expect(body).toMatchObject({ error: { code: status, message: expect.any(String), status: expect.any(String) } });
  else expect(body).toMatchObject({ error: { message: expect.any(String), type: expect.any(String), param: null } });
}

/** A client of bare bytes. */
async function rawClient(): Promise<{ socket: Socket; received: () => string; closed: Promise<void> }> {
  const { hostname, port } = new URL(rig.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, received: () => text, closed };
}

describe.each(ROUTES)('%s', (wire, path) => {
  test.each([
    ['garbage', '{"model": tru'],
    ['bytes that are no text', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['a list', '[1,2]'],
    ['nothing', ''],
  ])('%s is refused', async (_name, body) => {
    const response = await fetch(rig.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${rig.issue()}` },
      body,
    });
    expect(response.status).toBe(400);
    expectError(wire, await response.json(), 400);
    expect(rig.upstream.seen).toEqual([]);
  });

  test('a body of 100 MB is refused while others are served', async () => {
    const token = rig.issue();
    const large = fetch(rig.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: Buffer.alloc(100 * 1024 * 1024, 32),
    });
    expect(await isServed()).toBe(true);
    const response = await large;
    expect(response.status).toBe(413);
    expectError(wire, await response.json(), 413);
  });

  test('headers without end are refused', async () => {
    const { socket, received, closed } = await rawClient();
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\nx-bomb: ${'a'.repeat(200_000)}`);
    await closed;
    expect(received()).toMatch(/^HTTP\/1.1 431 /);
    expectError(wire === 'responses' ? 'chat' : wire, JSON.parse(received().split('\r\n\r\n')[1] ?? ''), 431);
    expect(await isServed()).toBe(true);
  });
});

test('a hundred thousand small headers are refused as well', async () => {
  const { socket, received, closed } = await rawClient();
  socket.write(`POST /v1/messages HTTP/1.1\r\n${Array.from({ length: 100_000 }, (_, at) => `h${at}: 1\r\n`).join('')}`);
  await closed;
  expect(received()).toMatch(/^HTTP\/1.1 431 /);
});

test('a client that sends its headers drop by drop is let go, and others are served meanwhile', async () => {
  const { socket, received, closed } = await rawClient();
  socket.write('POST /v1/messages HTTP/1.1\r\nhost: x\r\n');
  const drops = setInterval(() => socket.write('a'), 100);
  expect(await isServed()).toBe(true);
  await closed;
  clearInterval(drops);
  expect(received()).toMatch(/^HTTP\/1.1 408 /);
});

test('a client that sends its body drop by drop is refused in its dialect', async () => {
  const { socket, received } = await rawClient();
  const token = rig.issue();
  socket.write(
    `POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 100000\r\n\r\n{"model":"`,
  );
  const drops = setInterval(() => socket.write('a'), 100);
  await until('the refusal', async () => received().includes('}'));
  clearInterval(drops);
  socket.destroy();
  expect(received()).toMatch(/^HTTP\/1.1 408 /);
  expectError('anthropic', JSON.parse(received().split('\r\n\r\n')[1] ?? ''), 408);
});

test('a reader that does not read holds back its provider alone, and gets every byte in the end', async () => {
  const total = 64 * 1024 * 1024;
  const piece = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  rig.upstream.answer = (_request, response, body) => {
    if (!body.includes('"stream":true')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const push = () => {
      while (sent < total) {
        sent += piece.length;
        if (!response.write(piece)) return void response.once('drain', push);
      }
      response.end();
    };
    push();
  };
  const slow = await rig.post('/v1/messages', { ...question, stream: true });
  for (let round = 0; round < 20; round += 1) expect(await isServed()).toBe(true);
  // What lies between is the buffers of the system and of three connections.
  expect(sent).toBeLessThan(total / 2);
  let got = 0;
  for await (const chunk of slow.body as unknown as AsyncIterable<Uint8Array>) got += chunk.length;
  expect(got).toBe(total);
});

describe('same dialect', () => {
  const MALFORMED = [
    'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":3}}}\n\n',
    'data: {"broken": "usage"\n\n: comment ünïcode 🚀\r\n\r\ndata:no space\ndata: second line\n\n',
    'retry: 5\nid: \u0000\n\n\n\n\ndata: [DONE]\n\ndata: {"after":"done"}\n\nno line end',
  ].join('');

  test.each([
    ['anthropic', '/v1/messages', question],
    ['chat', '/v1/chat/completions', { model: 'gpt-5.4', messages: [], stream_options: { include_usage: true } }],
    ['responses', '/v1/responses', { model: 'gpt-5.4', input: 'hi' }],
  ])('%s: a stream passes byte for byte, whatever is in it and wherever it is torn', async (_name, path, body) => {
    rig.upstream.answer = async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const byte of Buffer.from(MALFORMED)) {
        response.write(Buffer.from([byte]));
        if (byte % 3 === 0) await new Promise(setImmediate);
      }
      response.end();
    };
    const response = await rig.post(path, { ...body, stream: true });
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(MALFORMED))).toBe(true);
  });

  test.each([
    ['anthropic', '/v1/messages', question],
    ['chat', '/v1/chat/completions', { model: 'gpt-5.4', messages: [] }],
    ['responses', '/v1/responses', { model: 'gpt-5.4', input: 'hi' }],
  ])('%s: an answer that is cut has no clean end', async (_name, path, body) => {
    for (const stream of [true, false]) {
      // Three cuts in a row open the circuit of a model, and two of the dialects here ask for the same one.
      for (const provider of ['openai', 'anthropic']) rig.health.reset(provider);
      rig.upstream.answer = (_request, response) => {
        response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
        response.write(stream ? 'data: {"type":"ping"}\n\n' : '{"half":', () => response.destroy());
      };
      await expect(rig.post(path, { ...body, stream }).then((response) => response.text())).rejects.toThrow();
    }
  });

  test('a client that goes after the last event is heard at the provider that has not ended', async () => {
    const gone = Promise.withResolvers<void>();
    rig.upstream.answer = (request, response) => {
      request.socket.once('close', () => gone.resolve());
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"type":"message_stop"}\n\n');
    };
    const abort = new AbortController();
    const answer = await rig.post('/v1/messages', { ...question, stream: true }, { signal: abort.signal });
    await answer.body?.getReader().read();
    abort.abort();
    await gone.promise;
    expect(rig.rows().at(-1)).toMatchObject({ outcome: 'ok' });
  });

  test('a client that goes away is heard at the provider, before and in the middle of an answer', async () => {
    for (const begun of [false, true]) {
      const gone = Promise.withResolvers<void>();
      const asked = Promise.withResolvers<void>();
      rig.upstream.answer = (request, response) => {
        request.socket.once('close', () => gone.resolve());
        if (begun) {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write('data: {"type":"ping"}\n\n');
        }
        asked.resolve();
      };
      const abort = new AbortController();
      const answer = rig.post('/v1/messages', { ...question, stream: true }, { signal: abort.signal });
      answer.catch(() => {});
      await asked.promise;
      if (begun) await answer;
      abort.abort();
      await gone.promise;
    }
  });
});
