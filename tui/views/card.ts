/** One card, in one to three rows. */
import { type Agent, todoProgress } from '../../src/agents/schema.ts';
import type { Bead } from '../../src/beads/schema.ts';
import { isOverdue } from '../../src/beads/state.ts';
import { stateText } from '../model/age.ts';
import type { Arrangement } from '../model/geometry.ts';
import { agentOf } from '../model/lanes.ts';
import { clashesOf } from '../model/merge.ts';
import { blockersIn } from '../model/reasons.ts';
import type { Model } from '../model/state.ts';
import { clean, cut, pad, shortId, width } from '../model/text.ts';
import {
  type Line,
  PRIORITY_COLOR,
  PRIORITY_MARK,
  type Span,
  STATE_COLOR,
  STATE_GLYPH,
  TYPE_COLOR,
  TYPE_LETTER,
} from '../theme.ts';
import { fillLine, restyled, span } from './lines.ts';

export interface CardLook {
  readonly isSelected: boolean;
  /** False when another zone has the keys: the selection is shown, but quietly. */
  readonly isFocused: boolean;
  readonly isMarked: boolean;
  readonly isStale: boolean;
}

function marker(look: CardLook): Span {
  if (look.isMarked) return span('*', { color: 'cyan', bold: true });
  return look.isSelected ? span('>', { color: 'cyan', bold: true }) : span(' ');
}

const LATE = ' late';

function meta(model: Model, bead: Bead): Line {
  const isLate = isOverdue(bead, model.nowMs);
  return [
    span(shortId(bead.id), { color: 'gray' }),
    span(' '),
    span(TYPE_LETTER[bead.type], { color: TYPE_COLOR[bead.type], bold: true }),
    span(' '),
    span(PRIORITY_MARK[bead.priority], { color: PRIORITY_COLOR[bead.priority], bold: bead.priority === 'critical' }),
    ...(isLate ? [span(LATE, { color: 'brightRed' as const, bold: true })] : []),
  ];
}

function titleOf(model: Model, bead: Bead): string {
  const conflicts = bead.conflicts ? `≠${bead.conflicts} ` : '';
  const blocked = blockersIn(model, bead).length > 0 ? '⊘ ' : '';
  const clashes = bead.status !== 'done' && clashesOf(model.merge, bead.id).length > 0 ? '⋈ ' : '';
  return conflicts + blocked + clashes + clean(bead.title);
}

/** How far its own plan is, and how many messages have not reached it yet. */
function factsOf(agent: Agent): string[] {
  const todos = agent.todos ? [` ☑ ${todoProgress(agent.todos)}`] : [];
  return agent.unread ? [...todos, ` ✉ ${agent.unread}`] : todos;
}

/**
 * The longest form that fits: facts stand before since when, and the first fact before the others. Where the glyph says
 * enough of the state, the first fact alone stands before its word.
 */
function fitting(states: readonly [string, string], facts: readonly string[], room: number, quiet: boolean): string {
  const alone = quiet && facts[0] ? [facts[0].trim()] : [];
  const tails = facts.length === 0 ? [] : [facts.join(''), facts[0] ?? ''];
  const forms = [...tails.flatMap((tail) => states.map((state) => state + tail)), ...alone, ...states];
  return forms.find((form) => width(form) <= room) ?? states[1];
}

export function agentSpans(agent: Agent, nowMs: number, cells: number): Line {
  const room = cells - 3 - width(clean(agent.name));
  const mark = agent.attention ? ` ${agent.attention.kind}!` : '';
  const full = stateText(agent, nowMs) + mark;
  // Who and what come before since when.
  const short = agent.attention
    ? mark.trim()
    : `${agent.observed.state}${agent.observed.state === 'waiting' ? '!' : ''}`;
  const needsPerson = agent.observed.state === 'waiting' || agent.attention !== undefined;
  const state = fitting([full, short], factsOf(agent), room, !needsPerson);
  const style = { color: needsPerson ? STATE_COLOR.waiting : STATE_COLOR[agent.observed.state], bold: needsPerson };
  const name = cut(clean(agent.name), Math.max(3, cells - width(state) - 3));
  return [span(`${STATE_GLYPH[agent.observed.state]} `, style), span(name), span(` ${state}`, style)];
}

function agentRow(model: Model, bead: Bead, indent: number, cells: number): Line {
  const agent = agentOf(model, bead);
  const head = span(' '.repeat(indent));
  if (!agent) return [head, span(cut(clean(bead.agent ?? ''), cells - indent), { dim: true })];
  return [head, ...agentSpans(agent, model.nowMs, cells - indent)];
}

function cardRows(model: Model, bead: Bead, look: CardLook, cells: number, arrangement: Arrangement): Line[] {
  const title = titleOf(model, bead);
  const quiet = bead.status === 'done' || blockersIn(model, bead).length > 0;
  if (arrangement === 'tiny') return [[marker(look), span(title)]];
  const hasAgent = bead.status !== 'done' && (bead.agent !== undefined || agentOf(model, bead) !== undefined);
  if (arrangement === 'stacked') {
    const head: Line = [marker(look), ...meta(model, bead), span(' ')];
    const first: Line = [
      ...head,
      span(cut(title, cells - 12 - (isOverdue(bead, model.nowMs) ? LATE.length : 0)), quiet ? { dim: true } : {}),
    ];
    return hasAgent ? [first, agentRow(model, bead, 8, cells)] : [first];
  }
  const labels =
    bead.labels.length > 0
      ? span(` ${bead.labels.map((label) => `#${clean(label)}`).join(' ')}`, { color: 'gray' })
      : span('');
  const first: Line = [marker(look), ...meta(model, bead), labels];
  const second: Line = [marker(look), span(pad(title, cells - 1).trimEnd(), quiet ? { dim: true } : {})];
  return hasAgent ? [first, second, agentRow(model, bead, 1, cells)] : [first, second];
}

/** The rows of a card; as many as `cardHeight` says. */
export function cardLines(model: Model, bead: Bead, look: CardLook, cells: number, arrangement: Arrangement): Line[] {
  const rows = cardRows(model, bead, look, cells, arrangement);
  if (look.isSelected && look.isFocused) return rows.map((row) => restyled(row, cells, { inverse: true }));
  if (look.isSelected)
    return rows.map((row) =>
      fillLine(
        row.map((one) => ({ ...one, bold: true })),
        cells,
      ),
    );
  return look.isStale ? rows.map((row) => row.map((one) => ({ text: one.text, dim: true }))) : rows;
}
