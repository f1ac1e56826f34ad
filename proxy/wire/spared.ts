/**
 * The long texts of a request, spared the way through a translation: no dialect looks into them, so short stand-ins go that
 * way, and the bytes of the client take their place afterwards. A prompt is nearly all text. Pure.
 */
import { randomBytes } from 'node:crypto';
import { type Field, scanTexts } from './scan.ts';
import { type Json, object } from './wire.ts';

export interface SparedRequest {
  /** The request, with stand-ins in the place of its long texts. */
  body: Json;
  /** JSON of what was made of it, with the texts. */
  write(value: Json): Buffer;
}

/** Fields that hold words for the model. What a dialect reads itself (arguments of calls, signatures) is none of them. */
const TEXTS: ReadonlySet<string> = new Set(['text', 'content', 'output', 'system', 'instructions', 'description']);
/** Bytes from which sparing a text is cheaper than reading it. */
const LONG = 512;
/** Nobody else's text holds it. */
const SECRET = randomBytes(12).toString('hex');
/** Every time a text becomes part of a JSON text, the backslashes before this are doubled, beginning with one. */
const MARK = `\u0001${SECRET}`;
const STAND_IN = new RegExp(`(\\\\+)u0001${SECRET}(\\d+);`, 'g');

function withStandIns(body: Buffer, texts: readonly Field[]): string {
  let json = '';
  let from = 0;
  for (const [index, { start, end }] of texts.entries()) {
    json += `${body.toString('utf8', from, start)}${JSON.stringify(`${MARK}${index};`)}`;
    from = end;
  }
  return json + body.toString('utf8', from);
}

/** The inside of a string as it stands in `depth` JSON texts around each other. */
function nested(inside: Buffer, depth: number): Buffer {
  if (depth === 0) return inside;
  let text = inside.toString('utf8');
  for (let level = 0; level < depth; level += 1) text = JSON.stringify(text).slice(1, -1);
  return Buffer.from(text);
}

/** The bytes of `json` with the texts in place of their stand-ins. */
function restored(json: string, body: Buffer, texts: readonly Field[]): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (const match of json.matchAll(STAND_IN)) {
    const [whole, backslashes = '', index] = match;
    // Of the backslashes the last 1, 2, 4, … are the stand-in's own; those before them belong to another text.
    const own = backslashes.length & -backslashes.length;
    const { start, end } = texts[Number(index)] as Field;
    parts.push(Buffer.from(json.slice(from, match.index + backslashes.length - own)));
    parts.push(nested(body.subarray(start + 1, end - 1), Math.log2(own)));
    from = match.index + whole.length;
  }
  parts.push(Buffer.from(json.slice(from)));
  return Buffer.concat(parts);
}

/** Reads a request without its long texts. @throws SyntaxError when it is not JSON */
export function spareTexts(body: Buffer): SparedRequest {
  const texts = scanTexts(body, TEXTS, LONG);
  return {
    body: object(JSON.parse(withStandIns(body, texts))),
    write: (value) => restored(JSON.stringify(value), body, texts),
  };
}
