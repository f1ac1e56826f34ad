/** Bytes of messages on their way to a socket, in as few calls of the system as there can be. */
import type { Socket } from 'node:net';

export const LAST_CHUNK = '0\r\n\r\n';
const END = '\r\n';
/** What is larger is not copied to stand in one piece with what goes before and after it. */
const MOST_COPIED = 64 * 1024;
/** Small pieces have memory of their own: what a peer does not take at once keeps it. */
const SMALL = 8 * 1024;

/** Memory in which messages are put together, one after the other: a new piece for each would go through all of the cache. */
const outboxes = { small: Buffer.allocUnsafeSlow(SMALL), large: Buffer.allocUnsafeSlow(2 * MOST_COPIED) };

/** Room for `size` bytes that go to `socket`. */
function roomFor(socket: Socket, size: number): Buffer {
  // Behind others they would wait.
  if (socket.writableLength > 0 || size > 2 * MOST_COPIED) return Buffer.allocUnsafeSlow(size);
  return (size <= SMALL ? outboxes.small : outboxes.large).subarray(0, size);
}

/** What the system has not taken is still read there. */
function keepRoom(socket: Socket, room: Buffer): void {
  if (socket.writableLength === 0) return;
  if (room.buffer === outboxes.small.buffer) outboxes.small = Buffer.allocUnsafeSlow(SMALL);
  else if (room.buffer === outboxes.large.buffer) outboxes.large = Buffer.allocUnsafeSlow(2 * MOST_COPIED);
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
