import { describe, expect, it } from 'vitest';
import { completeLine, splitWords } from '../../../tui/command-line.ts';
import { keyNames, type PressedKey } from '../../../tui/keys.ts';
import { ageText, nextTick } from '../../../tui/model/age.ts';
import { geometryOf, topFor } from '../../../tui/model/geometry.ts';
import { edits, emptyInput, inputOf, insert } from '../../../tui/model/input.ts';
import { type Message, reduce } from '../../../tui/model/reduce.ts';
import { initialModel, LANES, type Model, type Size } from '../../../tui/model/state.ts';
import { clean, cut, pad, width, wrap } from '../../../tui/model/text.ts';
import type { UiAction } from '../../../tui/model/ui.ts';
import { paint, plain } from '../../../tui/theme.ts';
import { frameOf } from '../../../tui/views/frame.ts';
import { makeAgent, makeBead, makeSnapshot, sampleSnapshot } from '../../support/board-data.ts';

const NOW = Date.parse('2026-11-21T12:00:02.000Z');
const SIZES: readonly Size[] = [
  [36, 48],
  [80, 24],
  [120, 40],
  [200, 50],
  [20, 5],
  [72, 12],
  [10, 3],
  [1, 1],
].map(([columns = 1, rows = 1]) => ({ columns, rows }));
const send = (model: Model, ...messages: Message[]) =>
  messages.reduce((now, message) => reduce(now, message, NOW), model);
const ui = (action: UiAction): Message => ({ type: 'ui', action });
const live: Message = { type: 'connection', connection: { state: 'live', sinceMs: NOW } };
const board = (count: number, size: Size = { columns: 36, rows: 48 }) =>
  send(initialModel(size, NOW), { type: 'snapshot', snapshot: sampleSnapshot(count, NOW) }, live);
const noKey = {
  upArrow: false,
  downArrow: false,
  leftArrow: false,
  rightArrow: false,
  pageDown: false,
  pageUp: false,
  home: false,
  end: false,
  return: false,
  escape: false,
  ctrl: false,
  shift: false,
  tab: false,
  backspace: false,
  delete: false,
  meta: false,
} satisfies PressedKey;

describe('text', () => {
  it('drops what moves the cursor, hides or reorders, and keeps one line', () => {
    expect(clean('a\nb\u0007c\u001b[2Jd\u202ee')).toBe('a b c [2Jde');
    expect(clean('👨‍👩‍👧 ❤️ 🇩🇪 1️⃣ 👍🏽')).toBe('👨 ❤ DE 1 👍');
  });

  it('cuts by display width and never splits a character', () => {
    for (const text of ['日本語のタイトル', 'plain ascii text', '🚀🚀🚀🚀', 'e\u0301e\u0301e\u0301e\u0301']) {
      for (let cells = 0; cells < 20; cells += 1) {
        expect(width(cut(text, cells))).toBeLessThanOrEqual(cells);
        expect(width(pad(text, cells))).toBe(cells);
      }
    }
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  });
});

describe('typed text', () => {
  it('edits by whole characters', () => {
    const input = insert(insert(emptyInput, 'a🚀'), 'b');
    expect(edits.backspace(edits.backspace(input))).toEqual({ text: 'a', cursor: 1 });
    expect(edits.deleteWord(inputOf('one two'))).toEqual({ text: 'one ', cursor: 4 });
    expect(insert(emptyInput, 'a\r\nb\u0007').text).toBe('a b ');
    expect(insert(emptyInput, 'a\r\nb\u0007', true).text).toBe('a\nb');
  });
});

describe('keys', () => {
  it('takes fast typing apart and names special keys', () => {
    expect(keyNames('jj\r', noKey)).toEqual(['j', 'j', 'enter']);
    expect(keyNames('d', { ...noKey, ctrl: true })).toEqual(['C-d']);
    expect(keyNames('\r', { ...noKey, return: true, meta: true })).toEqual(['M-enter']);
    expect(keyNames('', { ...noKey, tab: true, shift: true })).toEqual(['S-tab']);
    expect(keyNames(' ', noKey)).toEqual(['space']);
  });
});

describe('the command line', () => {
  it('splits words as a shell does', () => {
    expect(splitWords('bead create "a \\"b\\" c" --type \'bug\' x\\ y')).toEqual([
      'bead',
      'create',
      'a "b" c',
      '--type',
      'bug',
      'x y',
    ]);
    expect(splitWords('godel bead list')).toEqual(['bead', 'list']);
    expect(splitWords('bead create "open')).toBeUndefined();
    expect(splitWords('a ""')).toEqual(['a', '']);
  });

  it('completes names, flags, values and ids', () => {
    const model = board(3);
    expect(completeLine('bead cre', model).text).toBe('bead create ');
    expect(completeLine('bead create "x" --prio', model).text).toBe('bead create "x" --priority ');
    expect(completeLine('bead create "x" --priority cr', model).text).toBe('bead create "x" --priority critical ');
    expect(completeLine('bead show godel-', model).choices).toHaveLength(3);
  });
});

describe('frames', () => {
  it('are exactly as high as the terminal and never wider, in every mode', () => {
    const modes: Message[][] = [
      [],
      [ui('openDetail')],
      [ui('openHelp')],
      [ui('openLog')],
      [ui('openCommand')],
      [ui('openFilter')],
      [ui('promptCreate')],
      [ui('openSetup')],
      [ui('askStop')],
      [ui('switchZone')],
    ];
    for (const size of SIZES) {
      for (const messages of modes) {
        const model = send(board(40, size), ...messages, {
          type: 'toast',
          toast: { kind: 'bad', text: 'x'.repeat(300), hint: 'y'.repeat(200) },
        });
        const frame = frameOf(model);
        expect(frame).toHaveLength(size.rows);
        for (const line of frame)
          expect(width(plain(line)), `${size.columns}x${size.rows} ${plain(line)}`).toBeLessThanOrEqual(size.columns);
      }
    }
  });

  it('always show the selected card, wherever it is and whatever the size', () => {
    for (const size of SIZES.slice(0, 6)) {
      let model = board(300, size);
      for (const action of [
        'moveDown',
        'halfDown',
        'last',
        'moveUp',
        'laneRight',
        'halfDown',
        'laneRight',
        'last',
        'first',
        'halfUp',
      ] as const) {
        model = send(model, ui(action));
        if (model.cursor.zone !== 'lanes' || model.selected[model.cursor.lane] === undefined) continue;
        expect(
          frameOf(model).some((line) => plain(line).includes('>')),
          `${size.columns}x${size.rows} after ${action}`,
        ).toBe(true);
      }
    }
  });

  it('paint one code per run of the same style', () => {
    expect(paint([{ text: 'a', bold: true }, { text: 'b', bold: true }, { text: 'c' }], true)).toBe(
      '\u001b[1mab\u001b[0mc',
    );
    expect(paint([{ text: 'a', color: 'red' }], false)).toBe('a');
  });
});

describe('scrolling', () => {
  it('keeps the window until the selection leaves it, then jumps by half', () => {
    const one = () => 1;
    expect(topFor(one, 100, 9, 0, 10)).toBe(0);
    expect(topFor(one, 100, 10, 0, 10)).toBe(5);
    expect(topFor(one, 100, 11, 5, 10)).toBe(5);
    expect(topFor(one, 100, 99, 5, 10)).toBe(90);
    expect(topFor(one, 3, 2, 2, 10)).toBe(0);
    expect(topFor(one, 100, 10, 0, 10, 'least')).toBe(1);
    expect(topFor(one, 100, 4, 5, 10, 'least')).toBe(4);
  });
});

describe('selection', () => {
  it('follows its card to another lane', () => {
    const model = board(10);
    const id = model.selected.open as string;
    const bead = model.beads.get(id);
    if (!bead) throw new Error('no bead');
    const moved = send(model, {
      type: 'changes',
      seq: 11,
      changes: [{ kind: 'bead', bead: { ...bead, status: 'review', version: 2 } }],
    });
    expect(moved.cursor.lane).toBe('review');
    expect(moved.selected.review).toBe(id);
  });

  it('takes the neighbour when the card is deleted', () => {
    const model = send(board(40), ui('moveDown'));
    const [, gone, neighbour] = model.lanes.open;
    const next = send(model, { type: 'changes', seq: 11, changes: [{ kind: 'bead-gone', id: String(gone) }] });
    expect(next.selected.open).toBe(neighbour);
  });

  it('ignores an event that is older than what is known', () => {
    const model = board(3);
    const bead = makeBead(0, { title: 'Old', version: 0 });
    expect(
      send(model, { type: 'changes', seq: 11, changes: [{ kind: 'bead', bead }] }).beads.get(bead.id)?.title,
    ).not.toBe('Old');
  });
});

describe('time', () => {
  it('ages in steps of five seconds, then minutes', () => {
    expect(ageText(NOW - 3_000, NOW)).toBe('');
    expect(ageText(NOW - 32_000, NOW)).toBe('30s');
    expect(ageText(NOW - 200_000, NOW)).toBe('3m');
  });

  it('wakes nobody when no agent works', () => {
    const quiet = send(
      initialModel({ columns: 36, rows: 48 }, NOW),
      { type: 'snapshot', snapshot: makeSnapshot([makeBead(0)], [makeAgent(1, 'idle'), makeAgent(2, 'failed')]) },
      live,
    );
    expect(nextTick(quiet)).toBeUndefined();
    expect(nextTick(board(40))).toBe(Math.floor(NOW / 5_000) * 5_000 + 5_000);
    expect(nextTick(send(quiet, { type: 'connection', connection: { state: 'away', sinceMs: NOW } }))).toBe(
      NOW + 1_000,
    );
  });
});

describe('geometry', () => {
  it('gives every row to exactly one part', () => {
    for (const size of SIZES) {
      const geometry = geometryOf(board(200, size));
      if (geometry.arrangement === 'tiny') continue;
      expect(geometry.headerRows + geometry.laneRows + geometry.agentRows + geometry.footerRows).toBe(size.rows);
      if (geometry.arrangement === 'stacked')
        expect(LANES.reduce<number>((sum, lane) => sum + geometry.cardRows[lane], LANES.length)).toBe(
          geometry.laneRows,
        );
    }
  });
});
