/**
 * What to write to a terminal that shows `before` so that it shows `after`: rows that moved together are scrolled,
 * the others written where they differ. Pure.
 */

/** Rows that move by `by` (up when positive) between `top` and `bottom`, both inclusive. */
interface Shift {
  readonly top: number;
  readonly bottom: number;
  readonly by: number;
}

const ESC = '\u001b[';
/** So many rows have to be saved before a scroll is worth its escape codes. */
const WORTH = 3;

/** The rows after a scroll; what it uncovers is blank. */
export function scrolled(rows: readonly string[], { top, bottom, by }: Shift): string[] {
  return rows.map((row, index) => {
    if (index < top || index > bottom) return row;
    const from = index + by;
    return from < top || from > bottom ? '' : (rows[from] ?? '');
  });
}

const differing = (a: readonly string[], b: readonly string[]) =>
  b.reduce((count, row, index) => count + (row === a[index] ? 0 : 1), 0);

/** The region in which rows found by `by` lie; undefined when too few would be saved. */
function regionOf(before: readonly string[], after: readonly string[], by: number): Shift | undefined {
  let first = -1;
  let last = -1;
  let found = 0;
  for (const [index, row] of after.entries()) {
    if (row === '' || row === before[index] || row !== before[index + by]) continue;
    if (first < 0) first = index;
    last = index;
    found += 1;
  }
  if (found < WORTH) return undefined;
  return by > 0 ? { top: first, bottom: last + by, by } : { top: first + by, bottom: last, by };
}

/** The scroll that saves most rows. */
function bestShift(before: readonly string[], after: readonly string[]): Shift | undefined {
  let best: Shift | undefined;
  let least = differing(before, after) - WORTH;
  if (least < 0) return undefined;
  for (let size = 1; size < after.length; size += 1) {
    for (const by of [size, -size]) {
      const shift = regionOf(before, after, by);
      const left = shift ? differing(scrolled(before, shift), after) : Number.POSITIVE_INFINITY;
      if (left > least) continue;
      least = left - 1;
      best = shift;
    }
  }
  return best;
}

const scroll = ({ top, bottom, by }: Shift) =>
  `${ESC}${top + 1};${bottom + 1}r${ESC}${Math.abs(by)}${by > 0 ? 'S' : 'T'}${ESC}r`;

/** Nothing of the row is left: a row may end in a wide character that its successor only half covers. */
const write = (index: number, row: string) => `${ESC}${index + 1};1H${ESC}2K${row}`;

/** Escape codes and rows; everything when what is shown is not known, or has another height. */
export function rowDiff(before: readonly string[] | undefined, after: readonly string[]): string {
  if (before?.length !== after.length) return `${ESC}2J${after.map((row, index) => write(index, row)).join('')}`;
  const shift = bestShift(before, after);
  const shown = shift ? scrolled(before, shift) : before;
  const rows = after.map((row, index) => (row === shown[index] ? '' : write(index, row)));
  return `${shift ? scroll(shift) : ''}${rows.join('')}`;
}
