/**
 * Heads of HTTP/1.1 messages (RFC 9112), read strictly: who reads them loosely can be made to see one request where another
 * sees two. Pure.
 */
import type { Fields } from './fields.ts';

/** What came is no message that can be read. */
export class HttpError extends Error {
  readonly status: 400 | 408 | 431;

  constructor(status: 400 | 408 | 431, message: string) {
    super(message);
    this.status = status;
  }
}

/** How a body ends: after so many bytes, with its last chunk, or with the connection. */
export type Framing = number;
export const CHUNKED: Framing = -1;
export const UNTIL_CLOSE: Framing = -2;

export interface RequestHead {
  method: string;
  /** Path with the query, as it was sent. */
  url: string;
  fields: Fields;
  framing: Framing;
  /** Minor version of HTTP/1. */
  minor: number;
  keepAlive: boolean;
}

export interface AnswerHead {
  status: number;
  fields: Fields;
  framing: Framing;
  keepAlive: boolean;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.([01])$/;
const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const SPACE = 32;
const TAB = 9;
const END = '\r\n';

/** Names that most messages have, in the spellings that most have them: they are not made again for every message. */
const NAMES = new Map<string, string>();
for (const name of [
  'accept',
  'accept-encoding',
  'accept-language',
  'anthropic-beta',
  'anthropic-version',
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'expect',
  'host',
  'keep-alive',
  'openai-beta',
  'openai-processing-ms',
  'request-id',
  'server',
  'transfer-encoding',
  'user-agent',
  'vary',
  'x-api-key',
  'x-goog-api-client',
  'x-goog-api-key',
  'x-request-id',
]) {
  NAMES.set(name, name);
  NAMES.set(
    name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()),
    name,
  );
}

function nameOf(text: string): string {
  const known = NAMES.get(text);
  if (known !== undefined) return known;
  if (!TOKEN.test(text)) throw new HttpError(400, 'a header field has no name');
  const lower = text.toLowerCase();
  return NAMES.get(lower) ?? lower;
}

const isBlank = (code: number) => code === SPACE || code === TAB;

/** The fields in `text` from `from`; every line of it ends with CR LF. */
function readFields(text: string, from: number): Fields {
  const fields: Fields = [];
  for (let at = from; at < text.length; ) {
    const end = text.indexOf(END, at);
    const colon = text.indexOf(':', at);
    if (colon < 0 || colon > end) throw new HttpError(400, 'a line of the header is no field');
    let start = colon + 1;
    let stop = end;
    while (start < stop && isBlank(text.charCodeAt(start))) start += 1;
    while (stop > start && isBlank(text.charCodeAt(stop - 1))) stop -= 1;
    const value = text.slice(start, stop);
    if (NO_VALUE.test(value)) throw new HttpError(400, 'a header field has a character that none may have');
    fields.push(nameOf(text.slice(at, colon)), value);
    at = end + END.length;
  }
  return fields;
}

/** The value of a field that a message has once. @throws HttpError when it is there twice: two readers could choose differently */
function only(fields: Fields, name: string): string | undefined {
  let value: string | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at] !== name) continue;
    if (value !== undefined) throw new HttpError(400, `it says ${name} twice`);
    value = fields[at + 1];
  }
  return value;
}

/** The length that the fields give; undefined without one. */
function lengthOf(fields: Fields): number | undefined {
  const length = only(fields, 'content-length');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new HttpError(400, 'its length cannot be read');
  return length === undefined ? undefined : Number(length);
}

/** @throws HttpError when it is coded in a way that is not known, or says its length in two ways */
function framingOf(fields: Fields, otherwise: Framing): Framing {
  const length = lengthOf(fields);
  const coding = only(fields, 'transfer-encoding');
  if (coding === undefined) return length ?? otherwise;
  if (length !== undefined || coding.toLowerCase() !== 'chunked')
    throw new HttpError(400, 'its transfer coding cannot be read');
  return CHUNKED;
}

const CLOSES = /(^|[\s,])close([\s,]|$)/i;

function keepsAlive(fields: Fields, minor: number): boolean {
  if (minor === 0) return false;
  for (let at = 0; at < fields.length; at += 2)
    if (fields[at] === 'connection' && CLOSES.test(fields[at + 1] as string)) return false;
  return true;
}

/**
 * `text`: everything before the empty line, in Latin-1, its last CR LF included.
 * @throws HttpError when it is no head of a request
 */
export function readRequestHead(text: string): RequestHead {
  const lineEnd = text.indexOf(END);
  const line = REQUEST_LINE.exec(text.slice(0, lineEnd));
  if (!line) throw new HttpError(400, 'it does not begin with a request line');
  const [, method = '', url = '', version] = line;
  const fields = readFields(text, lineEnd + END.length);
  const framing = framingOf(fields, 0);
  const minor = Number(version);
  if (minor === 0 && framing === CHUNKED) throw new HttpError(400, 'HTTP/1.0 knows no chunks');
  if (minor === 1 && only(fields, 'host') === undefined) throw new HttpError(400, 'it names no host');
  return { method, url, fields, framing, minor, keepAlive: keepsAlive(fields, minor) };
}

/**
 * `text`: as for a request; the answer is one to a request that is not HEAD.
 * @throws HttpError when it is no head of an answer
 */
export function readAnswerHead(text: string): AnswerHead {
  const lineEnd = text.indexOf(END);
  const line = STATUS_LINE.exec(text.slice(0, lineEnd));
  if (!line) throw new HttpError(400, 'it does not begin with a status line');
  const status = Number(line[2]);
  const fields = readFields(text, lineEnd + END.length);
  const bodyless = status < 200 || status === 204 || status === 304;
  const framing = bodyless ? 0 : framingOf(fields, UNTIL_CLOSE);
  return { status, fields, framing, keepAlive: framing !== UNTIL_CLOSE && keepsAlive(fields, Number(line[1])) };
}
