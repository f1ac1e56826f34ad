/** The review popup's screen: a pure function of its model, exactly as high as the terminal. */

import { keyLabel } from '../key-label.ts';
import { waitText } from '../model/age.ts';
import { clean, wrap } from '../model/text.ts';
import { type Line, paint, type Span } from '../theme.ts';
import { inputLines } from '../views/input-lines.ts';
import { cutLine, ends, fillLine, fillRows, span } from '../views/lines.ts';
import { diffLine, fileLine } from './diff-lines.ts';
import type { Highlighter } from './highlight.ts';
import { reviewKeymap } from './keymap.ts';
import { currentFile, diffRows, isSplit, LIST_FROM, type ReviewModel, rowsOf } from './model.ts';

const LIST_CELLS = 34;
const MOST_ROWS = 8;

function proofLine(model: ReviewModel): Line {
  const proof = model.bead?.proof;
  if (!model.bead) return [];
  if (model.bead.status === 'done' && model.bead.landedCommit !== undefined)
    return [span(` ✓ Landed as ${model.bead.landedCommit.slice(0, 10)}`, { color: 'green' })];
  if (!proof) return [span(' ? No proof was run', { color: 'yellow' })];
  const tree = `tree ${proof.treeHash.slice(0, 10)}`;
  const same = {
    same: ' is the tree of the branch',
    differs: ': the branch changed since',
    unknown: ', not compared with the branch',
  }[model.tree];
  const dirty = proof.dirty ? ', uncommitted files were present' : '';
  if (!proof.command) return [span(` ? No proof command is set; ${tree}${same}${dirty}`, { color: 'yellow' })];
  const isGood = proof.exitCode === 0 && model.tree !== 'differs' && !proof.dirty;
  return [
    span(` ${isGood ? '✓' : '✗'} ${clean(proof.command)} → exit ${proof.exitCode}; ${tree}${same}${dirty}`, {
      color: isGood ? 'green' : 'brightRed',
    }),
  ];
}

function headerLines(model: ReviewModel): Line[] {
  const cells = model.size.columns;
  const files = model.diff?.files ?? [];
  const plus = files.reduce((sum, file) => sum + file.additions, 0);
  const minus = files.reduce((sum, file) => sum + file.deletions, 0);
  const counts: Line = model.diff
    ? [
        span(` +${plus}`, { color: 'green' }),
        span(` −${minus}`, { color: 'red' }),
        span(` in ${files.length} file${files.length === 1 ? '' : 's'} `),
      ]
    : [];
  const left: Line = [
    span(` ${model.beadId} `, { bold: true, inverse: true }),
    span(` ${clean(model.bead?.title ?? '')}`, { bold: true }),
  ];
  const first = ends(left, counts, cells);
  return model.size.rows < 8 ? [first] : [first, cutLine(proofLine(model), cells)];
}

function message(model: ReviewModel, rows: readonly string[], style: Omit<Span, 'text'> = {}): Line[] {
  return rows.flatMap((row) => wrap(row, model.size.columns - 4).map((text): Line => [span(`  ${text}`, style)]));
}

function fileList(model: ReviewModel, rows: number): Line[] {
  const files = model.parsed?.files ?? [];
  const current = currentFile(model);
  const top = Math.max(0, Math.min(current - Math.floor(rows / 2), files.length - rows));
  return fillRows(
    files.slice(top, top + rows).map((file, index) => fileLine(file, LIST_CELLS, top + index === current)),
    rows,
  );
}

function diffBody(model: ReviewModel, rows: number, highlighter: Highlighter): Line[] {
  const { parsed, diff, size } = model;
  if (!parsed || !diff) return [[], ...message(model, ['Loading the diff…'], { dim: true })];
  if (parsed.files.length === 0)
    return [[], ...message(model, [`Branch ${diff.branch} changes nothing: there is no diff to review.`])];
  const withList = size.columns >= LIST_FROM && parsed.files.length > 1;
  const cells = withList ? size.columns - LIST_CELLS - 1 : size.columns;
  const look = { highlighter, files: parsed.files, cells, shift: model.shift, search: model.search };
  const all = rowsOf(model);
  const lines = all.slice(model.top, model.top + rows).map((row) => diffLine(row, look));
  const isEnd = model.top + rows >= all.length;
  const cutNote: Line[] =
    diff.truncated && isEnd
      ? [[span('The patch was cut here: it is too large to be shown as a whole.', { color: 'yellow' })]]
      : [];
  const shown = fillRows([...lines, ...cutNote], rows);
  if (!withList) return shown;
  return fileList(model, rows).map((line, index) => [
    ...fillLine(line, LIST_CELLS),
    span('│', { color: 'gray' }),
    ...(shown[index] ?? []),
  ]);
}

function helpBody(model: ReviewModel, rows: number): Line[] {
  if (model.mode.name !== 'help') return [];
  const entries = reviewKeymap.filter((binding) => binding.modes.includes('diff') || binding.modes.includes('comment'));
  const shown = [...new Map(entries.map((binding) => [binding.tooltip, binding])).values()].filter(
    (binding) => !binding.action.startsWith('cursor') && !binding.action.startsWith('erase'),
  );
  const lines = shown.map(
    (binding): Line => [
      span(` ${binding.keys.map(keyLabel).join(' ').padEnd(16)}`, { bold: true }),
      span(binding.tooltip),
    ],
  );
  return lines.slice(Math.min(model.mode.scroll, Math.max(0, lines.length - rows)));
}

function resultBody(model: ReviewModel, rows: number): Line[] {
  const { verdict, mode } = model;
  if (!verdict || mode.name !== 'result') return [];
  const color = verdict.kind === 'refused' ? 'brightRed' : 'green';
  const mark = verdict.kind === 'refused' ? '✗' : '✓';
  const lines = [
    [],
    ...message(model, [`${mark} ${verdict.title}`], { color, bold: true }),
    [],
    ...message(model, verdict.lines),
  ];
  return lines.slice(Math.min(mode.scroll, Math.max(0, lines.length - rows)));
}

function body(model: ReviewModel, rows: number, highlighter: Highlighter): Line[] {
  if (model.mode.name === 'help') return helpBody(model, rows);
  if (model.mode.name === 'result') return resultBody(model, rows);
  if (model.problem) {
    const hint = model.problem.hint ? ['', `→ ${model.problem.hint}`] : [];
    return [
      [],
      ...message(model, [`✗ ${model.problem.text}`], { color: 'brightRed', bold: true }),
      ...message(model, hint),
    ];
  }
  return diffBody(model, rows, highlighter);
}

function ruleLine(model: ReviewModel): Line {
  const cells = model.size.columns;
  const all = rowsOf(model).length;
  const place = all === 0 ? '' : ` ${Math.min(100, Math.round(((model.top + diffRows(model)) / all) * 100))} % `;
  const layout = isSplit(model) ? 'split' : 'unified';
  const running = model.running ? `${model.running.label}… ${waitText(model.running.sinceMs, model.nowMs)} ` : '';
  const files = model.parsed?.files ?? [];
  const path = clean(files[currentFile(model)]?.path ?? '');
  const file = files.length > 0 ? ` file ${currentFile(model) + 1}/${files.length} ${path} ` : ' ';
  const head = cutLine(
    [
      span('─', { color: 'gray' }),
      span(file),
      span(running, { color: 'yellow', bold: true }),
      span(`${layout}`, { color: 'gray' }),
      span(place, { color: 'gray' }),
    ],
    cells,
  );
  return [
    ...head,
    span('─'.repeat(Math.max(0, cells - head.reduce((sum, one) => sum + one.text.length, 0))), { color: 'gray' }),
  ];
}

const LABEL = { comment: 'What shall be changed?', export: 'Write the patch to', search: 'Search' } as const;

function promptLines(model: ReviewModel): Line[] {
  const { mode } = model;
  const cells = model.size.columns;
  if (mode.name !== 'comment' && mode.name !== 'export' && mode.name !== 'search') return [];
  const input = inputLines(mode.input, cells - 3, MOST_ROWS).map((line): Line => [span(' '), ...line]);
  return [[span(` ${LABEL[mode.name]}`, { bold: true })], ...input];
}

function hints(model: ReviewModel): Line {
  const shown = reviewKeymap.filter((binding) => binding.hint !== undefined && binding.modes.includes(model.mode.name));
  const line = shown.flatMap((binding): Span[] => {
    const style = binding.disabledReason?.(model) === undefined ? {} : { color: 'gray' as const };
    return [span(` ${keyLabel(binding.keys[0] ?? '')}`, { ...style, bold: true }), span(` ${binding.hint} `, style)];
  });
  return cutLine(line, model.size.columns);
}

function toastLines(model: ReviewModel): Line[] {
  if (!model.toast) return [];
  const style = { color: model.toast.kind === 'bad' ? ('brightRed' as const) : ('green' as const) };
  return wrap(model.toast.text, model.size.columns - 2)
    .slice(0, 3)
    .map((row): Line => [span(` ${row}`, style)]);
}

export function reviewFrame(model: ReviewModel, highlighter: Highlighter): Line[] {
  const { rows, columns } = model.size;
  const rule = rows < 8 ? [] : [ruleLine(model)];
  const footer = [...rule, ...toastLines(model), ...promptLines(model), hints(model)].slice(-Math.max(1, rows - 1));
  const header = headerLines(model).slice(0, Math.max(0, rows - footer.length));
  const room = Math.max(0, rows - footer.length - header.length);
  const middle = fillRows(body(model, room, highlighter), room);
  return [...header, ...middle, ...footer].slice(0, rows).map((line) => cutLine(line, columns));
}

export function paintReview(model: ReviewModel, highlighter: Highlighter, colors: boolean): string[] {
  return reviewFrame(model, highlighter).map((line) => paint(line, colors));
}
