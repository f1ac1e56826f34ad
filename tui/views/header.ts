/** The top of the board: project, counts, spend, and whether what is shown is true now. */
import type { AgentState } from '../../src/agents/schema.ts';
import { waitText } from '../model/age.ts';
import type { Geometry } from '../model/geometry.ts';
import { LANES, type Model } from '../model/state.ts';
import { clean, shortId } from '../model/text.ts';
import { LANE_COLOR, LANE_TITLE, type Line, type Span, STATE_COLOR, STATE_GLYPH } from '../theme.ts';
import { agentSpans } from './card.ts';
import { cutLine, ends, fillLine, lineWidth, restyled, span } from './lines.ts';

const STATES: readonly AgentState[] = [
  'waiting',
  'failed',
  'busy',
  'starting',
  'parked',
  'idle',
  'paused',
  'unknown',
  'exited',
];

/** Dollars; fractions of a cent only while they are all there is. */
export function moneyText(usd: number): string {
  if (usd === 0) return '$0';
  return usd < 0.1 ? `$${usd.toFixed(4)}` : `$${usd.toFixed(2)}`;
}

function connectionSpans(model: Model): Line {
  const { state } = model.connection;
  if (state === 'live') return [span('● live', { color: 'green' })];
  return state === 'away'
    ? [span('◌ away', { color: 'brightRed', bold: true })]
    : [span('◌ connecting', { color: 'yellow' })];
}

function awayLine(model: Model, cells: number): Line {
  const { sinceMs, problem } = model.connection;
  const age = `since ${waitText(sinceMs, model.nowMs)}`;
  const text = ` daemon away, ${age}${problem && cells > 60 ? `: ${clean(problem)}` : ''}${cells > 60 ? '. Shown is what was last known; trying again' : ''}`;
  return restyled([span(text)], cells, { color: 'brightRed', inverse: true });
}

function agentCounts(model: Model): Line {
  const counts = STATES.map((state) => ({
    state,
    count: model.crew.filter((id) => model.agents.get(id)?.observed.state === state).length,
  }));
  const present = counts.filter(({ count }) => count > 0);
  if (present.length === 0) return [span('no agents', { dim: true })];
  return present.flatMap(({ state, count }, index) => [
    span(index === 0 ? '' : '  '),
    span(`${STATE_GLYPH[state]} ${count} ${state}`, { color: STATE_COLOR[state], bold: state === 'waiting' }),
  ]);
}

function beadCounts(model: Model): Line {
  const counts = new Map<string, number>();
  for (const bead of model.beads.values()) counts.set(bead.status, (counts.get(bead.status) ?? 0) + 1);
  return LANES.flatMap((lane): Span[] => [
    span('  '),
    span(`${counts.get(lane) ?? 0} ${LANE_TITLE[lane].toLowerCase()}`, { color: LANE_COLOR[lane] }),
  ]);
}

function secondLine(model: Model, cells: number): Line {
  if (model.connection.state === 'away') return awayLine(model, cells);
  const left: Line = [span(' '), ...agentCounts(model)];
  const marks = model.marked.size > 0 ? [span(`${model.marked.size} marked `, { color: 'cyan', bold: true })] : [];
  const filter = model.filter === '' ? [] : [span(`/${clean(model.filter)} `, { color: 'yellow' })];
  return ends(left, [...marks, ...filter], cells);
}

export function headerLines(model: Model, geometry: Geometry): Line[] {
  const cells = model.size.columns;
  const name = clean(model.project?.name ?? '');
  if (geometry.headerRows === 0) return [];
  if (geometry.arrangement === 'tiny') {
    if (model.connection.state === 'away') return [awayLine(model, cells)];
    const lane = model.cursor.lane;
    return [
      cutLine(
        [
          span(`${LANE_TITLE[lane]} ${model.lanes[lane].length}`, { bold: true, color: LANE_COLOR[lane] }),
          span(` ${name}`),
        ],
        cells,
      ),
    ];
  }
  const isWide = geometry.arrangement === 'columns';
  const left: Line = [
    span(' Godel ', { bold: true }),
    span(name, { color: 'cyan' }),
    ...(isWide ? beadCounts(model) : []),
  ];
  const waits = model.inbox.length;
  const inbox = waits > 0 ? [span(`✉ ${waits}  `, { color: STATE_COLOR.waiting, bold: true })] : [];
  const right: Line = [...inbox, span(moneyText(model.spentUsd)), span('  '), ...connectionSpans(model), span(' ')];
  return [ends(left, right, cells), secondLine(model, cells)];
}

/** The agents below the lanes, as a grid. */
export function agentLines(model: Model, geometry: Geometry): Line[] {
  if (geometry.agentRows === 0) return [];
  const rows = geometry.agentRows - 1;
  const perRow = geometry.agentColumns;
  const cells = Math.floor(model.size.columns / perRow);
  const selectedRow = Math.floor(Math.max(0, model.crew.indexOf(model.cursor.agentId ?? '')) / perRow);
  const top = Math.floor(selectedRow / rows) * rows;
  const isZone = model.cursor.zone === 'agents';
  const total = Math.ceil(model.crew.length / perRow);
  const hidden = total > rows ? `${top + 1}–${Math.min(total, top + rows)} of ${total}` : '';
  const title: Line = [
    span(isZone ? '▸' : ' ', { bold: true }),
    span('AGENTS', { bold: true, underline: isZone }),
    span(` ${model.crew.length}`),
  ];
  const grid = Array.from({ length: rows }, (_, row) =>
    model.crew.slice((top + row) * perRow, (top + row + 1) * perRow).flatMap((id) => agentCell(model, id, cells)),
  );
  return [ends(title, [span(hidden, { color: 'gray' })], model.size.columns), ...grid];
}

function agentCell(model: Model, id: string, cells: number): Line {
  const agent = model.agents.get(id);
  if (!agent) return fillLine([], cells);
  const isSelected = model.cursor.zone === 'agents' && model.cursor.agentId === id;
  const bead = agent.beadId ? ` ${shortId(agent.beadId)}` : '';
  const spans = agentSpans(agent, model.nowMs, cells - 2 - bead.length);
  const line: Line = [span(isSelected ? '>' : ' '), ...spans, span(bead, { color: 'gray' })];
  if (isSelected) return restyled(line, cells, { inverse: true });
  return lineWidth(line) >= cells ? fillLine(line, cells - 1).concat(span(' ')) : fillLine(line, cells);
}
