/** Plain-text tables for lists on standard output. */
import stringWidth from 'string-width';

/** Control characters and line ends would tear the screen of whoever reads a list. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
}

/** One `name value` a line, names filled up to `cells`; what has no value is left out. */
export function facts(rows: readonly (readonly [string, string | undefined])[], cells: number): string[] {
  return rows.filter(([, value]) => value).map(([name, value]) => `${name.padEnd(cells)} ${value}`);
}

/** Columns padded by display width; the last one is left ragged. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(oneLine));
  const widths = head.map((title, column) =>
    Math.max(stringWidth(title), ...clean.map((row) => stringWidth(row[column] ?? ''))),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - stringWidth(cell)),
      )
      .join('  ')
      .trimEnd();
  return [head, ...clean].map(line).join('\n');
}
