/**
 * Text as it may be put on a screen: one line, no control characters, and a width that tmux, the
 * terminal and string-width agree on.
 */
import stringWidth from 'string-width';

const ASCII = /^[\x20-\x7e]*$/;
const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const REGIONAL_A = 0x1f1e6;

/** Terminals disagree on joined emoji, skin tones and flags; only their plain parts have one width. */
function plainGrapheme(grapheme: string): string {
  const points = [...grapheme];
  const first = points[0]?.codePointAt(0) ?? 0;
  if (first >= REGIONAL_A && first <= REGIONAL_A + 25) {
    return points.map((point) => String.fromCharCode(65 + (point.codePointAt(0) ?? 0) - REGIONAL_A)).join('');
  }
  const joined = grapheme.indexOf('\u200d');
  const head = joined > 0 ? grapheme.slice(0, joined) : grapheme;
  return head.replaceAll(/\p{Default_Ignorable_Code_Point}|\p{Emoji_Modifier}|\u20e3/gu, '');
}

const MOST_REMEMBERED = 4_000;

/** The same titles are drawn at every key; segmenting them costs more than all else of a frame. */
function remembered<T>(compute: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const old = known.get(text);
    if (old !== undefined) return old;
    if (known.size >= MOST_REMEMBERED) known.clear();
    const made = compute(text);
    known.set(text, made);
    return made;
  };
}

const cleanWide = remembered((text) => {
  const flat = text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll(/[\u202a-\u202e\u2066-\u2069\u200e\u200f\p{Co}\p{Cs}]/gu, '');
  if (ASCII.test(flat)) return flat;
  let result = '';
  for (const { segment } of segmenter.segment(flat)) result += segment.length === 1 ? segment : plainGrapheme(segment);
  return result;
});

/** `text` on one line, without anything that moves the cursor, hides, reorders or has a disputed width. */
export function clean(text: string): string {
  return ASCII.test(text) ? text : cleanWide(text);
}

const widthWide = remembered(stringWidth);

/** Display width of cleaned text, in cells. */
export function width(text: string): number {
  return ASCII.test(text) ? text.length : widthWide(text);
}

/** The longest beginning of `text` that fits into `cells`, ending in an ellipsis when something was cut. */
export function cut(text: string, cells: number): string {
  if (cells <= 0) return '';
  if (width(text) <= cells) return text;
  if (ASCII.test(text)) return `${text.slice(0, cells - 1)}…`;
  let result = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = width(segment);
    if (used + next > cells - 1) break;
    result += segment;
    used += next;
  }
  return `${result}…`;
}

/** Cut or filled with spaces to exactly `cells`. */
export function pad(text: string, cells: number): string {
  const short = cut(text, cells);
  return short + ' '.repeat(Math.max(0, cells - width(short)));
}

/** The first part of `text` that fits, and the rest; never splits a character. */
export function splitAt(text: string, cells: number): [string, string] {
  if (ASCII.test(text)) return [text.slice(0, cells), text.slice(cells)];
  let used = 0;
  for (const { segment, index } of segmenter.segment(text)) {
    const next = width(segment);
    if (used + next > cells && index > 0) return [text.slice(0, index), text.slice(index)];
    used += next;
  }
  return [text, ''];
}

function wrapLine(line: string, cells: number): string[] {
  const rows: string[] = [];
  let rest = line;
  while (width(rest) > cells) {
    const [head] = splitAt(rest, cells);
    const space = rest[head.length] === ' ' ? head.length : head.lastIndexOf(' ');
    const end = space > cells / 3 ? space + 1 : head.length;
    rows.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end);
  }
  return [...rows, rest];
}

/** `text` (line ends kept) as cleaned rows of at most `cells`. */
export function wrap(text: string, cells: number): string[] {
  const room = Math.max(1, cells);
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .flatMap((line) => wrapLine(clean(line.replaceAll('\t', '  ')), room));
}

/** An id as cards show it: the common prefix says nothing. */
export function shortId(id: string): string {
  return id.startsWith('godel-') ? id.slice('godel-'.length) : id;
}
