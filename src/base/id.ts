/** Identifiers. Forms are fixed by the contract: beads, convoys, and UUIDv7 for all else. */
import { randomInt } from 'node:crypto';
import { v4, v7 } from 'uuid';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** Time-ordered UUID (RFC 9562 version 7). */
export function newId(): string {
  return v7();
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
