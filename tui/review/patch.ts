/** A unified diff as rows to show: parsed once, drawn a screen at a time. */
import { parsePatch, type StructuredPatch } from 'diff';
import { messageOf } from '../../src/base/error.ts';
import type { BeadDiff, ChangedFile } from '../../src/reviews/schema.ts';

export type LineKind = 'context' | 'added' | 'removed';

/** One line of one side. */
export interface DiffLine {
  readonly kind: LineKind;
  readonly text: string;
  /** Number on the old and the new side, absent where the side has no such line. */
  readonly oldNumber?: number;
  readonly newNumber?: number;
  /** The hunk it is in and its place in the text of its side: what highlighting is cached by. */
  readonly hunk: Hunk;
  readonly index: number;
  /** The line it replaced or was replaced by. */
  pair?: DiffLine;
}

export interface Hunk {
  readonly key: number;
  readonly file: number;
  readonly head: string;
  readonly lines: readonly DiffLine[];
  /** Text of the old side (context and removed) and the new side (context and added). */
  readonly oldLines: readonly string[];
  readonly newLines: readonly string[];
}

export type Row =
  | { readonly type: 'file'; readonly file: number }
  | { readonly type: 'note'; readonly file: number; readonly text: string }
  | { readonly type: 'hunk'; readonly file: number; readonly hunk: Hunk }
  | { readonly type: 'line'; readonly file: number; readonly line: DiffLine }
  | { readonly type: 'pair'; readonly file: number; readonly left?: DiffLine; readonly right?: DiffLine };

export interface ParsedFile {
  readonly path: string;
  readonly change: ChangedFile;
  readonly hunks: readonly Hunk[];
  readonly notes: readonly string[];
}

export interface ParsedDiff {
  readonly files: readonly ParsedFile[];
  readonly unified: readonly Row[];
  readonly split: readonly Row[];
}

let hunkKeys = 0;

type RawHunk = StructuredPatch['hunks'][number];

/** Above this many candidates the lines are paired in order: comparing all with all would be felt. */
const MOST_COMPARED = 40;

function wordsOf(text: string): Set<string> {
  return new Set(text.match(/\w+/g) ?? []);
}

/** Share of words two lines have in common, 0 to 1. */
function likeness(a: string, b: string): number {
  const [left, right] = [wordsOf(a), wordsOf(b)];
  if (left.size + right.size === 0) return a.trim() === b.trim() ? 1 : 0;
  let common = 0;
  for (const word of left) if (right.has(word)) common += 1;
  return (2 * common) / (left.size + right.size);
}

/** Pairs what was replaced by what: by likeness, never crossing; in order where counts agree. */
function pairUp(removed: readonly DiffLine[], added: readonly DiffLine[]): void {
  const inOrder = removed.length === added.length || removed.length > MOST_COMPARED || added.length > MOST_COMPARED;
  let next = 0;
  for (const [index, left] of removed.entries()) {
    const found = inOrder
      ? index
      : added.findIndex((right, place) => place >= next && likeness(left.text, right.text) >= 0.5);
    const right = added[found];
    if (!right) continue;
    left.pair = right;
    right.pair = left;
    next = found + 1;
  }
}

function hunkOf(raw: RawHunk, file: number): Hunk {
  const lines: DiffLine[] = [];
  const [oldLines, newLines]: [string[], string[]] = [[], []];
  hunkKeys += 1;
  const head = `@@ -${raw.oldStart},${raw.oldLines} +${raw.newStart},${raw.newLines} @@`;
  const hunk: Hunk = { key: hunkKeys, file, head, lines, oldLines, newLines };
  let removed: DiffLine[] = [];
  let added: DiffLine[] = [];
  const close = () => {
    pairUp(removed, added);
    [removed, added] = [[], []];
  };
  for (const rawLine of raw.lines) {
    const sign = rawLine[0];
    const text = rawLine.slice(1);
    const numbers = { oldNumber: raw.oldStart + oldLines.length, newNumber: raw.newStart + newLines.length };
    if (sign === '\\') continue;
    if (sign === '-') {
      if (added.length > 0) close();
      removed.push({ kind: 'removed', text, oldNumber: numbers.oldNumber, hunk, index: oldLines.push(text) - 1 });
      lines.push(removed.at(-1) as DiffLine);
    } else if (sign === '+') {
      added.push({ kind: 'added', text, newNumber: numbers.newNumber, hunk, index: newLines.push(text) - 1 });
      lines.push(added.at(-1) as DiffLine);
    } else {
      close();
      oldLines.push(text);
      lines.push({ kind: 'context', text, ...numbers, hunk, index: newLines.push(text) - 1 });
    }
  }
  close();
  return hunk;
}

const WORDS: Readonly<Record<ChangedFile['status'], string>> = {
  added: 'new file',
  modified: 'modified',
  deleted: 'deleted',
  renamed: 'renamed',
  copied: 'copied',
  'type-changed': 'type changed',
};

function notesOf(change: ChangedFile, parsed: StructuredPatch | undefined, problem: string | undefined): string[] {
  const notes: string[] = [];
  if (change.oldPath && change.oldPath !== change.path) notes.push(`${WORDS[change.status]} from ${change.oldPath}`);
  if (parsed?.oldMode && parsed.newMode && parsed.oldMode !== parsed.newMode)
    notes.push(`mode ${parsed.oldMode} → ${parsed.newMode}`);
  if (problem) notes.push(`This part of the patch cannot be shown: ${problem}`);
  else if (change.binary) notes.push('Binary file: its content is not shown');
  else if (!parsed && change.additions + change.deletions > 0)
    notes.push(
      `Too large to be shown (+${change.additions} −${change.deletions}); e writes the patch that is here to a file`,
    );
  else if ((parsed?.hunks.length ?? 0) === 0)
    notes.push(notes.length > 0 ? 'No line changed' : change.status === 'added' ? 'Empty file' : 'No line changed');
  return notes;
}

function pathOf(name: string | undefined): string {
  return (name ?? '').replace(/^[ab]\//, '');
}

function parseSection(section: string): { parsed?: StructuredPatch; problem?: string } {
  try {
    const [parsed] = parsePatch(section);
    return parsed ? { parsed } : {};
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

/** Sections by path; a section that is cut in the middle does not spoil the others. */
function sectionsOf(patch: string): { path: string; parsed?: StructuredPatch; problem?: string }[] {
  return patch
    .split(/^(?=diff --git )/m)
    .filter((section) => section.startsWith('diff --git '))
    .map((section) => {
      const result = parseSection(section);
      const named = /^\+\+\+ b\/(.*)$/m.exec(section)?.[1] ?? /^diff --git a\/(.*) b\/\1$/m.exec(section)?.[1] ?? '';
      const newName = pathOf(result.parsed?.newFileName);
      const path = newName === '/dev/null' || newName === '' ? pathOf(result.parsed?.oldFileName) || named : newName;
      return { ...result, path };
    });
}

function pairRow(file: number, left: DiffLine | undefined, right: DiffLine | undefined): Row {
  return { type: 'pair', file, ...(left ? { left } : {}), ...(right ? { right } : {}) };
}

/** One group of removed and added lines beside each other: pairs meet, the rest fills up in order. */
function groupRows(file: number, removed: readonly DiffLine[], added: readonly DiffLine[]): Row[] {
  const rows: Row[] = [];
  for (let i = 0, j = 0; i < removed.length || j < added.length; ) {
    const [left, right] = [removed[i], added[j]];
    const meet = left?.pair !== undefined && left.pair === right;
    const takeLeft = left !== undefined && (meet || left.pair === undefined);
    const takeRight = right !== undefined && (meet || right.pair === undefined);
    rows.push(pairRow(file, takeLeft ? left : undefined, takeRight ? right : undefined));
    if (takeLeft) i += 1;
    if (takeRight) j += 1;
  }
  return rows;
}

function pairedRows(hunk: Hunk): Row[] {
  const rows: Row[] = [];
  let removed: DiffLine[] = [];
  let added: DiffLine[] = [];
  const close = () => {
    rows.push(...groupRows(hunk.file, removed, added));
    [removed, added] = [[], []];
  };
  for (const line of hunk.lines) {
    if (line.kind === 'removed') {
      if (added.length > 0) close();
      removed.push(line);
    } else if (line.kind === 'added') added.push(line);
    else {
      close();
      rows.push({ type: 'pair', file: hunk.file, left: line, right: line });
    }
  }
  close();
  return rows;
}

/** Everything that can be shown of a diff. Files come in the order of the daemon's list. */
export function parseDiff(diff: BeadDiff): ParsedDiff {
  const sections = sectionsOf(diff.patch);
  const byPath = new Map(sections.map((section) => [section.path, section]));
  const files = diff.files.map((change, index): ParsedFile => {
    const section = byPath.get(change.path) ?? byPath.get(change.oldPath ?? '');
    const hunks = (section?.parsed?.hunks ?? []).map((raw) => hunkOf(raw, index));
    return { path: change.path, change, hunks, notes: notesOf(change, section?.parsed, section?.problem) };
  });
  const rowsOf = (lines: (hunk: Hunk) => Row[]) =>
    files.flatMap((file, index): Row[] => [
      { type: 'file', file: index },
      ...file.notes.map((text): Row => ({ type: 'note', file: index, text })),
      ...file.hunks.flatMap((hunk): Row[] => [{ type: 'hunk', file: index, hunk }, ...lines(hunk)]),
    ]);
  return {
    files,
    unified: rowsOf((hunk) => hunk.lines.map((line): Row => ({ type: 'line', file: hunk.file, line }))),
    split: rowsOf(pairedRows),
  };
}
