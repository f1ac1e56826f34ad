/** Messages are put together in memory that is used again; what a peer has not taken stays as it is, and holds little. */
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { sendTogether } from '../../../proxy/http/frames.ts';

/** A peer as a socket shows it: how much of what it was given it took at once. */
function peer(more: { takes: boolean; connecting?: boolean; encrypted?: boolean }) {
  const given: Buffer[] = [];
  const socket = {
    writableLength: 0,
    connecting: false,
    ...more,
    write(bytes: Buffer) {
      given.push(bytes);
      if (!more.takes) socket.writableLength += bytes.length;
      return true;
    },
  };
  return { socket: socket as unknown as Socket, given };
}

const SIZES = [10, 5_000, 9_000, 40_000, 64 * 1024];

describe.each([
  ['a peer that takes nothing', { takes: false }],
  ['one that is not there yet', { takes: false, connecting: true }],
  ['one that reads later (TLS)', { takes: false, encrypted: true }],
  ['TLS with nothing that waits', { takes: true, encrypted: true }],
])('%s', (_name, how) => {
  test.each(SIZES)('keeps its bytes, and not much more than them (%i)', (size) => {
    const slow = Array.from({ length: 5 }, () => peer(how));
    for (const [index, { socket }] of slow.entries()) {
      sendTogether(socket, 'head', Buffer.alloc(size, String(index)), 'end');
      sendTogether(peer({ takes: true }).socket, 'x', Buffer.alloc(size, 'y'), 'z');
    }
    for (const [index, { given }] of slow.entries()) {
      const [bytes] = given as [Buffer];
      expect(bytes.equals(Buffer.from(`head${String(index).repeat(size)}end`))).toBe(true);
      // What Node takes small buffers from is shared by many.
      expect(bytes.buffer.byteLength).toBeLessThanOrEqual(Math.max(Buffer.poolSize, 4 * bytes.length));
    }
  });
});

test('peers that keep up share one piece of memory', () => {
  const [first, second] = [peer({ takes: true }), peer({ takes: true })];
  for (const { socket } of [first, second]) sendTogether(socket, '', Buffer.alloc(5_000), '');
  expect(second.given[0]?.buffer).toBe(first.given[0]?.buffer);
});
