/** Bytes of messages on their way to a socket, in as few calls of the system as there can be. */
import type { Socket } from 'node:net';

export const LAST_CHUNK = '0\r\n\r\n';
const END = '\r\n';
/** What is larger is not copied to stand in one piece with what goes before and after it. */
const MOST_COPIED = 16 * 1024;

/** Writes `before`, `bytes` and `after` as one. False when the peer does not keep up. */
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
  const all = Buffer.allocUnsafe(to + after.length);
  if (from > 0) all.write(before, 0, 'latin1');
  all.set(bytes, from);
  if (after !== '') all.write(after, to, 'latin1');
  return socket.write(all, flushed);
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
