/** Typed text with its cursor. */
import type { TextInput } from '../model/input.ts';
import { width, wrap } from '../model/text.ts';
import type { Line } from '../theme.ts';
import { span } from './lines.ts';

/** Text with a cursor cell, as rows. */
export function inputLines(input: TextInput, cells: number, most: number, isActive = true): Line[] {
  const before = input.text.slice(0, input.cursor);
  const at = input.text.slice(input.cursor);
  const rowsBefore = wrap(before, cells);
  const row = Math.max(0, rowsBefore.length - 1);
  const shown = wrap(`${before}${at}`, cells);
  const column = width(rowsBefore[row] ?? '');
  const lines = shown.map((text, index): Line => {
    if (!isActive || index !== row) return [span(text)];
    const head = text.slice(0, (rowsBefore[row] ?? '').length);
    const rest = text.slice(head.length);
    return width(head) === column
      ? [span(head), span(rest.slice(0, 1) || ' ', { inverse: true }), span(rest.slice(1))]
      : [span(text)];
  });
  const start = Math.max(0, Math.min(row - most + 1, lines.length - most));
  return lines.slice(Math.max(0, start), Math.max(0, start) + most);
}
