/** Fields of a request found in its bytes: the same ones that JSON.parse finds, whatever stands in its texts. */
import { describe, expect, test } from 'vitest';
import { scanFields, scanTexts } from '../../../proxy/wire/scan.ts';
import { markSearch, quoteSearch } from '../../../proxy/wire/simd.ts';
import { seeded } from '../../support/random.ts';

const BLOCK = 64 * 1024;
const PIECES = ['a', 'word ', '\\', '\\\\', '"', '\n', '{', '}', '[', ']', ',', ':', 'ü', '🙂', '\u0001', '\\"'];

/** All indexes of quotes that nothing escapes, found the slow way. */
function plainQuotes(text: Buffer): number[] {
  const found: number[] = [];
  let backslashes = 0;
  for (const [index, byte] of text.entries()) {
    if (byte === 34 && backslashes % 2 === 0) found.push(index);
    backslashes = byte === 92 ? backslashes + 1 : 0;
  }
  return found;
}

function given(search: (from: number) => number): number[] {
  const found: number[] = [];
  for (let at = search(0); at >= 0; at = search(at + 1)) found.push(at);
  return found;
}

describe('search for quotes', () => {
  test.each([1, 2, 3, 4, 5, 6])('leaves none out that nothing escapes (%i)', (seed) => {
    const { int: next } = seeded(seed);
    const length = BLOCK * 2 + next(1_000);
    const dense = seed % 2 === 0;
    const text = Buffer.from(
      Uint8Array.from({ length }, () => (next(dense ? 3 : 100) > 0 ? 97 : next(2) === 0 ? 34 : 92)),
    );
    const all = given(quoteSearch(text));
    const plain = plainQuotes(text);
    expect(plain.length).toBeGreaterThan(100);
    expect(plain.filter((each) => !all.includes(each))).toEqual([]);
    expect(all.every((each) => text[each] === 34)).toBe(true);
    // An escaped one is given only where its backslashes may begin before the block.
    expect(all.length - plain.length).toBeLessThan(10);
  });

  test('a quote behind backslashes over the end of a block is judged by all of them', () => {
    for (const backslashes of [1, 2, 3, 4, 31, 32, 33])
      for (const behind of [0, 1, 2, 17]) {
        const before = 'x'.repeat(BLOCK - backslashes + behind);
        const body = Buffer.from(`{"a":"${before.slice(6)}${'\\'.repeat(backslashes)}"","b":1}`);
        const real = backslashes % 2 === 0 ? BLOCK + behind : BLOCK + behind + 1;
        const { end } =
          scanFields(Buffer.from(`{"a":${body.toString().slice(5, real + 1)},"b":1}`), ['a']).get('a') ?? {};
        expect(end, `${backslashes} backslashes, ${behind} behind`).toBe(real + 1);
      }
  });

  test('two texts that are searched in turn do not disturb each other', () => {
    const texts = ['"a'.repeat(40_000), 'bb"'.repeat(50_000)].map((text) => Buffer.from(text));
    const searches = texts.map(quoteSearch);
    let at = [0, 0];
    for (let step = 0; step < 39_000; step += 1) {
      at = at.map((each, index) => (searches[index] as (from: number) => number)(each) + 1);
      expect(at).toEqual([step * 2 + 1, step * 3 + 3]);
    }
  });
});

describe('search for marks', () => {
  const WORDS = ['e":{', '": {', 'n":"', 'DONE'];
  const search = markSearch('\ndat', WORDS);
  const slowly = (text: string) => ({
    lines: text.split('\ndat').length - 1,
    found: WORDS.some((word) => text.includes(word)),
  });

  test.each([21, 22, 23])('says what a slow search says, in texts of every size (%i)', (seed) => {
    const { int: next } = seeded(seed);
    const pieces = ['\ndata:', '\n', 'd', 'at', 'n":', '"', 'e":', '{', 'DON', 'ü', ' some words of a text', '\0'];
    const seen = new Set<boolean>();
    for (let round = 0; round < 3_000; round += 1) {
      const text = Array.from({ length: next(40) }, () => pieces[next(pieces.length)]).join('');
      const told = search(Buffer.from(text));
      expect(told, JSON.stringify(text)).toEqual(slowly(text));
      seen.add(told.found);
    }
    expect(seen.size).toBe(2);
  });

  test('finds what lies over the end of a block, and once', () => {
    for (const word of [...WORDS, '\ndat'])
      for (let at = BLOCK - 8; at < BLOCK + 8; at += 1) {
        const text = `${'x'.repeat(at)}${word}${'y'.repeat(BLOCK)}`;
        expect(search(Buffer.from(text)), `${word} at ${at}`).toEqual(slowly(text));
      }
  });

  test('counts a text that just fills a block, or just does not, once', () => {
    for (let length = BLOCK - 8; length < BLOCK + 8; length += 1) {
      const text = '\ndat'.repeat(BLOCK).slice(0, length);
      expect(search(Buffer.from(text)), `${length} bytes`).toEqual(slowly(text));
    }
  });

  test('what an earlier text left behind the end of this one is not found', () => {
    search(Buffer.from('DONE\ndat'.repeat(10)));
    for (let length = 0; length < 40; length += 1)
      expect(search(Buffer.alloc(length, 'x'))).toEqual({ lines: 0, found: false });
  });

  test('leaves a search for quotes that is under way as it was', () => {
    const quotes = quoteSearch(Buffer.from('a"'.repeat(1_000)));
    expect(quotes(0)).toBe(1);
    search(Buffer.from('"'.repeat(5_000)));
    expect(quotes(2)).toBe(3);
  });

  test('words of another length are refused', () => {
    expect(() => markSearch('\ndat', ['usage'])).toThrow(TypeError);
  });
});

describe('fields', () => {
  test.each([11, 12, 13, 14])('are those of JSON.parse in texts of every size (%i)', (seed) => {
    const { int: next } = seeded(seed);
    const text = (pieces: number) => Array.from({ length: pieces }, () => PIECES[next(PIECES.length)]).join('');
    for (let round = 0; round < 60; round += 1) {
      const size = [3, 40, 400, 40_000][next(4)] as number;
      const value = {
        model: text(next(5)),
        messages: [{ role: 'user', content: text(next(size)) }, { content: [{ text: text(next(size)), n: [1, [2]] }] }],
        [text(3)]: text(next(50)),
        stream: true,
        last: text(next(size)),
      };
      const body = Buffer.from(JSON.stringify(value, undefined, next(3)));
      const found = scanFields(body, Object.keys(value));
      const read = [...found].map(([name, { start, end }]) => [name, JSON.parse(body.toString('utf8', start, end))]);
      expect(Object.fromEntries(read)).toEqual(value);
    }
  });

  test('long texts are found at any depth, and no others', () => {
    const long = 'say "it"\\ \n'.repeat(20_000);
    const body = Buffer.from(
      JSON.stringify({ content: long, x: [{ content: 'short', y: { content: long } }], z: long }),
    );
    const found = scanTexts(body, new Set(['content']), 512);
    expect(found.map(({ start, end }) => JSON.parse(body.toString('utf8', start, end)))).toEqual([long, long]);
  });

  test('a string that nothing closes is refused, whatever its size', () => {
    for (const size of [10, 1_000, BLOCK, BLOCK * 3])
      expect(() => scanFields(Buffer.from(`{"model":"${'a\\"'.repeat(size)}`), ['model'])).toThrow('not closed');
  });
});
