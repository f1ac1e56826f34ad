/** The client, in front of a provider of bare bytes. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CallControl, CallTimes } from '../../../proxy/http/call.ts';
import { createHttpClient, type HttpClient } from '../../../proxy/http/client.ts';
import { recordOf } from '../../../proxy/http/fields.ts';
import { until } from '../../support/home.ts';

let server: Server;
let sockets: Socket[];
/** What came, by connection. */
let heard: string[];
let client: HttpClient;
let onRequest: (socket: Socket, request: string, connection: number) => void;

beforeEach(async () => {
  [sockets, heard] = [[], []];
  onRequest = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  server = createServer((socket) => {
    const number = sockets.push(socket) - 1;
    heard[number] = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard[number] += bytes.toString('latin1');
      onRequest(socket, bytes.toString('latin1'), number);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = connectTo();
});

afterEach(async () => {
  client.stop();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function connectTo(more: { times?: Partial<CallTimes>; connections?: number } = {}): HttpClient {
  client?.stop();
  const { port } = server.address() as { port: number };
  return createHttpClient({
    origin: { secure: false, hostname: '127.0.0.1', port, host: `127.0.0.1:${port}`, ca: undefined },
    times: { connect: 5_000, head: 5_000, body: 5_000, idle: 5_000, ...more.times },
    connections: more.connections ?? 8,
  });
}

interface Heard {
  status: number;
  fields: Record<string, string>;
  body: string;
  error?: string;
}

interface Asked {
  answer: Promise<Heard>;
  control: CallControl;
  abort(): void;
}

/** `onData` sees each piece, with the call in hand. */
function ask(path = '/x', body = '', onData?: (control: CallControl) => void): Asked {
  const { promise, resolve } = Promise.withResolvers<Heard>();
  const got: Heard = { status: 0, fields: {}, body: '' };
  const fields = ['content-length', String(body.length)];
  const control = client.call(
    { method: 'POST', path, fields, body: Buffer.from(body) },
    {
      onHead: (status, list) => Object.assign(got, { status, fields: recordOf(list) }),
      onData(bytes) {
        got.body += bytes.toString();
        onData?.(control);
      },
      onEnd: () => resolve(got),
      onError: (error) => resolve({ ...got, error: error.message }),
    },
  );
  return { answer: promise, control, abort: () => control.abort(new Error('enough')) };
}

test('calls one after the other go over one connection', async () => {
  for (const path of ['/a', '/b', '/c'])
    expect(await ask(path, 'body').answer).toMatchObject({ status: 200, body: 'ok' });
  expect(heard).toHaveLength(1);
  expect(heard[0]).toMatch(/^POST \/a HTTP\/1.1\r\nhost: 127.0.0.1:\d+\r\ncontent-length: 4\r\n\r\nbodyPOST \/b /);
});

test.each([
  ['says that it closes', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'],
  ['speaks HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'],
  ['sends more than it said', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n'],
  ['keeps it for no time at all', 'HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok'],
])('a connection is not used again when the provider %s', async (_name, text) => {
  onRequest = (socket) => socket.write(text);
  expect(await ask().answer).toMatchObject({ status: 200, body: 'ok' });
  expect(await ask().answer).toMatchObject({ status: 200, body: 'ok' });
  expect(heard).toHaveLength(2);
});

test('an answer is read whole, wherever it is torn, and what is said before it is passed over', async () => {
  const text =
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n' +
    'HTTP/1.1 200 OK\r\nX-Own: yes\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n';
  onRequest = async (socket) => {
    for (const byte of Buffer.from(text)) {
      socket.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
  };
  for (let round = 0; round < 2; round += 1)
    expect(await ask().answer).toEqual({
      status: 200,
      fields: { 'x-own': 'yes', 'transfer-encoding': 'chunked' },
      body: 'abcde',
    });
  expect(heard).toHaveLength(1);
});

test('the end of the connection is the end of an answer that says no other, and of no other', async () => {
  onRequest = (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nall of it');
  expect(await ask().answer).toEqual({ status: 200, fields: {}, body: 'all of it' });
  for (const text of [
    'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    'HTTP/1.1 200 OK\r\ncont',
    '',
  ]) {
    onRequest = (socket) => void socket.end(text);
    expect((await ask().answer).error).toMatch(/closed the connection/);
  }
});

test.each([
  ['is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['has a head without end', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}`],
  ['says its length in two ways', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n'],
  ['has chunks that are none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
  ['changes the protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n'],
])('an answer that %s is an error, and its connection is closed', async (_name, text) => {
  onRequest = (socket) => socket.write(text);
  expect((await ask().answer).error).toBeDefined();
  await until('the end of the connection', async () => sockets[0]?.destroyed === true);
});

test('more calls than connections wait for one, and one that is given up waits no longer', async () => {
  client = connectTo({ connections: 2 });
  const held: Socket[] = [];
  onRequest = (socket) => void held.push(socket);
  const [first, second, third, fourth] = [ask('/1'), ask('/2'), ask('/3'), ask('/4')];
  await until('two', async () => held.length === 2);
  third.abort();
  expect((await third.answer).error).toBe('enough');
  held[0]?.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  await first.answer;
  await until('the fourth', async () => heard.some((text) => text.includes('/4')));
  second.abort();
  expect((await second.answer).error).toBe('enough');
  fourth.abort();
  expect((await fourth.answer).error).toBe('enough');
  expect(heard.join()).not.toContain('/3');
});

test('a call that is over cannot end the one that has its connection now', async () => {
  const first = ask('/1');
  await first.answer;
  onRequest = () => {};
  const second = ask('/2');
  await until('the second', async () => heard[0]?.includes('/2') ?? false);
  first.abort();
  sockets[0]?.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  expect(await second.answer).toMatchObject({ body: 'ok' });
});

test('a call that paused at its last piece leaves a connection that is read', async () => {
  const first = ask('/1', '', (control) => control.pause());
  expect(await first.answer).toMatchObject({ body: 'ok' });
  expect(await ask('/2').answer).toMatchObject({ body: 'ok' });
  expect(heard).toHaveLength(1);
});

test('a call that is over cannot let the one go on that has its connection now', async () => {
  const first = ask('/1');
  await first.answer;
  onRequest = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf');
  const paused = Promise.withResolvers<CallControl>();
  let pieces = 0;
  const second = ask('/2', '', (control) => {
    pieces += 1;
    control.pause();
    paused.resolve(control);
  });
  const control = await paused.promise;
  first.control.resume();
  sockets[0]?.write(' more');
  // What another connection brings comes later than what this one would have brought.
  onRequest = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  await ask('/3').answer;
  expect(pieces).toBe(1);
  control.resume();
  expect(await second.answer).toMatchObject({ body: 'half more' });
});

test('a handler that fails at the end hears of it as an error', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  client.call(
    { method: 'GET', path: '/x', fields: [], body: Buffer.alloc(0) },
    {
      onHead() {},
      onData() {},
      onEnd() {
        throw new Error('on the way');
      },
      onError: (error) => resolve(error.message),
    },
  );
  expect(await promise).toBe('on the way');
});

test('a head that comes drop by drop is given up in time as well', async () => {
  client = connectTo({ times: { head: 200 } });
  onRequest = async (socket) => {
    while (!socket.destroyed) {
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  expect((await ask().answer).error).toMatch(/timeout/);
});

test('a host that is given takes the place of the usual one', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.call(
    { method: 'GET', path: '/x', fields: ['host', 'gateway.example'], body: Buffer.alloc(0) },
    { onHead() {}, onData() {}, onEnd: resolve, onError: () => resolve() },
  );
  await promise;
  expect(heard[0]).toBe('GET /x HTTP/1.1\r\nhost: gateway.example\r\n\r\n');
});

test.each(['/a\r\nhost: evil', '/a b', '/\u0000', '/ü€'])('the path %j is not sent', async (path) => {
  expect((await ask(path).answer).error).toMatch(/path/);
  expect(heard).toEqual([]);
});

test('a provider that says nothing, or stops in the middle, is given up in time', async () => {
  client = connectTo({ times: { head: 200, body: 200 } });
  onRequest = () => {};
  expect((await ask().answer).error).toMatch(/timeout/);
  onRequest = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf');
  expect(await ask().answer).toMatchObject({ body: 'half', error: expect.stringMatching(/timeout/) });
});

test('a connection that rests too long is closed', async () => {
  client = connectTo({ times: { idle: 100 } });
  await ask().answer;
  await until('the end of the connection', async () => sockets[0]?.destroyed === true);
});
