/** What is written is what is shown: every diff is played on a terminal and compared with the rows. */
import xterm from '@xterm/headless';
import { describe, expect, test } from 'vitest';
import { rowDiff, scrolled } from '../../tui/row-diff.ts';

const COLUMNS = 36;

async function play(frames: readonly (readonly string[])[]): Promise<{ rows: string[]; bytes: number[] }> {
  const height = frames.at(-1)?.length ?? 1;
  const terminal = new xterm.Terminal({ cols: COLUMNS, rows: height, allowProposedApi: true });
  const bytes: number[] = [];
  let before: readonly string[] | undefined;
  for (const frame of frames) {
    const text = rowDiff(before, frame);
    bytes.push(Buffer.byteLength(text));
    await new Promise<void>((resolve) => terminal.write(text, resolve));
    before = frame;
  }
  const rows = Array.from(
    { length: height },
    (_, row) => terminal.buffer.active.getLine(row)?.translateToString(true) ?? '',
  );
  terminal.dispose();
  return { rows, bytes };
}

const card = (index: number) => `card ${index} ${'x'.repeat(index % 20)}`;
const window = (from: number, rows = 40) => [
  `header ${from}`,
  ...Array.from({ length: rows }, (_, row) => card(from + row)),
  'footer',
];

describe('row diff', () => {
  test('a list that moves by a card writes that card alone, up and down', async () => {
    const { rows, bytes } = await play([window(0), window(1), window(2), window(1)]);
    expect(rows).toEqual(window(1));
    for (const count of bytes.slice(1)) expect(count).toBeLessThan(150);
  });

  test('a jump by half a window keeps the other half', async () => {
    const { rows, bytes } = await play([window(0), window(20), window(0)]);
    expect(rows).toEqual(window(0));
    for (const count of bytes.slice(1)) expect(count).toBeLessThan(1024);
  });

  test('wide characters, full rows and empty rows leave nothing behind', async () => {
    const frames = [
      ['日本語日本語日本語日本語日本語日本語', 'x'.repeat(COLUMNS), ''],
      ['日', 'y', 'z'.repeat(COLUMNS)],
      ['', '日本', 'ab'],
    ];
    for (let end = 1; end <= frames.length; end += 1)
      expect((await play(frames.slice(0, end))).rows).toEqual(frames[end - 1]);
  });

  test('five hundred random frames are shown as they are', async () => {
    let seed = 7;
    const random = (limit: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % limit;
    };
    let frame: string[] = window(0, 18);
    const frames = [frame];
    for (let step = 0; step < 500; step += 1) {
      const by = random(9) - 4;
      const top = random(8);
      const moved = random(2) === 0 ? scrolled(frame, { top, bottom: top + 8 + random(4), by }) : [...frame];
      for (let change = random(4); change > 0; change -= 1) moved[random(20)] = random(5) === 0 ? '' : card(random(60));
      frame = moved;
      frames.push(frame);
    }
    for (const end of [50, 123, 250, 377, 501])
      expect((await play(frames.slice(0, end))).rows).toEqual(frames[end - 1]);
  });

  test('equal frames write nothing, another height writes everything', () => {
    expect(rowDiff(window(3), window(3))).toBe('');
    expect(rowDiff(window(3, 4), window(3, 6))).toContain('2J');
  });
});
