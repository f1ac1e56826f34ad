import { describe, expect, it } from 'vitest';
import type { BeadDiff } from '../../../src/reviews/schema.ts';
import { width } from '../../../tui/model/text.ts';
import { createHighlighter } from '../../../tui/review/highlight.ts';
import {
  currentFile,
  initialReview,
  isSplit,
  type ReviewMessage,
  type ReviewModel,
  reduceReview,
  rowsOf,
} from '../../../tui/review/model.ts';
import { parseDiff } from '../../../tui/review/patch.ts';
import { reviewFrame } from '../../../tui/review/view.ts';
import { plain } from '../../../tui/theme.ts';
import { makeBead } from '../../support/board-data.ts';
import { gitPatch, largeDiff, sampleDiff } from '../../support/review-data.ts';

const proof = {
  command: 'npm test',
  exitCode: 0,
  treeHash: 'd'.repeat(40),
  commit: 'c'.repeat(40),
  dirty: false,
  log: '',
  startedAt: '',
  durationMs: 1,
};
const bead = makeBead(4, { status: 'review', title: 'Load', proof });
const highlighter = createHighlighter();

function open(diff: BeadDiff, columns: number, rows: number): ReviewModel {
  return send(initialReview(bead.id, { columns, rows }, 0), { type: 'loaded', bead, diff, parsed: parseDiff(diff) });
}
const send = (model: ReviewModel, ...messages: ReviewMessage[]) =>
  messages.reduce((now, message) => reduceReview(now, message, 1), model);
const ui = (action: Extract<ReviewMessage, { type: 'ui' }>['action']): ReviewMessage => ({ type: 'ui', action });
const screen = (model: ReviewModel) => reviewFrame(model, highlighter).map(plain);
const diffOf = (path: string, before: string, after: string): BeadDiff => ({
  ...sampleDiff(bead.id),
  patch: gitPatch(path, before, after),
  files: [{ path, status: 'modified', additions: 1, deletions: 1, binary: false }],
  truncated: false,
});

describe('the review screen', () => {
  for (const [columns, rows] of [
    [200, 50],
    [160, 40],
    [120, 40],
    [80, 24],
    [36, 20],
    [20, 5],
    [3, 1],
  ] as const) {
    it(`fills exactly ${columns}x${rows} and no row is too wide`, () => {
      for (const model of [
        open(sampleDiff(bead.id), columns, rows),
        send(open(sampleDiff(bead.id), columns, rows), ui('openComment')),
      ]) {
        expect(screen(model)).toHaveLength(rows);
        for (const row of screen(model)) expect(width(row)).toBeLessThanOrEqual(columns);
      }
    });
  }

  it('is unified below 160 columns, side by side from there, and t changes it at the same line', () => {
    expect(isSplit(open(sampleDiff(bead.id), 159, 40))).toBe(false);
    const wide = open(sampleDiff(bead.id), 160, 40);
    expect(isSplit(wide)).toBe(true);
    const second = send(wide, ui('nextFile'));
    expect(currentFile(send(second, ui('toggleLayout')))).toBe(1);
    expect(isSplit(send(second, ui('toggleLayout')))).toBe(false);
  });

  it('says what the proof is worth', () => {
    const model = open(sampleDiff(bead.id), 100, 20);
    expect(screen(send(model, { type: 'tree', tree: 'same' })).join('\n')).toContain(
      '✓ npm test → exit 0; tree dddddddddd is the tree of the branch',
    );
    expect(screen(send(model, { type: 'tree', tree: 'differs' })).join('\n')).toContain(
      '✗ npm test → exit 0; tree dddddddddd: the branch changed since',
    );
  });

  it('says so when the branch changes nothing', () => {
    const empty = { ...sampleDiff(bead.id), files: [], patch: '', truncated: false };
    expect(screen(open(empty, 80, 24)).join('\n')).toContain('changes nothing');
  });

  it('shows binary, renamed and too large files as such', () => {
    const text = screen(open(sampleDiff(bead.id), 120, 40)).join('\n');
    expect(text).toContain('Binary file: its content is not shown');
    expect(text).toContain('renamed from old.txt');
    expect(text).toContain('Too large to be shown (+90000 −80000)');
    expect(text).toContain('The patch was cut here');
  });

  it('finds text and comes round again', () => {
    const model = send(
      open(sampleDiff(bead.id), 80, 10),
      ui('openSearch'),
      { type: 'insert', text: 'tokenlifetime' },
      ui('findNext'),
    );
    expect(screen(model).join('\n')).toContain('const tokenLifetime = 30;');
    const none = send(model, ui('openSearch'), { type: 'insert', text: 'nowhere' }, ui('findNext'));
    expect(none.toast?.text).toBe('"nowhere" is not in this diff');
  });

  it('never hides text that reorders or hides what is read', () => {
    const evil = diffOf('a.ts', 'const a = 1;\n', 'const a = 1; //\u202e reversed \u200b\u0007\u001b[2J\n');
    const text = screen(open(evil, 120, 20)).join('\n');
    expect(text).toContain('<U+202E>');
    expect(text).toContain('<U+200B>');
    expect(text).toContain('^G');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the point of the test.
    expect(text).not.toMatch(/[\u0007\u001b\u202e]/);
  });

  it('marks the words that changed in a pair of lines', () => {
    const diff = parseDiff(diffOf('a.ts', 'const limit = 10; // keep me\n', 'const limit = 20; // keep me\n'));
    const added = diff.unified.flatMap((row) =>
      row.type === 'line' && row.line.kind === 'added' ? [row.line] : [],
    )[0];
    expect(added && highlighter.changedRanges(added)).toEqual([[14, 16]]);
  });

  it('keeps both sides in order when some lines have no partner', () => {
    const before = 'alpha one two\nbeta three four\n';
    const after = 'new line here\nalpha one two!\nother\nbeta three four!\n';
    const rows = parseDiff(diffOf('a.txt', before, after)).split.flatMap((row) => (row.type === 'pair' ? [row] : []));
    expect(rows.map((row) => row.right?.text).filter(Boolean)).toEqual(after.trimEnd().split('\n'));
    expect(rows.map((row) => row.left?.text).filter(Boolean)).toEqual(before.trimEnd().split('\n'));
    expect(rows.find((row) => row.left?.text === 'beta three four')?.right?.text).toBe('beta three four!');
  });

  it('shows the rest when one file of the patch is cut in the middle', () => {
    const cutPatch = `${gitPatch('a.txt', 'a\n', 'b\n')}diff --git a/c.txt b/c.txt\nindex 1..2 100644\n--- a/c.txt\n+++ b/c.txt\n@@ -1,9 +1,9 @@\n-old\n+ne`;
    const files = ['a.txt', 'c.txt'].map((path) => ({
      path,
      status: 'modified' as const,
      additions: 1,
      deletions: 1,
      binary: false,
    }));
    const text = screen(open({ ...sampleDiff(bead.id), files, patch: cutPatch }, 80, 24)).join('\n');
    expect(text).toContain('+ b');
    expect(text).toContain('c.txt');
  });

  it('builds rows for 5,000 lines once and draws only what is seen', () => {
    const model = open(largeDiff(bead.id, 5_000), 120, 40);
    expect(rowsOf(model).length).toBeGreaterThan(4_900);
    expect(screen(send(model, ui('last')))).toHaveLength(40);
  });
});
