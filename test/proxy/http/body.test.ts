/** Bodies, however their bytes are torn: what Node's own server makes of the same bytes is what must come out. */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createBodyDecoder } from '../../../proxy/http/body.ts';
import { CHUNKED, type Framing, HttpError, UNTIL_CLOSE } from '../../../proxy/http/head.ts';

/** The same numbers every time. */
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * sides);
  };
}

/** Reads `bytes` in pieces that end at `cuts`; what is behind the body is `rest`. */
function readTorn(framing: Framing, bytes: Buffer, cuts: readonly number[]) {
  const reader = createBodyDecoder(framing);
  const parts: Buffer[] = [];
  let rest = Buffer.alloc(0);
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    const piece = Buffer.from(bytes.subarray(from, to));
    from = to;
    const end = reader.done ? 0 : reader.read(piece, 0);
    if (end > 0 && reader.bytes) parts.push(Buffer.from(reader.bytes));
    rest = Buffer.concat([rest, piece.subarray(end)]);
  }
  return { body: Buffer.concat(parts).toString('latin1'), done: reader.done, rest: rest.toString('latin1') };
}

function chunked(pieces: readonly Buffer[], dice: (sides: number) => number): Buffer {
  const parts: (string | Buffer)[] = [];
  for (const piece of pieces) {
    const size = piece.length.toString(16);
    const written = dice(2) === 0 ? size : `00${size.toUpperCase()}`;
    parts.push(`${written}${dice(3) === 0 ? ';name="a value"' : ''}\r\n`, piece, '\r\n');
  }
  parts.push(`0\r\n${dice(2) === 0 ? 'x-trailer: 1\r\n' : ''}\r\n`);
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

/** What Node reads out of it. */
async function readByNode(bytes: Buffer): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.end();
    resolve(Buffer.concat(chunks).toString('latin1'));
  });
  server.on('clientError', reject);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
  socket.write(bytes);
  try {
    return await promise;
  } finally {
    socket.destroy();
    server.close();
  }
}

test('chunks are put together, wherever they are torn, and what follows is left alone', async () => {
  const dice = createDice(7);
  for (let round = 0; round < 200; round += 1) {
    const pieces = Array.from({ length: dice(6) }, () =>
      Buffer.from(Array.from({ length: 1 + dice(40) }, () => dice(256))),
    );
    const bytes = chunked(pieces, dice);
    const cuts = Array.from({ length: dice(8) }, () => dice(bytes.length)).sort((a, b) => a - b);
    const whole = Buffer.concat([bytes, Buffer.from('GET /next')]);
    const read = readTorn(CHUNKED, whole, round === 0 ? [...whole.keys()] : cuts);
    expect(read).toEqual({ body: Buffer.concat(pieces).toString('latin1'), done: true, rest: 'GET /next' });
    if (round < 20) expect(await readByNode(bytes)).toBe(read.body);
  }
});

describe.each([
  ['no size', '\r\nabc\r\n0\r\n\r\n'],
  ['a size that is no number', 'g\r\nabc\r\n0\r\n\r\n'],
  ['two sizes', '3 4444\r\nabc\r\n0\r\n\r\n'],
  ['a size with a sign', '+3\r\nabc\r\n0\r\n\r\n'],
  ['a size beyond counting', 'fffffffffffffffff\r\nabc'],
  ['a chunk that is longer than it says', '2\r\nabc\r\n0\r\n\r\n'],
  ['a line feed alone behind the size', '3\nabc\r\n0\r\n\r\n'],
  ['a line feed alone in an extension', '3;a\nb\r\nabc\r\n0\r\n\r\n'],
  ['a line feed alone behind the chunk', '3\r\nabc\n0\r\n\r\n'],
  ['a trailer that ends with a line feed alone', '0\r\nx: 1\n\r\n'],
  ['extensions without end', `3;${'a'.repeat(20_000)}`],
  ['trailers without end', `0\r\n${'x: 1\r\n'.repeat(5_000)}`],
])('%s', (_name, text) => {
  test('is refused', () => {
    expect(() => readTorn(CHUNKED, Buffer.from(text), [])).toThrow(HttpError);
    expect(() =>
      readTorn(
        CHUNKED,
        Buffer.from(text),
        [...text].map((_, at) => at),
      ),
    ).toThrow(HttpError);
  });
});

test('a length is kept to, and the end of a connection is an end where nothing else is said', () => {
  const bytes = Buffer.from('hello, world');
  expect(readTorn(5, bytes, [1, 4])).toEqual({ body: 'hello', done: true, rest: ', world' });
  expect(readTorn(0, bytes, [])).toEqual({ body: '', done: true, rest: 'hello, world' });
  expect(readTorn(20, bytes, [3])).toEqual({ body: 'hello, world', done: false, rest: '' });
  expect(readTorn(UNTIL_CLOSE, bytes, [3])).toEqual({ body: 'hello, world', done: false, rest: '' });
});
