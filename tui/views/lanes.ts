/** The four lanes: stacked in a narrow pane, side by side in a wide one. Only visible cards are made. */
import type { BeadStatus } from '../../src/beads/schema.ts';
import { cardHeight, endOfWindow, type Geometry } from '../model/geometry.ts';
import { LANES, type Model } from '../model/state.ts';
import { wrap } from '../model/text.ts';
import { LANE_COLOR, LANE_TITLE, type Line } from '../theme.ts';
import { cardLines } from './card.ts';
import { beside, cutLine, ends, fillRows, span } from './lines.ts';

interface Window {
  readonly lines: readonly Line[];
  readonly above: number;
  readonly below: number;
}

/** What the first minutes are made of, for a board without any bead. */
const FIRST_KEYS: readonly (readonly [string, string])[] = [
  ['n', 'make a bead: what shall be done'],
  ['s', 'start an agent on it'],
  ['d', 'look at its diff'],
  ['a', 'accept: it lands on main'],
  ['?', 'every key'],
];

const EMPTY: Readonly<Record<BeadStatus, string>> = {
  open: 'Nothing open: n makes a bead',
  'in-progress': 'Nobody works: s on a bead',
  review: 'Nothing to review',
  done: 'Nothing landed yet',
};

function emptyText(model: Model, lane: BeadStatus): string {
  if (model.connection.state === 'connecting') return 'Loading…';
  if (model.beads.size === 0) return '';
  if (model.filter !== '') return 'No match: Esc drops the filter';
  return EMPTY[lane];
}

function emptyLines(model: Model, lane: BeadStatus, cells: number): Line[] {
  const isFirst = model.connection.state !== 'connecting' && model.beads.size === 0 && lane === 'open';
  if (!isFirst) return wrap(emptyText(model, lane), cells).map((row): Line => [span(` ${row}`, { dim: true })]);
  const rows = (text: string, room: number) => wrap(text, Math.max(8, room));
  const title = rows('No beads yet: press n', cells).map((row): Line => [span(` ${row}`, { bold: true })]);
  const keys = FIRST_KEYS.flatMap(([key, text]) =>
    rows(text, cells - 3).map(
      (row, index): Line => [span(index === 0 ? ` ${key}  ` : '    ', { bold: true }), span(row, { color: 'gray' })],
    ),
  );
  return [...title, ...keys];
}

function laneWindow(model: Model, lane: BeadStatus, geometry: Geometry): Window {
  const ids = model.lanes[lane];
  const rows = geometry.cardRows[lane];
  const top = model.tops[lane];
  if (ids.length === 0) {
    const lines = emptyLines(model, lane, geometry.laneWidth - 2).slice(0, rows);
    return { lines: lines.map((line) => cutLine(line, geometry.laneWidth)), above: 0, below: 0 };
  }
  const heights = (index: number) => cardHeight(model, model.beads.get(ids[index] ?? ''), geometry.arrangement);
  const end = rows === 0 ? top : endOfWindow(heights, ids.length, top, rows);
  const isLane = model.cursor.lane === lane;
  const lines = ids.slice(top, end).flatMap((id) => {
    const bead = model.beads.get(id);
    if (!bead) return [];
    const look = {
      isSelected: isLane && model.selected[lane] === id,
      isFocused: model.cursor.zone === 'lanes',
      isMarked: model.marked.has(id),
      isStale: model.connection.state === 'away',
    };
    return cardLines(model, bead, look, geometry.laneWidth, geometry.arrangement);
  });
  return { lines: lines.slice(0, rows), above: top, below: ids.length - end };
}

function laneTitle(model: Model, lane: BeadStatus, window: Window, cells: number): Line {
  const isLane = model.cursor.lane === lane && model.cursor.zone === 'lanes';
  const color = LANE_COLOR[lane];
  const hidden = [window.above > 0 ? `↑${window.above}` : '', window.below > 0 ? `↓${window.below}` : '']
    .filter(Boolean)
    .join(' ');
  const left: Line = [
    span(isLane ? '▸' : ' ', { color, bold: true }),
    span(LANE_TITLE[lane], { color, bold: true, underline: isLane }),
    span(` ${model.lanes[lane].length}`, { color }),
  ];
  return ends(left, [span(hidden, { color: 'gray' })], cells);
}

/** Exactly `geometry.laneRows` rows. */
export function laneLines(model: Model, geometry: Geometry): Line[] {
  const { laneWidth } = geometry;
  if (geometry.arrangement === 'tiny') {
    return fillRows(
      laneWindow(model, model.cursor.lane, geometry).lines.map((line) => cutLine(line, laneWidth)),
      geometry.laneRows,
    );
  }
  const blocks = LANES.map((lane) => {
    const window = laneWindow(model, lane, geometry);
    return [laneTitle(model, lane, window, laneWidth), ...fillRows(window.lines, geometry.cardRows[lane])];
  });
  if (geometry.arrangement === 'stacked') return fillRows(blocks.flat(), geometry.laneRows);
  return fillRows(beside(blocks, laneWidth, span('│', { color: 'gray' })), geometry.laneRows);
}
