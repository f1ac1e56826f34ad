/** The server, spoken to in bare bytes. */
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Answer } from '../../../proxy/http/answer.ts';
import type { Request } from '../../../proxy/http/connection.ts';
import { createHttpServer, type HttpServer } from '../../../proxy/http/server.ts';
import { until } from '../../support/home.ts';

const running: HttpServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop(0);
});

type Handle = (request: Request, answer: Answer, body: string) => void;

async function start(handle: Handle, times: { headMs?: number; bodyMs?: number } = {}) {
  const server = createHttpServer({
    handle(request, answer) {
      let body = '';
      request.take({
        data(bytes) {
          body += bytes.toString();
        },
        end: () => handle(request, answer, body),
        late() {},
        gone() {},
      });
    },
    refuse: (socket, error) => void socket.end(`HTTP/1.1 ${error.status} No\r\ncontent-length: 0\r\n\r\n`),
    headMs: 60_000,
    bodyMs: 60_000,
    ...times,
  });
  running.push(server);
  return { server, port: await server.listen(0, '127.0.0.1') };
}

async function client(port: number) {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise((resolve) => socket.once('connect', resolve));
  const heard = (what: string | RegExp) =>
    until(`hearing ${what}`, async () => (typeof what === 'string' ? text.includes(what) : what.test(text)));
  return { socket, heard, closed, text: () => text };
}

const post = (body: string, more = '') =>
  `POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n${more}\r\n${body}`;
const echo: Handle = (_request, answer, body) => answer.writeHead(200).end(Buffer.from(`<${body}>`));

test('requests that come at once are answered one after the other, the slow ones too', async () => {
  const { port } = await start((request, answer, body) => {
    setTimeout(() => echo(request, answer, body), body === 'one' ? 30 : 0);
  });
  const { socket, heard, text } = await client(port);
  socket.write(post('one') + post('two') + post('three'));
  await heard('<three>');
  expect(text().match(/<\w+>/g)).toEqual(['<one>', '<two>', '<three>']);
  socket.destroy();
});

test('a request is read whole, wherever it is torn', async () => {
  const { port } = await start(echo);
  const { socket, heard, text } = await client(port);
  for (const byte of Buffer.from(`\r\n${post('torn')}${post('again')}`)) {
    socket.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  await heard('<again>');
  expect(text().match(/<\w+>/g)).toEqual(['<torn>', '<again>']);
  socket.destroy();
});

test('an answer has its length when it is known, and chunks when it is not', async () => {
  const { port } = await start((request, answer) => {
    if (request.url === '/known') return answer.writeHead(200, ['content-length', '2']).end(Buffer.from('ok'));
    answer.writeHead(200);
    answer.flush();
    answer.write(Buffer.from('some '));
    answer.write(Buffer.alloc(0));
    answer.write(Buffer.from('words'));
    answer.end();
  });
  const { socket, heard, text } = await client(port);
  socket.write('GET /known HTTP/1.1\r\nhost: x\r\n\r\n');
  await heard(/content-length: 2\r\n[\s\S]*\r\n\r\nok$/);
  socket.write('GET /unknown HTTP/1.1\r\nhost: x\r\n\r\n');
  await heard('0\r\n\r\n');
  expect(text()).toMatch(/transfer-encoding: chunked\r\n[\s\S]*\r\n\r\n5\r\nsome \r\n5\r\nwords\r\n0\r\n\r\n$/);
  expect(text()).toMatch(/date: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n/);
  socket.destroy();
});

test('HEAD has no body, HTTP/1.0 no chunks, and who asks for the end gets it', async () => {
  const { port } = await start((_request, answer) => {
    answer.writeHead(200);
    answer.write(Buffer.from('whole'));
    answer.end();
  });
  const head = await client(port);
  head.socket.write('HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await head.closed;
  expect(head.text()).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*connection: close\r\n\r\n$/);
  const old = await client(port);
  old.socket.write('GET / HTTP/1.0\r\n\r\n');
  await old.closed;
  expect(old.text()).toMatch(/connection: close\r\n\r\nwhole$/);
});

test('who waits to be asked for its body is asked', async () => {
  const { port } = await start(echo);
  const { socket, heard } = await client(port);
  socket.write('POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n');
  await heard('HTTP/1.1 100 Continue\r\n\r\n');
  socket.write('late');
  await heard('<late>');
  socket.destroy();
});

test('a body that nobody reads is thrown away, and the next request is served', async () => {
  const server = createHttpServer({
    handle: (_request, answer) => answer.writeHead(401).end(Buffer.from('no')),
    refuse: (socket) => void socket.destroy(),
    headMs: 60_000,
    bodyMs: 60_000,
  });
  running.push(server);
  const { socket, heard, text } = await client(await server.listen(0, '127.0.0.1'));
  socket.write(post('x'.repeat(500_000)));
  await heard(/\r\n\r\nno$/);
  socket.write(post('small'));
  await until('both', async () => text().match(/401/g)?.length === 2);
  socket.destroy();
});

test.each([
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a request behind bytes that are none', 'garbage\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['lines that end with a line feed alone', 'GET / HTTP/1.1\nhost: x\n\n\r\n\r\n'],
  ['chunks that are none', 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
])('%s: refused, and nothing behind it is looked at', async (_name, bytes) => {
  let handled = 0;
  const { port } = await start((request, answer, body) => {
    handled += 1;
    echo(request, answer, body);
  });
  const { socket, closed, text } = await client(port);
  socket.write(bytes + post('smuggled'));
  await closed;
  expect(text()).toBe('HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n');
  expect(handled).toBe(0);
});

test('a client that goes is noticed once, before its body is whole and while it is answered', async () => {
  const seen: string[] = [];
  const server = createHttpServer({
    handle(request, answer) {
      answer.on('close', () => seen.push(answer.finished ? 'finished' : 'lost'));
      request.take({ data() {}, end: () => answer.writeHead(200).flush(), late() {}, gone: () => seen.push('gone') });
    },
    refuse: (socket) => void socket.destroy(),
    headMs: 60_000,
    bodyMs: 60_000,
  });
  running.push(server);
  const port = await server.listen(0, '127.0.0.1');
  const half = await client(port);
  half.socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf', () => half.socket.destroy());
  await until('the first', async () => seen.length === 2);
  const whole = await client(port);
  whole.socket.write(post('whole'));
  await whole.heard('200 OK');
  whole.socket.destroy();
  await until('the second', async () => seen.length === 3);
  expect(seen).toEqual(['gone', 'lost', 'lost']);
});

test('a stop waits for the answer that is under way, and for nobody else', async () => {
  const asked = Promise.withResolvers<Answer>();
  const { server, port } = await start((_request, answer) => asked.resolve(answer));
  const [idle, busy] = [await client(port), await client(port)];
  busy.socket.write(post('busy'));
  const answer = await asked.promise;
  const stopped = server.stop(10_000);
  await idle.closed;
  answer.writeHead(200).end(Buffer.from('done'));
  await stopped;
  await busy.closed;
  expect(busy.text()).toMatch(/\r\n\r\ndone$/);
});

test('a stop does not wait for a client that has its answer and only sends on', async () => {
  const asked = Promise.withResolvers<Answer>();
  const server = createHttpServer({
    handle: (_request, answer) => asked.resolve(answer),
    refuse: (socket) => void socket.destroy(),
    headMs: 60_000,
    bodyMs: 60_000,
  });
  const { socket, heard, closed } = await client(await server.listen(0, '127.0.0.1'));
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nha');
  (await asked.promise).writeHead(200).end(Buffer.from('no'));
  await heard(/\r\n\r\nno$/);
  const stopped = server.stop(60_000);
  socket.write('lf');
  await Promise.all([stopped, closed]);
});

test('an answer whose client resets the connection was not finished', async () => {
  const lost = Promise.withResolvers<boolean>();
  const { port } = await start((_request, answer) => {
    answer.on('close', () => lost.resolve(answer.finished));
    answer.writeHead(200).end(Buffer.alloc(64 * 1024 * 1024));
  });
  const { socket, heard } = await client(port);
  socket.write(post(''));
  await heard('200 OK');
  socket.resetAndDestroy();
  expect(await lost.promise).toBe(false);
});

test('a client that sends requests without end ahead of its answers is let go', async () => {
  const { port } = await start(() => {});
  const { socket, closed } = await client(port);
  socket.write(post('x'.repeat(100)).repeat(2_000));
  await closed;
});

test('an answer that breaks off in the middle has no clean end', async () => {
  const { port } = await start((_request, answer) => {
    answer.writeHead(200);
    answer.write(Buffer.from('half'), () => answer.destroy());
  });
  const { socket, closed, text } = await client(port);
  socket.write(post(''));
  await closed;
  expect(text()).toMatch(/4\r\nhalf\r\n$/);
});
