/** Identifiers. Forms are fixed by the contract: beads, convoys, and UUIDv7 for all else. */
import { randomFillSync, randomInt } from 'node:crypto';
import { v4 } from 'uuid';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** Random bytes are taken from the system in lots: to ask for each id costs more than all else of it. */
const random = Buffer.alloc(4_096);
let used = random.length;
const RANDOM_BYTES = 10;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

let lastMs = -1;
let timeText = '';
/** Begins at a random number in every millisecond and counts up in it (RFC 9562, 6.2, method 1). */
let sequence = 0;

function tick(at: number): void {
  const ms = Date.now();
  if (ms > lastMs) {
    lastMs = ms;
    sequence = random.readUInt32LE(at) >>> 1;
  } else if (sequence < 0xffff_ffff) {
    sequence += 1;
    return;
  } else {
    lastMs += 1;
    sequence = 0;
  }
  const hex = lastMs.toString(16).padStart(12, '0');
  timeText = `${hex.slice(0, 8)}-${hex.slice(8)}-`;
}

/** Time-ordered UUID (RFC 9562 version 7); of one process each is greater than the one before. */
export function newId(): string {
  if (used + RANDOM_BYTES > random.length) {
    randomFillSync(random);
    used = 0;
  }
  const at = used;
  used += RANDOM_BYTES;
  tick(at);
  const byte = (index: number) => HEX[random[at + index] as number] as string;
  const high = (0x7000 | (sequence >>> 20)).toString(16);
  const middle = (0x8000 | ((sequence >>> 6) & 0x3fff)).toString(16);
  const low = HEX[((sequence & 0x3f) << 2) | ((random[at + 4] as number) & 3)] as string;
  return `${timeText}${high}-${middle}-${low}${byte(5)}${byte(6)}${byte(7)}${byte(8)}${byte(9)}`;
}

/** Random 128-bit identity of a bead, unique across clones that never met. */
export function newUid(): string {
  return v4();
}

/** `godel-` and five characters; the caller checks that it is free. */
export function newBeadId(): string {
  return `godel-${randomText(5)}`;
}

/** `convoy-YYYYMMDD-xxx` for the day of `epochMs` (UTC). */
export function newConvoyId(epochMs: number): string {
  const day = new Date(epochMs).toISOString().slice(0, 10).replaceAll('-', '');
  return `convoy-${day}-${randomText(3)}`;
}

/** Letters of an end that may stand for an id: fewer would name too many. */
const LEAST_END = 4;

/** Those whose id begins with `text`, or ends with it. */
export function idMatches<T extends { readonly id: string }>(items: readonly T[], text: string): T[] {
  const mayEnd = text.length >= LEAST_END;
  return items.filter(({ id }) => id.startsWith(text) || (mayEnd && id.endsWith(text)));
}

/** The same question for SQL's LIKE; none for a text that no id contains. */
export function idPatterns(text: string): string[] {
  if (!/^[0-9a-z-]+$/.test(text)) return [];
  return text.length >= LEAST_END ? [`${text}%`, `%${text}`] : [`${text}%`];
}
