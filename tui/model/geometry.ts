/** Where things go for a size: pure arithmetic shared by the reducer (scrolling) and the views. */
import type { Bead, BeadStatus } from '../../src/beads/schema.ts';
import { agentOf } from './lanes.ts';
import { type ByLane, LANES, type Model, perLane, type Size } from './state.ts';

/** From this width on, the four lanes stand side by side. */
export const COLUMNS_FROM = 72;
/** Below this height only the selected lane is shown. */
const TINY_ROWS = 12;
const HEADER_ROWS = 2;
const FOOTER_ROWS = 3;
/** A narrow pane gives what is selected a second row. */
const NARROW_FOOTER_ROWS = 4;
const AGENT_CELL = 34;

export type Arrangement = 'stacked' | 'columns' | 'tiny';

export interface Geometry {
  readonly arrangement: Arrangement;
  readonly headerRows: number;
  /** Rows for lanes with their titles. */
  readonly laneRows: number;
  /** Rows for the cards of each lane. */
  readonly cardRows: ByLane<number>;
  readonly laneWidth: number;
  /** Rows for the agents with their title; 0 hides them. */
  readonly agentRows: number;
  readonly agentColumns: number;
  readonly footerRows: number;
}

export function arrangementOf({ columns, rows }: Size): Arrangement {
  if (rows < TINY_ROWS || columns < 24) return 'tiny';
  return columns < COLUMNS_FROM ? 'stacked' : 'columns';
}

/** Rows one card takes. */
export function cardHeight(model: Model, bead: Bead | undefined, arrangement: Arrangement): number {
  if (arrangement === 'tiny' || !bead) return 1;
  const hasAgent = bead.status !== 'done' && (bead.agent !== undefined || agentOf(model, bead) !== undefined);
  return (arrangement === 'columns' ? 2 : 1) + (hasAgent ? 1 : 0);
}

function laneHeight(model: Model, lane: BeadStatus, most: number): number {
  let total = 0;
  for (const id of model.lanes[lane]) {
    total += cardHeight(model, model.beads.get(id), 'stacked');
    if (total >= most) return most;
  }
  return total;
}

/** The selected lane gets the room it needs; the others keep a few rows each, and share what is left. */
function stackedRows(model: Model, room: number): ByLane<number> {
  const need = perLane((lane) => Math.max(model.lanes[lane].length === 0 ? 0 : 1, laneHeight(model, lane, room)));
  const least = Math.max(1, Math.floor(room / 6));
  const given: Record<BeadStatus, number> = { ...perLane((lane) => Math.min(need[lane], least)) };
  let left = room - LANES.reduce((sum, lane) => sum + given[lane], 0);
  for (const lane of [model.cursor.lane, ...LANES]) {
    const extra = Math.max(0, Math.min(left, need[lane] - given[lane]));
    given[lane] += extra;
    left -= extra;
  }
  if (left < 0) given[model.cursor.lane] = Math.max(1, given[model.cursor.lane] + left);
  if (left > 0) given[model.cursor.lane] += left;
  return given;
}

function agentRowsOf(model: Model, columns: number, rows: number): number {
  if (model.crew.length === 0) return 0;
  const grid = Math.ceil(model.crew.length / columns);
  return 1 + Math.min(grid, Math.max(1, Math.floor(rows / 6)));
}

export function geometryOf(model: Model): Geometry {
  const { columns, rows } = model.size;
  const arrangement = arrangementOf(model.size);
  if (arrangement === 'tiny') {
    const headerRows = rows >= 3 ? 1 : 0;
    const footerRows = rows >= 4 ? 1 : 0;
    const laneRows = Math.max(1, rows - headerRows - footerRows);
    return {
      arrangement,
      headerRows,
      laneRows,
      cardRows: perLane(() => laneRows),
      laneWidth: columns,
      agentRows: 0,
      agentColumns: 1,
      footerRows,
    };
  }
  const agentColumns = Math.max(1, Math.floor(columns / AGENT_CELL));
  const agentRows = agentRowsOf(model, agentColumns, rows);
  const footerRows = arrangement === 'columns' ? FOOTER_ROWS : NARROW_FOOTER_ROWS;
  const laneRows = rows - HEADER_ROWS - footerRows - agentRows;
  const isColumns = arrangement === 'columns';
  return {
    arrangement,
    headerRows: HEADER_ROWS,
    laneRows,
    cardRows: isColumns ? perLane(() => laneRows - 1) : stackedRows(model, laneRows - LANES.length),
    laneWidth: isColumns ? Math.floor((columns - 3) / 4) : columns,
    agentRows,
    agentColumns,
    footerRows,
  };
}

/** Index after the last card that fits into `room` rows when `top` is the first. */
export function endOfWindow(heights: (index: number) => number, count: number, top: number, room: number): number {
  let used = 0;
  let index = top;
  while (index < count && used + heights(index) <= room) {
    used += heights(index);
    index += 1;
  }
  return Math.max(index, Math.min(count, top + 1));
}

/**
 * First card to show so that `selected` is visible. A stack of lanes moves by as little as it can, which a terminal
 * scrolls by itself; columns jump by half a window, so that most keys repaint two rows instead of all.
 */
export function topFor(
  heights: (index: number) => number,
  count: number,
  selected: number,
  top: number,
  room: number,
  step: 'least' | 'half' = 'half',
): number {
  if (count === 0) return 0;
  const kept = Math.max(0, Math.min(top, count - 1));
  const end = endOfWindow(heights, count, kept, room);
  if (selected >= kept && selected < end) return fillWindow(heights, count, kept, room, selected);
  if (selected < kept && step === 'least') return fillWindow(heights, count, selected, room, selected);
  const above = step === 'least' ? room - heights(selected) : Math.floor(room / 2);
  let before = 0;
  let start = selected;
  while (start > 0 && before + heights(start - 1) <= above) {
    start -= 1;
    before += heights(start);
  }
  return fillWindow(heights, count, start, room, selected);
}

/** Moves up while there is free room below, so that the end of a list does not leave a hole. */
function fillWindow(
  heights: (index: number) => number,
  count: number,
  top: number,
  room: number,
  selected: number,
): number {
  let start = top;
  let used = 0;
  for (let index = start; index < count && used <= room; index += 1) used += heights(index);
  while (start > 0 && used + heights(start - 1) <= room) {
    start -= 1;
    used += heights(start);
  }
  return Math.min(start, selected);
}
