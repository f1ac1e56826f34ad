/** Bytes of messages on their way to a socket, in as few calls of the system as there can be. */
import type { Socket } from 'node:net';

export const LAST_CHUNK = '0\r\n\r\n';
const END = '\r\n';
/** What is larger is not copied to stand in one piece with what goes before and after it. */
const MOST_COPIED = 64 * 1024;
/**
 * Memory in which messages are put together, one after the other: a new piece for each would go through all of the cache. There are
 * several sizes, since what a peer does not take at once keeps all of its piece.
 */
const outboxes = [8, 32, 128].map((kib) => Buffer.allocUnsafeSlow(kib * 1024));

/** TLS reads what it is given some time later, and a connection that is not there yet as well. */
const takesAtOnce = (socket: Socket) => !socket.connecting && !('encrypted' in socket);

/** Room for `size` bytes that go to `socket`. */
function roomFor(socket: Socket, size: number): Buffer {
  // Behind others they would wait.
  const outbox = socket.writableLength === 0 && takesAtOnce(socket) && outboxes.find(({ length }) => length >= size);
  return outbox ? outbox.subarray(0, size) : Buffer.allocUnsafe(size);
}

/** What the system has not taken is still read there. */
function keepRoom(socket: Socket, room: Buffer): void {
  if (socket.writableLength === 0) return;
  const at = outboxes.findIndex(({ buffer }) => buffer === room.buffer);
  if (at >= 0) outboxes[at] = Buffer.allocUnsafeSlow((outboxes[at] as Buffer).length);
}

/**
 * Writes `before`, `bytes` and `after` as one. False when the peer does not keep up. Up to 64 KiB the memory of `bytes` is free again
 * when this returns; what is larger is sent from where it is.
 */
export function sendTogether(
  socket: Socket,
  before: string,
  bytes: Buffer,
  after: string,
  flushed?: (error?: Error | null) => void,
): boolean {
  if (bytes.length === 0) return socket.write(before + after, 'latin1', flushed);
  if (bytes.length > MOST_COPIED) {
    socket.cork();
    if (before !== '') socket.write(before, 'latin1');
    let more = socket.write(bytes, after === '' ? flushed : undefined);
    if (after !== '') more = socket.write(after, 'latin1', flushed);
    socket.uncork();
    return more;
  }
  const [from, to] = [before.length, before.length + bytes.length];
  const all = roomFor(socket, to + after.length);
  if (from > 0) all.write(before, 0, 'latin1');
  all.set(bytes, from);
  if (after !== '') all.write(after, to, 'latin1');
  const more = socket.write(all, flushed);
  keepRoom(socket, all);
  return more;
}

/** Writes `bytes` as one chunk (RFC 9112, 7.1) behind `before`; `after` may end the body. */
export function frame(
  socket: Socket,
  before: string,
  bytes: Buffer,
  after: string,
  flushed?: (error?: Error | null) => void,
): boolean {
  return sendTogether(socket, `${before}${bytes.length.toString(16)}${END}`, bytes, END + after, flushed);
}
