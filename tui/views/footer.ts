/** The bottom of the board: what is selected says more about itself, then mode or news, then hints. */
import { capsText } from '../../src/agents/text.ts';
import { hintsFor } from '../help.ts';
import { waitText } from '../model/age.ts';
import { arrangementOf } from '../model/geometry.ts';
import type { TextInput } from '../model/input.ts';
import { clashText, queueText } from '../model/merge.ts';
import { blockersIn } from '../model/reasons.ts';
import { selectedAgent, selectedBead } from '../model/selection.ts';
import type { Model } from '../model/state.ts';
import { clean, shortId, width, wrap } from '../model/text.ts';
import { type Line, type Span, STATE_COLOR, STATE_GLYPH } from '../theme.ts';
import { inputLines } from './input-lines.ts';
import { cutLine, fillLine, lineWidth, span } from './lines.ts';

/** Rows that a toast or a prompt may take from the lanes. */
const MOST_ROWS = 8;

function agentDetail(model: Model): { text: string; span: Omit<Span, 'text'> } | undefined {
  const agent = selectedAgent(model);
  if (!agent) return undefined;
  const { state, detail, source } = agent.observed;
  const style = { color: STATE_COLOR[state], bold: state === 'waiting' };
  const head = `${STATE_GLYPH[state]} ${agent.name}`;
  if (state === 'waiting') return { text: `${head} asks: ${detail ?? 'something; Enter goes there'}`, span: style };
  if (state === 'failed')
    return { text: `${head} failed: ${agent.lastError ?? detail ?? 'no reason known'}`, span: style };
  if (agent.attention)
    return {
      text: `${head} is ${agent.attention.kind}: ${agent.attention.detail}`,
      span: { color: STATE_COLOR.waiting, bold: true },
    };
  if (model.cursor.zone === 'agents')
    return {
      text: `${head} ${state}${detail ? `: ${detail}` : ''} (by ${source})${agent.caps ? `; caps: ${capsText(agent.caps)}` : ''}`,
      span: style,
    };
  return detail && (state === 'busy' || state === 'starting') ? { text: `${head}: ${detail}`, span: style } : undefined;
}

function beadDetail(model: Model): string {
  const bead = selectedBead(model);
  if (!bead) return '';
  const blocking = blockersIn(model, bead);
  if (blocking.length > 0) return `⊘ blocked by ${blocking.map(shortId).join(', ')}`;
  const queued = queueText(model, bead.id);
  if (queued) return `Merge queue: ${queued}`;
  const clashes = clashText(model.merge, bead.id);
  if (clashes) return `⋈ clashes with ${clashes}`;
  if (bead.status === 'review') {
    const { proof } = bead;
    if (!proof) return 'No proof was run';
    return proof.command ? `Proof: ${proof.command} → exit ${proof.exitCode}` : 'No proof command is set';
  }
  if (bead.landedCommit) return `Landed as ${bead.landedCommit.slice(0, 10)}`;
  return bead.description ?? '';
}

/** One or two rows about what is selected. */
export function detailLines(model: Model, rows: number): Line[] {
  const cells = model.size.columns - 1;
  const agent = agentDetail(model);
  const text = agent?.text ?? beadDetail(model);
  const wrapped = wrap(clean(text), cells - 1).slice(0, rows);
  return Array.from({ length: rows }, (_, index) => [span(` ${wrapped[index] ?? ''}`, agent?.span ?? { dim: true })]);
}

function toastLines(model: Model, cells: number): Line[] {
  const { toast } = model;
  if (!toast) return [];
  const style =
    toast.kind === 'bad'
      ? ({ color: 'brightRed' } as const)
      : toast.kind === 'good'
        ? ({ color: 'green' } as const)
        : {};
  const mark = toast.kind === 'bad' ? '✗ ' : toast.kind === 'good' ? '✓ ' : '';
  const text = wrap(`${mark}${toast.text}`, cells - 2).map((row): Line => [span(` ${row}`, style)]);
  const hint = toast.hint ? wrap(`→ ${toast.hint}`, cells - 2).map((row): Line => [span(` ${row}`)]) : [];
  return [...text, ...hint].slice(0, MOST_ROWS);
}

function pendingText(model: Model): string | undefined {
  const oldest = model.pending[0];
  if (!oldest || model.nowMs - oldest.sinceMs < 1_000) return undefined;
  const more = model.pending.length > 1 ? ` (+${model.pending.length - 1})` : '';
  return `… ${clean(oldest.label)} ${waitText(oldest.sinceMs, model.nowMs)}${more}`;
}

/** A rule that names the mode, what is running and how many cards are marked. */
function ruleLine(model: Model, cells: number): Line {
  const pending = pendingText(model);
  const halt = model.merge.queue.paused ? 'paused' : model.merge.queue.hold ? 'held (Q)' : undefined;
  const marked = model.marked.size > 0 ? `${model.marked.size} marked ` : '';
  const head: Line = [
    span('─ ', { color: 'gray' }),
    span(`${model.mode.name.toUpperCase()} `, { bold: true }),
    span(marked, { color: 'cyan', bold: true }),
    span(halt ? `merge queue ${halt} ` : '', { color: 'brightRed', bold: true }),
    span(pending ? `${pending} ` : '', { color: 'yellow' }),
  ];
  const short = cutLine(head, cells);
  return [...short, span('─'.repeat(Math.max(0, cells - lineWidth(short))), { color: 'gray' })];
}

function field(label: string, input: TextInput, cells: number, isActive: boolean): Line[] {
  return [
    [span(` ${label}`, { bold: isActive, dim: !isActive })],
    ...inputLines(input, cells - 2, 5, isActive).map((line) => [span(' '), ...line]),
  ];
}

function promptLines(model: Model, cells: number): Line[] {
  const { mode } = model;
  if (mode.name === 'filter')
    return [
      fillLine(
        [span(' /', { bold: true, color: 'yellow' }), ...(inputLines(mode.input, cells - 3, 1)[0] ?? [])],
        cells,
      ),
    ];
  if (mode.name === 'command') {
    const choices = mode.choices.length === 0 ? [] : wrap(mode.choices.join('  '), cells - 2).slice(0, MOST_ROWS - 2);
    const typed = inputLines(mode.input, cells - 3, 3);
    return [
      ...choices.map((row): Line => [span(` ${row}`, { dim: true })]),
      ...typed.map((line, index) => [span(index === 0 ? ' :' : '  ', { bold: true }), ...line]),
    ];
  }
  if (mode.name === 'confirm')
    return wrap(mode.question, cells - 2).map((row): Line => [span(` ${row}`, { bold: true, color: 'brightYellow' })]);
  if (mode.name !== 'prompt') return [];
  const isTitle = mode.field === 'title';
  const about = mode.targets.length > 0 && mode.kind !== 'message' ? ` (${mode.targets.map(shortId).join(', ')})` : '';
  const first = field(`${mode.label}${about}`, mode.input, cells, isTitle);
  return mode.description
    ? [...first, ...field('Description (M-⏎ new line)', mode.description, cells, !isTitle)]
    : first;
}

/** Where one row is all there is: the field that is typed into, without its label. */
function typedLine({ mode }: Model, cells: number): Line | undefined {
  if (mode.name !== 'prompt') return undefined;
  const input = mode.field === 'description' && mode.description ? mode.description : mode.input;
  return [span('>', { bold: true }), ...(inputLines(input, cells - 2, 1)[0] ?? [])];
}

/** As many hints as fit; the last one (help) always does, and greyed ones give way first. */
export function hintLine(model: Model, cells: number): Line {
  const hints = hintsFor(model);
  const text = (index: number) => `${hints[index]?.key} ${hints[index]?.text}`;
  const order = hints
    .map((_, index) => index)
    .sort((a, b) => Number(hints[a]?.disabled) - Number(hints[b]?.disabled) || a - b);
  const lastIndex = hints.length - 1;
  const chosen = new Set<number>(hints.length > 0 ? [lastIndex] : []);
  let used = hints.length > 0 ? width(text(lastIndex)) + 1 : 0;
  for (const index of order) {
    if (chosen.has(index) || used + width(text(index)) + 2 > cells) continue;
    chosen.add(index);
    used += width(text(index)) + 2;
  }
  return [...chosen]
    .sort((a, b) => a - b)
    .flatMap((index, place): Span[] => {
      const hint = hints[index];
      if (!hint) return [];
      const style = hint.disabled ? { color: 'gray' as const } : {};
      return [
        span(place === 0 ? ' ' : '  '),
        span(hint.key, { ...style, bold: !hint.disabled }),
        span(` ${hint.text}`, style),
      ];
    });
}

/** The bottom rows; prompts and refusals may take more than their usual room. Panels have no selected card. */
export function footerLines(model: Model, isPanel: boolean): Line[] {
  const cells = model.size.columns;
  const most = Math.max(1, model.size.rows - 1);
  if (arrangementOf(model.size) === 'tiny') {
    const line =
      typedLine(model, cells) ??
      promptLines(model, cells).at(-1) ??
      toastLines(model, cells)[0] ??
      hintLine(model, cells);
    return [cutLine(line, cells)];
  }
  const prompt = promptLines(model, cells);
  const news = [...toastLines(model, cells), ...prompt];
  const room = isPanel ? 0 : model.size.columns < 72 ? 2 : 1;
  const about = news.length >= room ? news : [...news, ...detailLines(model, room - news.length)];
  const rule = isPanel && about.length === 0 && model.pending.length === 0 ? [] : [ruleLine(model, cells)];
  const lines = [...rule, ...about, hintLine(model, cells)];
  return lines.slice(-most).map((line) => (lineWidth(line) > cells ? cutLine(line, cells) : line));
}
