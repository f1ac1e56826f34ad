/**
 * Reads the few fields of a request body that routing needs, from the raw bytes: one pass over the top level, no parse
 * of the (large) rest. Pure.
 */
import { quoteSearch } from './simd.ts';

export interface Field {
  /** Byte offsets of the value. */
  start: number;
  end: number;
}

const PLAIN = /^[a-zA-Z0-9_]*$/;
const QUOTE = 34;
const BACKSLASH = 92;
const isOpen = (byte: number) => byte === 123 || byte === 91;
const isClose = (byte: number) => byte === 125 || byte === 93;

interface Scanned {
  bytes: Buffer;
  /** Where it is large: see quoteSearch. */
  search: ((from: number) => number) | undefined;
}

/** From this size (bytes) on a text is searched in large steps. */
const LARGE = 512;

const scanned = (bytes: Buffer): Scanned => ({
  bytes,
  search: bytes.length < LARGE ? undefined : quoteSearch(bytes),
});

/** Index of the next quote that may end a string, -1 without one. */
function nextQuote({ bytes, search }: Scanned, from: number): number {
  if (search) return search(from);
  for (let at = from; at < bytes.length; at += 1) if (bytes[at] === QUOTE) return at;
  return -1;
}

/** Index just behind the string that begins at `at`. */
function skipString(text: Scanned, at: number): number {
  const body = text.bytes;
  for (let quote = nextQuote(text, at + 1); quote >= 0; quote = nextQuote(text, quote + 1)) {
    let before = quote - 1;
    while (body[before] === BACKSLASH) before -= 1;
    if ((quote - before) % 2 === 1) return quote + 1;
  }
  throw new SyntaxError('a string is not closed');
}

function skipSpace(body: Buffer, at: number): number {
  let index = at;
  while (body[index] === 32 || body[index] === 10 || body[index] === 13 || body[index] === 9) index += 1;
  return index;
}

/** Index just behind the value that begins at `at`. */
function skipValue(text: Scanned, at: number): number {
  const body = text.bytes;
  if (body[at] === QUOTE) return skipString(text, at);
  let depth = 0;
  for (let index = at; index < body.length; index += 1) {
    const byte = body[index] as number;
    if (byte === QUOTE) index = skipString(text, index) - 1;
    else if (isOpen(byte)) depth += 1;
    else if (isClose(byte)) {
      if (depth === 0) return index;
      depth -= 1;
      if (depth === 0) return index + 1;
    } else if (depth === 0 && (byte === 44 || byte <= 32)) return index;
  }
  throw new SyntaxError('the JSON ends too early');
}

/** The string between `at` and `end`, quotes included. */
function stringAt(body: Buffer, at: number, end: number): string {
  const raw = body.toString('latin1', at + 1, end - 1);
  // Names that are looked for are plain; what is not must be read as JSON does.
  return PLAIN.test(raw) ? raw : (JSON.parse(body.toString('utf8', at, end)) as string);
}

/**
 * Where the wanted top-level fields of a JSON object are. Duplicate names: the last one counts, as in JSON.parse.
 * @throws SyntaxError when it is not a JSON object
 */
export function scanFields(body: Buffer, wanted: readonly string[]): Map<string, Field> {
  let at = skipSpace(body, 0);
  if (body[at] !== 123) throw new SyntaxError('the body is not a JSON object');
  at = skipSpace(body, at + 1);
  const text = scanned(body);
  const found = new Map<string, Field>();
  while (body[at] !== 125) {
    if (body[at] !== QUOTE) throw new SyntaxError('a field name is missing');
    const nameEnd = skipString(text, at);
    const name = stringAt(body, at, nameEnd);
    at = skipSpace(body, nameEnd);
    if (body[at] !== 58) throw new SyntaxError('a colon is missing');
    const start = skipSpace(body, at + 1);
    const end = skipValue(text, start);
    if (end === start) throw new SyntaxError('a value is missing');
    if (wanted.includes(name)) found.set(name, { start, end });
    at = skipSpace(body, end);
    if (body[at] === 44) at = skipSpace(body, at + 1);
    else if (body[at] !== 125) throw new SyntaxError('a comma is missing');
  }
  return found;
}

/**
 * Where the strings of `length` bytes and more are that belong to fields of these names, at any depth, with their quotes
 * and in their order. Of something that is no JSON it finds something or nothing.
 * @throws SyntaxError when a string is not closed
 */
export function scanTexts(body: Buffer, names: ReadonlySet<string>, length: number): Field[] {
  const text = scanned(body);
  const found: Field[] = [];
  for (let at = nextQuote(text, 0); at >= 0; ) {
    const nameEnd = skipString(text, at);
    const colon = skipSpace(body, nameEnd);
    const start = body[colon] === 58 ? skipSpace(body, colon + 1) : -1;
    let end = nameEnd;
    if (body[start] === QUOTE) {
      end = skipString(text, start);
      if (end - start >= length && names.has(body.toString('latin1', at + 1, nameEnd - 1))) found.push({ start, end });
    }
    at = nextQuote(text, end);
  }
  return found;
}

/** `body` with the bytes of `field` replaced. */
export function splice(body: Buffer, field: Field, text: string): Buffer {
  return Buffer.concat([body.subarray(0, field.start), Buffer.from(text), body.subarray(field.end)]);
}
