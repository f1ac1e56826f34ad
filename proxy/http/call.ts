/** One connection to a provider, and the call that is under way on it. */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { errorOf } from '../../src/base/error.ts';
import { type BodyDecoder, createBodyDecoder } from './body.ts';
import { type Fields, fieldLines, fieldOf } from './fields.ts';
import { sendTogether } from './frames.ts';
import { type AnswerHead, HttpError, readAnswerHead, UNTIL_CLOSE } from './head.ts';

export interface Call {
  method: 'GET' | 'POST';
  /** Path with the query. */
  path: string;
  fields: Fields;
  body: Buffer;
}

export interface CallHandlers {
  onHead(status: number, fields: Fields): void;
  /** `bytes` are the caller's until this returns: what is to stay has to be copied. `last`: nothing follows but the end. */
  onData(bytes: Buffer, last: boolean): void;
  onEnd(): void;
  onError(error: Error): void;
}

/** How whoever made a call has it in hand. */
export interface CallControl {
  /** Ends the call and its connection; the handlers hear `error`. Nothing happens when it is over. */
  abort(error: Error): void;
  pause(): void;
  resume(): void;
}

export interface Origin {
  secure: boolean;
  hostname: string;
  port: number;
  /** Value of the field Host. */
  host: string;
  /** Certificates that are trusted, where they are not the usual ones. */
  ca: string[] | undefined;
}

/** Times (ms) that a provider may take. */
export interface CallTimes {
  connect: number;
  /** From the call to the head of the answer. */
  head: number;
  /** Between two pieces of the body. */
  body: number;
  /** A connection without a call is kept for so long. */
  idle: number;
}

export interface ProviderConnection {
  /** `head`: see callHead. */
  start(head: string, body: Buffer, handlers: CallHandlers): CallControl;
  /** Ends what has taken too long, and what was idle for too long. */
  check(now: number): void;
  /** True when another call may be made on it. */
  fit(now: number): boolean;
  /** A call that is under way hears `error`. */
  destroy(error: Error): void;
}

export interface ConnectionEvents {
  /** A call is over, and the connection can take another. */
  free: () => void;
  /** It is no more. */
  gone: () => void;
}

/** What would end the request line (RFC 9112, 3), whoever wrote it. */
const NO_PATH = /[^\x21-\x7e\x80-\xff]/;

/**
 * The head of a call, as it is sent.
 * @throws TypeError for a path or a field that cannot be sent
 */
export function callHead({ method, path, fields }: Call, host: string): string {
  if (NO_PATH.test(path)) throw new TypeError('the path of the request cannot be sent');
  const own = fieldOf(fields, 'host') === undefined ? `host: ${host}\r\n` : '';
  return `${method} ${path} HTTP/1.1\r\n${own}${fieldLines(fields)}\r\n`;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const MOST_HEAD = 64 * 1024;
/** A provider that says how long it keeps a connection is asked no more so long (ms) before. */
const CAUTION_MS = 2_000;

/**
 * Where every connection reads into: what comes is looked at before anything else is read, and what is kept of it is copied. A
 * buffer for each read would be 64 KiB for an answer of one.
 */
const INBOX = Buffer.allocUnsafeSlow(64 * 1024);

function open(origin: Origin, read: (bytes: Buffer) => void): Socket {
  const { hostname: host, port, ca } = origin;
  const onread = {
    buffer: INBOX,
    callback(length: number) {
      read(INBOX.subarray(0, length));
      return true;
    },
  };
  if (!origin.secure) return connect({ host, port, noDelay: true, onread });
  return connectTls({
    host,
    port,
    // It takes the same as `connect`; its types do not say so.
    ...{ onread },
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) ? {} : { servername: host }),
    ...(ca ? { ca } : {}),
  }).setNoDelay(true);
}

/** Time (ms) that a provider says it keeps the connection. */
function hintOf(fields: Fields): number | undefined {
  const seconds = /timeout=(\d+)/.exec(fieldOf(fields, 'keep-alive') ?? '')?.[1];
  return seconds === undefined ? undefined : Math.max(0, Number(seconds) * 1_000 - CAUTION_MS);
}

export function connectProvider(origin: Origin, times: CallTimes, events: ConnectionEvents): ProviderConnection {
  const socket = open(origin, take);
  const started = performance.now();
  let connected = false;
  let handlers: CallHandlers | undefined;
  let since = started;
  let idleMs = times.idle;
  let waiting: Buffer | undefined;
  let head: AnswerHead | undefined;
  let body: BodyDecoder | undefined;

  /** Ends the connection; a call that is under way hears why. */
  function fail(error: Error): void {
    const concerned = handlers;
    [handlers, head, body, waiting] = [undefined, undefined, undefined, undefined];
    socket.destroy();
    concerned?.onError(error);
  }

  /** Bytes behind the head of the answer; undefined when it is not whole. */
  function readHead(chunk: Buffer): Buffer | undefined {
    const bytes = waiting ? Buffer.concat([waiting, chunk]) : chunk;
    waiting = undefined;
    const end = bytes.indexOf(HEAD_END);
    if ((end < 0 ? bytes.length : end) > MOST_HEAD) throw new HttpError(431, 'the header of the answer is too large');
    if (end < 0) {
      waiting = Buffer.from(bytes);
      return undefined;
    }
    const read = readAnswerHead(bytes.toString('latin1', 0, end + 2));
    const rest = bytes.subarray(end + HEAD_END.length);
    if (read.status === 101) throw new HttpError(400, 'the provider changes the protocol');
    // What is said on the way (100, 103) is not the answer.
    if (read.status < 200) return rest;
    head = read;
    since = performance.now();
    idleMs = Math.min(times.idle, hintOf(read.fields) ?? times.idle);
    body = createBodyDecoder(read.framing);
    handlers?.onHead(read.status, read.fields);
    return rest;
  }

  function readBody(decoder: BodyDecoder, bytes: Buffer): void {
    const end = decoder.done ? 0 : decoder.read(bytes, 0);
    const part = end > 0 ? decoder.bytes : undefined;
    if (part) handlers?.onData(part, decoder.done);
    if (decoder.done && body === decoder) finish(end === bytes.length);
  }

  function finish(clean: boolean): void {
    const { onEnd, onError } = handlers as CallHandlers;
    const again = clean && head?.keepAlive === true && idleMs > 0 && socket.writableLength === 0;
    [handlers, head, body] = [undefined, undefined, undefined];
    if (!again) socket.destroy();
    // Who took its last bytes slowly is no matter of the next call.
    else if (socket.isPaused()) socket.resume();
    since = performance.now();
    try {
      onEnd();
    } catch (error) {
      onError(errorOf(error));
    }
    if (again) events.free();
  }

  function read(chunk: Buffer): void {
    // Nobody asked: whatever it is, it is no answer.
    if (!handlers) return void socket.destroy();
    if (head) since = performance.now();
    let bytes: Buffer | undefined = chunk;
    while (bytes && handlers && !body && bytes.length > 0) bytes = readHead(bytes);
    if (bytes && body && (bytes.length > 0 || body.done)) readBody(body, bytes);
  }

  function take(chunk: Buffer): void {
    try {
      read(chunk);
    } catch (error) {
      fail(errorOf(error));
    }
  }

  socket.once(origin.secure ? 'secureConnect' : 'connect', () => {
    connected = true;
    since = performance.now();
  });
  socket.on('end', () => {
    if (head?.framing === UNTIL_CLOSE && handlers) finish(false);
    else fail(new Error('the other side closed the connection'));
  });
  socket.on('error', fail);
  socket.on('close', () => {
    fail(new Error('the other side closed the connection'));
    events.gone();
  });

  return {
    start(text, sent, into) {
      handlers = into;
      since = performance.now();
      sendTogether(socket, text, sent, '');
      // Later the connection may belong to another call.
      return {
        abort(error) {
          if (handlers === into) fail(error);
        },
        pause() {
          if (handlers === into) socket.pause();
        },
        resume() {
          if (handlers !== into) return;
          since = performance.now();
          socket.resume();
        },
      };
    },
    check(now) {
      const spent = now - since;
      if (!connected && now - started > times.connect) return fail(new Error('connect timeout'));
      if (!handlers) return spent > idleMs ? void socket.destroy() : undefined;
      if (socket.isPaused()) return;
      if (!head && spent > times.head) fail(new Error('timeout: no answer has begun'));
      else if (head && spent > times.body) fail(new Error('timeout: the answer stopped in the middle'));
    },
    fit: (now) => !socket.destroyed && now - since <= idleMs,
    destroy: fail,
  };
}
