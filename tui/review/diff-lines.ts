/** Rows of a diff as coloured lines. */
import { clean, cut, splitAt, width } from '../model/text.ts';
import type { Color, Line, Span } from '../theme.ts';
import { cutLine, ends, fillLine, restyled, span } from '../views/lines.ts';
import type { Highlighter, Piece } from './highlight.ts';
import type { DiffLine, ParsedFile, Row } from './patch.ts';

export interface DiffLook {
  readonly highlighter: Highlighter;
  readonly files: readonly ParsedFile[];
  readonly cells: number;
  readonly shift: number;
  readonly search: string;
}

const SIGN = { context: ' ', added: '+', removed: '-' } as const;
const SIGN_COLOR: Readonly<Record<DiffLine['kind'], Color>> = { context: 'gray', added: 'green', removed: 'red' };

/** Characters that reorder or hide text are shown by name: a diff must not lie about what is in it. */
function visible(text: string): string {
  return text
    .replaceAll('\t', '    ')
    .replaceAll(
      /[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]/g,
      (character) => `<U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}>`,
    )
    .replaceAll(/\r/g, '␍')
    .replaceAll(/\p{Cc}/gu, (character) => `^${String.fromCharCode((character.charCodeAt(0) + 64) % 128)}`);
}

interface Marked extends Piece {
  readonly isChanged?: boolean;
  readonly isFound?: boolean;
}

/** Splits pieces at the borders of ranges given in the raw text. */
function markRanges(
  pieces: readonly Marked[],
  ranges: readonly (readonly [number, number])[],
  mark: 'isChanged' | 'isFound',
): Marked[] {
  if (ranges.length === 0) return [...pieces];
  const result: Marked[] = [];
  let place = 0;
  for (const piece of pieces) {
    const borders = new Set([0, piece.text.length]);
    for (const [start, end] of ranges) {
      for (const border of [start - place, end - place])
        if (border > 0 && border < piece.text.length) borders.add(border);
    }
    const sorted = [...borders].sort((a, b) => a - b);
    for (let index = 0; index + 1 < sorted.length; index += 1) {
      const [from = 0, to = 0] = [sorted[index], sorted[index + 1]];
      const isMarked = ranges.some(([start, end]) => place + from >= start && place + to <= end);
      result.push({ ...piece, text: piece.text.slice(from, to), ...(isMarked ? { [mark]: true } : {}) });
    }
    place += piece.text.length;
  }
  return result;
}

function foundRanges(text: string, search: string): [number, number][] {
  const found: [number, number][] = [];
  if (search === '') return found;
  const [where, what] = [text.toLowerCase(), search.toLowerCase()];
  for (let at = where.indexOf(what); at >= 0; at = where.indexOf(what, at + what.length))
    found.push([at, at + what.length]);
  return found;
}

function styleOf(line: DiffLine, piece: Marked): Omit<Span, 'text'> {
  if (piece.isFound) return { inverse: true, color: 'yellow' };
  if (piece.isChanged) return { color: 'black', background: line.kind === 'added' ? 'green' : 'red', underline: true };
  if (line.kind === 'removed') return { color: 'red' };
  return piece.color ? { color: piece.color } : line.kind === 'added' ? { color: 'green' } : {};
}

function skip(spans: readonly Span[], cells: number): Span[] {
  let left = cells;
  return spans.flatMap((one): Span[] => {
    if (left <= 0) return [one];
    const [head, rest] = splitAt(one.text, left);
    left -= width(head);
    return rest === '' ? [] : [{ ...one, text: rest }];
  });
}

function codeSpans(line: DiffLine, path: string, look: DiffLook): Span[] {
  const pieces = look.highlighter.piecesOf(line, path);
  const changed = markRanges(pieces, look.highlighter.changedRanges(line), 'isChanged');
  const found = markRanges(changed, foundRanges(line.text, look.search), 'isFound');
  const spans = found.map((piece) => span(clean(visible(piece.text)), styleOf(line, piece)));
  return look.shift > 0 ? skip(spans, look.shift) : spans;
}

function number(value: number | undefined): string {
  return (value === undefined ? '' : String(value)).padStart(4);
}

function unifiedLine(line: DiffLine, look: DiffLook): Line {
  const path = look.files[line.hunk.file]?.path ?? '';
  const gutter = look.cells >= 60 ? `${number(line.oldNumber)} ${number(line.newNumber)} ` : '';
  const sign = span(`${SIGN[line.kind]} `, { color: SIGN_COLOR[line.kind], bold: line.kind !== 'context' });
  return cutLine([span(gutter, { color: 'gray' }), sign, ...codeSpans(line, path, look)], look.cells);
}

function side(line: DiffLine | undefined, which: 'old' | 'new', cells: number, look: DiffLook): Line {
  if (!line) return fillLine([span('', {})], cells);
  const path = look.files[line.hunk.file]?.path ?? '';
  const sign = span(`${SIGN[line.kind]} `, { color: SIGN_COLOR[line.kind], bold: line.kind !== 'context' });
  return fillLine(
    [
      span(`${number(which === 'old' ? line.oldNumber : line.newNumber)} `, { color: 'gray' }),
      sign,
      ...codeSpans(line, path, look),
    ],
    cells,
  );
}

export function countSpans(file: ParsedFile): Line {
  if (file.change.binary) return [span('binary', { color: 'gray' })];
  return [
    span(`+${file.change.additions}`, { color: 'green' }),
    span(' '),
    span(`−${file.change.deletions}`, { color: 'red' }),
  ];
}

const LETTER = { added: 'A', modified: 'M', deleted: 'D', renamed: 'R', copied: 'C', 'type-changed': 'T' } as const;

export function fileLine(file: ParsedFile, cells: number, isCurrent: boolean): Line {
  const counts = file.change.binary ? 'binary' : `+${file.change.additions} −${file.change.deletions}`;
  const room = Math.max(1, cells - counts.length - 5);
  const path = clean(file.path);
  const short = width(path) <= room ? path : `…${path.slice(path.length - room + 1)}`;
  const line = ends(
    [span(isCurrent ? '>' : ' '), span(`${LETTER[file.change.status]} `, { bold: true }), span(short)],
    [...countSpans(file), span(' ')],
    cells,
  );
  return isCurrent ? restyled(line, cells, { inverse: true }) : line;
}

/** One row of the diff, as wide as `look.cells` at most. */
export function diffLine(row: Row, look: DiffLook): Line {
  const file = look.files[row.file];
  if (row.type === 'file' && file) {
    const head: Line = [
      span(`━━ ${LETTER[file.change.status]} ${clean(file.path)} `, { bold: true }),
      ...countSpans(file),
      span(' '),
    ];
    const short = cutLine(head, look.cells);
    const rest = look.cells - short.reduce((sum, one) => sum + width(one.text), 0);
    return [...short, span('━'.repeat(Math.max(0, rest)), { color: 'gray' })];
  }
  if (row.type === 'note') return [span(cut(`   ${clean(row.text)}`, look.cells), { dim: true })];
  if (row.type === 'hunk') return [span(cut(row.hunk.head, look.cells), { color: 'cyan' })];
  if (row.type === 'line') return unifiedLine(row.line, look);
  if (row.type !== 'pair') return [];
  const half = Math.floor((look.cells - 1) / 2);
  return [...side(row.left, 'old', half, look), span('│', { color: 'gray' }), ...side(row.right, 'new', half, look)];
}
