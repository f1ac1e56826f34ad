/** The answer to one request, as its handler writes it. */
import { EventEmitter } from 'node:events';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Fields, fieldLines, fieldOf } from './fields.ts';
import { frame, LAST_CHUNK, sendTogether } from './frames.ts';

interface AnswerEvents {
  /** It has left, or its client has gone; once. */
  close: [];
  /** The client has read what waited. */
  drain: [];
}

export interface AnswerTo {
  socket: Socket;
  /** Minor version of HTTP/1 the client speaks. */
  minor: number;
  /** No body follows the head (HEAD). */
  bodyless: boolean;
  keepAlive: boolean;
  /** The last byte was handed to the system. */
  onFinished: (keepAlive: boolean) => void;
}

const KEEP = 'connection: keep-alive\r\nkeep-alive: timeout=';
const CLOSE = 'connection: close\r\n';

let dateAt = 0;
let dateLine = '';

/** The line with the date, made anew once a second. */
function dated(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateAt) {
    dateAt = second;
    dateLine = `date: ${new Date(second * 1_000).toUTCString()}\r\n`;
  }
  return dateLine;
}

/** Time (s) that a connection is kept open without a request. Short times meet a busy client's next request half way. */
export const KEEP_ALIVE_SECONDS = 65;

export class Answer extends EventEmitter<AnswerEvents> {
  /** A head was decided on. */
  headersSent = false;
  /** Nothing more can be sent. */
  destroyed = false;
  /** All of it was handed to the system. */
  finished = false;
  readonly #to: AnswerTo;
  #head = '';
  #ended = false;
  #chunked = false;
  #keepAlive: boolean;
  #bodyless: boolean;

  constructor(to: AnswerTo) {
    super();
    this.#to = to;
    this.#keepAlive = to.keepAlive;
    this.#bodyless = to.bodyless;
  }

  /**
   * Decides on the head; it leaves with the first bytes, or with `flush`. Without `content-length` the body goes in chunks.
   * @throws TypeError for a field that cannot be sent
   */
  writeHead(status: number, fields: Readonly<Fields> = []): this {
    if (this.headersSent) throw new Error('the head of this answer was decided on already');
    const lines = fieldLines(fields);
    this.headersSent = true;
    this.#bodyless ||= status === 204 || status === 304;
    this.#head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n${lines}${dated()}`;
    if (this.#bodyless || fieldOf(fields, 'content-length') !== undefined) return this;
    this.#chunked = this.#to.minor > 0;
    // A client that knows no chunks takes the end of the connection for the end of the answer.
    if (!this.#chunked) this.#keepAlive = false;
    return this;
  }

  /** Sends the head now. */
  flush(): void {
    if (!this.destroyed && this.#head !== '') this.#to.socket.write(this.#takeHead(), 'latin1');
  }

  /** False when the client does not keep up: `drain` follows. `flushed` is called when the bytes have left. */
  write(bytes: Buffer, flushed?: () => void): boolean {
    if (this.destroyed || this.#ended) return false;
    const { socket } = this.#to;
    const head = this.#takeHead();
    if (this.#bodyless || bytes.length === 0) {
      if (head !== '' || flushed) socket.write(head, 'latin1', flushed);
      return true;
    }
    if (this.#chunked) return frame(socket, head, bytes, '', flushed);
    return sendTogether(socket, head, bytes, '', flushed);
  }

  /** Sends the rest and the end. */
  end(bytes?: Buffer): void {
    if (this.destroyed || this.#ended) return;
    this.#ended = true;
    const { socket } = this.#to;
    const last = bytes === undefined || this.#bodyless ? NOTHING : bytes;
    if (this.#chunked && this.#head !== '') {
      // All of it is here: its length can be said.
      this.#chunked = false;
      this.#head += `content-length: ${last.length}\r\n`;
    }
    const head = this.#takeHead();
    const done = (error?: Error | null) => (error ? undefined : this.#finish());
    if (!this.#chunked) sendTogether(socket, head, last, '', done);
    else if (last.length > 0) frame(socket, head, last, LAST_CHUNK, done);
    else socket.write(LAST_CHUNK, 'latin1', done);
  }

  /** Ends the connection: the client sees that the answer is not whole. */
  destroy(): void {
    this.#to.socket.destroy();
    this.lose();
  }

  /** The connection is no more. */
  lose(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    if (!this.finished) this.emit('close');
  }

  #takeHead(): string {
    if (this.#head === '') return '';
    const head = this.#head;
    this.#head = '';
    const coding = this.#chunked ? 'transfer-encoding: chunked\r\n' : '';
    return `${head}${coding}${this.#keepAlive ? `${KEEP}${KEEP_ALIVE_SECONDS}\r\n` : CLOSE}\r\n`;
  }

  #finish(): void {
    if (this.destroyed) return;
    this.finished = true;
    this.emit('close');
    this.#to.onFinished(this.#keepAlive);
  }
}

const NOTHING = Buffer.alloc(0);
