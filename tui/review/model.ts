/** The review popup's model and reducer: pure; no terminal, no daemon. */
import type { Bead } from '../../src/beads/schema.ts';
import type { BeadDiff } from '../../src/reviews/schema.ts';
import { type Edit, edits, emptyInput, inputOf, insert, type TextInput } from '../model/input.ts';
import type { Size, Toast } from '../model/state.ts';
import type { ParsedDiff, Row } from './patch.ts';

/** From this width on old and new stand side by side. */
export const SPLIT_FROM = 160;
/** From this width on the files are listed beside the diff. */
export const LIST_FROM = 110;

export type ReviewMode =
  | { readonly name: 'diff' }
  | { readonly name: 'comment'; readonly input: TextInput }
  | { readonly name: 'export'; readonly input: TextInput }
  | { readonly name: 'search'; readonly input: TextInput }
  | { readonly name: 'help'; readonly scroll: number }
  | { readonly name: 'result'; readonly scroll: number };

export type ReviewModeName = ReviewMode['name'];

/** What came of accepting or sending back. */
export interface Verdict {
  readonly kind: 'landed' | 'returned' | 'refused';
  readonly title: string;
  readonly lines: readonly string[];
}

/** Whether the tree that was proven is the tree that would land. */
export type TreeCheck = 'same' | 'differs' | 'unknown';

export interface ReviewModel {
  readonly beadId: string;
  readonly bead?: Bead;
  readonly diff?: BeadDiff;
  readonly parsed?: ParsedDiff;
  readonly tree: TreeCheck;
  /** Why there is nothing to show. */
  readonly problem?: { readonly text: string; readonly hint?: string };
  readonly layout: 'auto' | 'unified' | 'split';
  readonly top: number;
  /** Columns scrolled to the right. */
  readonly shift: number;
  readonly mode: ReviewMode;
  readonly search: string;
  readonly running?: { readonly label: string; readonly sinceMs: number };
  readonly verdict?: Verdict;
  readonly toast?: Toast;
  readonly size: Size;
  readonly nowMs: number;
}

export const reviewUi = {
  down: (model: ReviewModel) => scroll(model, 1),
  up: (model: ReviewModel) => scroll(model, -1),
  halfDown: (model: ReviewModel) => scroll(model, Math.max(1, Math.floor(diffRows(model) / 2))),
  halfUp: (model: ReviewModel) => scroll(model, -Math.max(1, Math.floor(diffRows(model) / 2))),
  first: (model: ReviewModel) => scroll(model, -1e9),
  last: (model: ReviewModel) => scroll(model, 1e9),
  right: (model: ReviewModel) => ({ ...model, shift: Math.min(1_000, model.shift + 8) }),
  left: (model: ReviewModel) => ({ ...model, shift: Math.max(0, model.shift - 8) }),
  nextFile: (model: ReviewModel) => jump(model, 1, (row) => row.type === 'file'),
  previousFile: (model: ReviewModel) => jump(model, -1, (row) => row.type === 'file'),
  nextHunk: (model: ReviewModel) => jump(model, 1, (row) => row.type === 'hunk'),
  previousHunk: (model: ReviewModel) => jump(model, -1, (row) => row.type === 'hunk'),
  toggleLayout,
  openComment: (model: ReviewModel): ReviewModel => ({ ...model, mode: { name: 'comment', input: emptyInput } }),
  openExport: (model: ReviewModel): ReviewModel => ({
    ...model,
    mode: { name: 'export', input: inputOf(`${model.beadId}.patch`) },
  }),
  openSearch: (model: ReviewModel): ReviewModel => ({ ...model, mode: { name: 'search', input: emptyInput } }),
  findNext,
  openHelp: (model: ReviewModel): ReviewModel => ({ ...model, mode: { name: 'help', scroll: 0 } }),
  back: (model: ReviewModel): ReviewModel => ({ ...model, mode: { name: 'diff' } }),
  cursorLeft: edit('left'),
  cursorRight: edit('right'),
  cursorStart: edit('start'),
  cursorEnd: edit('end'),
  eraseLeft: edit('backspace'),
  eraseRight: edit('delete'),
  eraseWord: edit('deleteWord'),
  eraseToStart: edit('deleteToStart'),
  eraseToEnd: edit('deleteToEnd'),
} as const satisfies Record<string, (model: ReviewModel) => ReviewModel>;

export type ReviewUi = keyof typeof reviewUi;

export function isSplit(model: ReviewModel): boolean {
  return model.layout === 'auto' ? model.size.columns >= SPLIT_FROM : model.layout === 'split';
}

export function rowsOf(model: ReviewModel): readonly Row[] {
  if (!model.parsed) return [];
  return isSplit(model) ? model.parsed.split : model.parsed.unified;
}

/** Rows of the screen that show the diff: header two, rule and hints two. */
export function diffRows(model: ReviewModel): number {
  return Math.max(1, model.size.rows - (model.size.rows < 8 ? 2 : 4));
}

/** The file that the top row belongs to. */
export function currentFile(model: ReviewModel): number {
  return rowsOf(model)[model.top]?.file ?? 0;
}

function clampTop(model: ReviewModel, top: number): number {
  return Math.max(0, Math.min(top, rowsOf(model).length - diffRows(model)));
}

function scroll(model: ReviewModel, by: number): ReviewModel {
  const { mode } = model;
  if (mode.name === 'help' || mode.name === 'result')
    return { ...model, mode: { ...mode, scroll: Math.max(0, Math.min(10_000, mode.scroll + by)) } };
  const top = clampTop(model, model.top + by);
  return { ...model, top: by > 0 ? Math.max(top, model.top) : top };
}

function jump(model: ReviewModel, step: 1 | -1, isWanted: (row: Row) => boolean): ReviewModel {
  const rows = rowsOf(model);
  for (let index = model.top + step; index >= 0 && index < rows.length; index += step) {
    const row = rows[index];
    // Past the usual end, so that a short last file comes to the top too.
    if (row && isWanted(row)) return { ...model, top: index };
  }
  return model;
}

/** The other layout, at the same line. */
function toggleLayout(model: ReviewModel): ReviewModel {
  const row = rowsOf(model)[model.top];
  const next: ReviewModel = { ...model, layout: isSplit(model) ? 'unified' : 'split' };
  const line = row?.type === 'line' ? row.line : row?.type === 'pair' ? (row.right ?? row.left) : undefined;
  const place = rowsOf(next).findIndex((one) => {
    if (one.type === 'line') return one.line === line;
    if (one.type === 'pair') return line !== undefined && (one.left === line || one.right === line);
    return (
      row !== undefined &&
      one.type === row.type &&
      one.file === row.file &&
      (one.type !== 'hunk' || (row.type === 'hunk' && one.hunk === row.hunk))
    );
  });
  return { ...next, top: Math.max(0, place) };
}

export function textOf(row: Row): string {
  if (row.type === 'line') return row.line.text;
  if (row.type === 'pair') return `${row.left?.text ?? ''}\n${row.right?.text ?? ''}`;
  return '';
}

function findNext(model: ReviewModel): ReviewModel {
  const typed = model.mode.name === 'search' ? model.mode.input.text : '';
  const search = typed === '' ? model.search : typed;
  const closed: ReviewModel = { ...model, search, mode: { name: 'diff' } };
  const rows = rowsOf(model);
  const wanted = search.toLowerCase();
  if (wanted === '') return closed;
  for (let step = 1; step <= rows.length; step += 1) {
    const index = (model.top + step) % rows.length;
    const row = rows[index];
    if (row && textOf(row).toLowerCase().includes(wanted)) return { ...closed, top: clampTop(closed, index) };
  }
  return { ...closed, toast: { kind: 'bad', text: `"${search}" is not in this diff`, atMs: model.nowMs } };
}

function edit(name: Edit) {
  return (model: ReviewModel): ReviewModel => {
    const { mode } = model;
    return 'input' in mode ? { ...model, mode: { ...mode, input: edits[name](mode.input) } } : model;
  };
}

export type ReviewMessage =
  | { readonly type: 'loaded'; readonly bead: Bead; readonly diff: BeadDiff; readonly parsed: ParsedDiff }
  | { readonly type: 'tree'; readonly tree: TreeCheck }
  | { readonly type: 'problem'; readonly text: string; readonly hint?: string }
  | { readonly type: 'ui'; readonly action: ReviewUi }
  | { readonly type: 'insert'; readonly text: string }
  | { readonly type: 'running'; readonly label?: string }
  | { readonly type: 'verdict'; readonly verdict: Verdict }
  | { readonly type: 'toast'; readonly toast: Omit<Toast, 'atMs'> }
  | { readonly type: 'resize'; readonly size: Size }
  | { readonly type: 'tick' };

export function initialReview(beadId: string, size: Size, nowMs: number): ReviewModel {
  return { beadId, tree: 'unknown', layout: 'auto', top: 0, shift: 0, mode: { name: 'diff' }, search: '', size, nowMs };
}

function typed(model: ReviewModel, text: string): ReviewModel {
  const { mode } = model;
  if (!('input' in mode)) return model;
  return { ...model, mode: { ...mode, input: insert(mode.input, text, mode.name === 'comment') } };
}

function apply(model: ReviewModel, message: ReviewMessage): ReviewModel {
  switch (message.type) {
    case 'loaded':
      return { ...model, bead: message.bead, diff: message.diff, parsed: message.parsed };
    case 'tree':
      return { ...model, tree: message.tree };
    case 'problem':
      return {
        ...model,
        problem: { text: message.text, ...(message.hint === undefined ? {} : { hint: message.hint }) },
      };
    case 'ui':
      return reviewUi[message.action](model);
    case 'insert':
      return typed(model, message.text);
    case 'running': {
      const { running: _, ...rest } = model;
      return message.label === undefined ? rest : { ...rest, running: { label: message.label, sinceMs: model.nowMs } };
    }
    case 'verdict':
      return { ...model, verdict: message.verdict, mode: { name: 'result', scroll: 0 } };
    case 'toast':
      return { ...model, toast: { ...message.toast, atMs: model.nowMs } };
    case 'resize': {
      const next = { ...model, size: message.size };
      return { ...next, top: clampTop(next, next.top) };
    }
    case 'tick': {
      if (!model.toast || model.nowMs - model.toast.atMs < 6_000) return model;
      const { toast: _, ...rest } = model;
      return rest;
    }
  }
}

export function reduceReview(model: ReviewModel, message: ReviewMessage, nowMs: number): ReviewModel {
  return apply(model.nowMs === nowMs ? model : { ...model, nowMs }, message);
}
