/**
 * Searches in large pieces of requests and answers, sixteen bytes at a time: nearly all of them is text of which nothing has to be
 * known. See simd.wat.
 */
import { SIMD_WASM } from './simd-wasm.ts';

interface Functions {
  memory: WebAssembly.Memory;
  quote(at: number, end: number): number;
  marks(end: number, line: number, ...words: number[]): number;
}

/** So much (bytes) is looked at together; the memory of the module has twice the room. */
const BLOCK = 64 * 1024;

function start(): Functions & { bytes: Uint8Array } {
  const module = new WebAssembly.Module(Buffer.from(SIMD_WASM, 'base64'));
  const { memory, quote, marks } = new WebAssembly.Instance(module).exports as unknown as Functions;
  return { memory, quote, marks, bytes: new Uint8Array(memory.buffer) };
}

let started: ReturnType<typeof start> | undefined;
/** Which search the memory belongs to now. */
let holder = 0;
let searches = 0;

/**
 * Returns a search in `text` for the next quote from an index on, -1 without one. Quotes that are escaped may be left out; one
 * that is given may be escaped all the same.
 */
export function quoteSearch(text: Buffer): (from: number) => number {
  started ??= start();
  const { quote, bytes } = started;
  searches += 1;
  const own = searches;
  /** The part of the text that is in the memory. */
  let [first, end] = [0, 0];

  function load(from: number): void {
    first = from;
    end = Math.min(text.length, from + BLOCK);
    bytes.set(text.subarray(from, end));
    holder = own;
  }

  return (from) => {
    for (let at = from; at < text.length; at = end) {
      if (holder !== own || at < first || at >= end) load(at);
      const found = quote(at - first, end - first) + first;
      if (found < end) return found;
    }
    return -1;
  };
}

const WORD = 4;
const wordOf = (text: string) => Buffer.from(text, 'latin1').readInt32LE(0);
/** Words that one search looks for. */
const MOST_WORDS = 5;

/** What of a text was asked for. */
export interface Marks {
  /** How often the line begins. */
  lines: number;
  /** One of the words is there. */
  found: boolean;
}

/** Returns a search that counts `line` and looks for any of `words` (at most five); each has four Latin-1 characters. */
export function markSearch(line: string, words: readonly string[]): (text: Buffer) => Marks {
  if ([line, ...words].some((each) => each.length !== WORD) || words.length > MOST_WORDS)
    throw new TypeError('a search is for one line and at most five words, each of four characters');
  const [lineWord, wanted] = [wordOf(line), words.map(wordOf)];
  // The same word again changes nothing.
  while (wanted.length < MOST_WORDS) wanted.push(wanted[0] ?? lineWord);
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = wanted;
  return (text) => {
    started ??= start();
    const { marks, bytes } = started;
    holder = 0;
    const all: Marks = { lines: 0, found: false };
    // Blocks overlap by less than a word: one that begins at the end of a block is found in the next, and only there.
    for (let from = 0, end = 0; end < text.length; from += BLOCK - WORD + 1) {
      end = Math.min(text.length, from + BLOCK);
      const part = from === 0 && end === text.length ? text : text.subarray(from, end);
      bytes.set(part);
      const said = marks(part.length, lineWord, a, b, c, d, e);
      all.lines += said >>> 1;
      all.found ||= (said & 1) === 1;
    }
    return all;
  };
}
