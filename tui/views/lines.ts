/** Arithmetic of lines: cutting, filling, placing side by side. */
import { cut, width } from '../model/text.ts';
import type { Line, Span, Style } from '../theme.ts';

export function span(text: string, style: Style = {}): Span {
  return { ...style, text };
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, one) => sum + width(one.text), 0);
}

/** Cut to at most `cells`. */
export function cutLine(line: Line, cells: number): Line {
  if (lineWidth(line) <= cells) return line;
  const result: Span[] = [];
  let left = cells;
  for (const one of line) {
    const used = width(one.text);
    if (used <= left) {
      result.push(one);
      left -= used;
      continue;
    }
    if (left > 0) result.push({ ...one, text: cut(one.text, left) });
    break;
  }
  return result;
}

/** Cut or filled to exactly `cells`. */
export function fillLine(line: Line, cells: number, style: Style = {}): Line {
  const short = cutLine(line, cells);
  const missing = cells - lineWidth(short);
  return missing > 0 ? [...short, span(' '.repeat(missing), style)] : short;
}

/** `left` and `right` at the ends of one line; the left one gives way. */
export function ends(left: Line, right: Line, cells: number): Line {
  const end = cutLine(right, cells);
  const room = cells - lineWidth(end);
  return room <= 0 ? end : [...fillLine(left, room), ...end];
}

/** The whole line in one style: a selected row looks the same whatever it holds. */
export function restyled(line: Line, cells: number, style: Style): Line {
  return fillLine(line, cells).map((one) => ({ ...style, text: one.text }));
}

/** Columns of the same height beside each other. */
export function beside(columns: readonly (readonly Line[])[], cells: number, separator: Span): Line[] {
  const rows = Math.max(...columns.map((column) => column.length));
  return Array.from({ length: rows }, (_, row) =>
    columns.flatMap((column, index) => {
      const isLast = index === columns.length - 1;
      const line = column[row] ?? [];
      return isLast ? cutLine(line, cells) : [...fillLine(line, cells), separator];
    }),
  );
}

/** Exactly `rows` lines. */
export function fillRows(lines: readonly Line[], rows: number): Line[] {
  return Array.from({ length: Math.max(0, rows) }, (_, index) => lines[index] ?? []);
}
