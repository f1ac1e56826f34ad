/** One connection of a client: its requests one after the other, each handed on as soon as its head is here. */
import type { Socket } from 'node:net';
import { Answer, KEEP_ALIVE_SECONDS } from './answer.ts';
import { type BodyDecoder, createBodyDecoder } from './body.ts';
import { fieldOf } from './fields.ts';
import { HttpError, type RequestHead, readRequestHead } from './head.ts';

/** Where the bytes of a body go. */
export interface BodySink {
  data(bytes: Buffer): void;
  end(): void;
  /** It has taken longer than a body may. */
  late(): void;
  /** The client went away before the end. */
  gone(): void;
}

export interface Request extends RequestHead {
  /** Asks for the body; what came before nobody asked is lost, so this belongs into the handler's first turn. */
  take(sink: BodySink): void;
}

export type Handler = (request: Request, answer: Answer) => void;

export interface ConnectionOptions {
  socket: Socket;
  handle: Handler;
  /** Answers bytes that are no request; `start`: what is known of them. The connection ends with it. */
  refuse: (socket: Socket, error: HttpError, start: string) => void;
  /** Time (ms) a client may take for a head, and for a body. */
  headMs: number;
  bodyMs: number;
}

export interface Connection {
  /** Ends what has taken too long. */
  check(now: number): void;
  /** Ends after the request that is under way, or now. */
  close(): void;
  destroy(): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const MOST_HEAD = 32 * 1024;
/** Of requests that come before the last one was answered, this much (bytes) is kept: who sends more is no client of ours. */
const MOST_AHEAD = 64 * 1024;
/** A client that was refused is listened to for so long (ms), or the refusal could be lost with the connection. */
const LINGER_MS = 5_000;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const CR = 13;
const LF = 10;

/** `fresh`: nothing of the next request has come; `head`: a part; `body`; `asked`: all of it; `over`: refused. */
type Phase = 'fresh' | 'head' | 'body' | 'asked' | 'over';

export function createConnection(options: ConnectionOptions): Connection {
  const { socket } = options;
  let phase: Phase = 'fresh';
  let since = performance.now();
  /** Bytes that are not read yet: an unfinished head, or what came too early. */
  let waiting: Buffer | undefined;
  let body: BodyDecoder | undefined;
  let sink: BodySink | undefined;
  let answer: Answer | undefined;
  let closing = false;

  function enter(next: Phase): void {
    phase = next;
    since = performance.now();
  }

  function refuse(error: HttpError, start: Buffer): void {
    enter('over');
    waiting = undefined;
    options.refuse(socket, error, start.toString('latin1', 0, 2_048));
  }

  /** The index where the first line begins: empty lines before it are skipped (RFC 9112, 2.2). */
  function firstLine(bytes: Buffer): number {
    let at = 0;
    while (bytes[at] === CR || bytes[at] === LF) at += 1;
    return at;
  }

  /** Reads a head from what is here. Returns the bytes behind it; undefined when it is not whole, or was refused. */
  function readHead(chunk: Buffer): Buffer | undefined {
    const bytes = waiting ? Buffer.concat([waiting, chunk]) : chunk;
    if (phase === 'fresh') enter('head');
    const start = firstLine(bytes);
    const end = bytes.indexOf(HEAD_END, start);
    if ((end < 0 ? bytes.length : end) - start > MOST_HEAD) {
      refuse(new HttpError(431, 'its header is too large'), bytes.subarray(start));
      return undefined;
    }
    if (end < 0) {
      waiting = bytes.subarray(start);
      return undefined;
    }
    waiting = undefined;
    try {
      open(readRequestHead(bytes.toString('latin1', start, end + 2)));
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      refuse(error, bytes.subarray(start));
      return undefined;
    }
    return bytes.subarray(end + HEAD_END.length);
  }

  function open(head: RequestHead): void {
    enter('body');
    body = createBodyDecoder(head.framing);
    sink = undefined;
    const expects = head.minor > 0 && fieldOf(head.fields, 'expect')?.toLowerCase() === '100-continue';
    const mine = new Answer({
      socket,
      minor: head.minor,
      bodyless: head.method === 'HEAD',
      keepAlive: head.keepAlive && !closing,
      onFinished,
    });
    answer = mine;
    const request: Request = {
      method: head.method,
      url: head.url,
      fields: head.fields,
      framing: head.framing,
      minor: head.minor,
      keepAlive: head.keepAlive,
      take(into) {
        if (answer !== mine) return;
        sink = into;
        if (expects && body?.done === false) socket.write(CONTINUE, 'latin1');
      },
    };
    options.handle(request, mine);
  }

  /** Returns what follows the body. @throws HttpError */
  function readBody(decoder: BodyDecoder, bytes: Buffer): Buffer {
    const end = decoder.done ? 0 : decoder.read(bytes, 0);
    const part = decoder.bytes;
    if (part && end > 0) sink?.data(part);
    if (!decoder.done) return bytes.subarray(end);
    const taker = sink;
    [body, sink] = [undefined, undefined];
    phase = 'asked';
    taker?.end();
    if (answer?.finished) next();
    return bytes.subarray(end);
  }

  /** Everything that can be read now. */
  function read(chunk: Buffer): void {
    let bytes: Buffer | undefined = chunk;
    while (bytes && (bytes.length > 0 || body?.done)) {
      if (phase === 'over') return;
      if (phase === 'asked') return keepForLater(bytes);
      if (body) bytes = takeBody(body, bytes);
      else bytes = readHead(bytes);
    }
  }

  function takeBody(decoder: BodyDecoder, bytes: Buffer): Buffer | undefined {
    try {
      return readBody(decoder, bytes);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      sink?.gone();
      [body, sink] = [undefined, undefined];
      if (answer?.headersSent) socket.destroy();
      else refuse(error, Buffer.alloc(0));
      return undefined;
    }
  }

  function keepForLater(bytes: Buffer): void {
    waiting = waiting ? Buffer.concat([waiting, bytes]) : bytes;
    if (waiting.length > MOST_AHEAD) socket.destroy();
  }

  function onFinished(keepAlive: boolean): void {
    if (!keepAlive || closing) {
      socket.end();
      return enter('over');
    }
    // A body that nobody wanted is read to its end, and thrown away.
    if (phase === 'asked') next();
    else since = performance.now();
  }

  function next(): void {
    if (closing) return void socket.end();
    answer = undefined;
    enter('fresh');
    // Not in the turn of the answer before: many small requests in one read would go ever deeper.
    if (waiting) setImmediate(readWaiting);
  }

  function readWaiting(): void {
    if (socket.destroyed || phase !== 'fresh' || !waiting) return;
    const early = waiting;
    waiting = undefined;
    read(early);
  }

  socket.on('data', read);
  socket.on('drain', () => answer?.emit('drain'));
  socket.on('error', () => {});
  socket.on('close', () => {
    const taker = sink;
    [body, sink] = [undefined, undefined];
    taker?.gone();
    answer?.lose();
  });

  return {
    check(now) {
      const spent = now - since;
      if (phase === 'head' && spent > options.headMs)
        refuse(new HttpError(408, 'its header came too slowly'), waiting ?? Buffer.alloc(0));
      else if (phase === 'fresh' && spent > KEEP_ALIVE_SECONDS * 1_000) socket.destroy();
      else if (phase === 'over' && spent > LINGER_MS) socket.destroy();
      else if (phase === 'body' && spent > options.bodyMs) {
        if (answer?.finished) socket.destroy();
        else sink?.late();
      }
    },
    close() {
      closing = true;
      if (phase === 'fresh' || phase === 'head') socket.destroy();
    },
    destroy: () => void socket.destroy(),
  };
}
