/** tmux layout strings: a sidebar of fixed width beside a grid of agents. Pure. */

export const SIDEBAR_WIDTH = 36;
/** Below this width the sidebar and the agents take turns. */
export const NARROW_BELOW = 100;

export interface Area {
  width: number;
  height: number;
}

interface Box extends Area {
  x: number;
  y: number;
}

/** Rows and columns of a grid for `count` panes: 1, 2 side by side, 2×2, 2×3, 3×3. */
export function gridOf(count: number, area: Area): { rows: number; columns: number } {
  const columns = count <= 1 ? 1 : count <= 4 ? 2 : 3;
  // Two panes in a narrow area are readable above each other only.
  if (count === 2 && area.width < 100) return { rows: 2, columns: 1 };
  return { rows: Math.ceil(count / columns), columns };
}

/** `total` cells cut into `parts`, one cell between them for a border; earlier parts get what is left over. */
export function cut(total: number, parts: number): number[] {
  const free = total - (parts - 1);
  const base = Math.floor(free / parts);
  return Array.from({ length: parts }, (_, index) => base + (index < free - base * parts ? 1 : 0));
}

const leaf = (box: Box, pane: string) => `${box.width}x${box.height},${box.x},${box.y},${pane.slice(1)}`;

function rowCell(box: Box, panes: readonly string[]): string {
  if (panes.length === 1) return leaf(box, panes[0] as string);
  let x = box.x;
  const cells = cut(box.width, panes.length).map((width, index) => {
    const cell = leaf({ ...box, x, width }, panes[index] as string);
    x += width + 1;
    return cell;
  });
  return `${box.width}x${box.height},${box.x},${box.y}{${cells.join(',')}}`;
}

/** Where the panes of a grid go, row by row. */
function grid(box: Box, panes: readonly string[]): { text: string; rows: number } {
  const { rows, columns } = gridOf(panes.length, box);
  if (rows === 1) return { text: rowCell(box, panes), rows };
  let y = box.y;
  const cells = cut(box.height, rows).map((height, row) => {
    const cell = rowCell({ ...box, y, height }, panes.slice(row * columns, (row + 1) * columns));
    y += height + 1;
    return cell;
  });
  return { text: `${box.width}x${box.height},${box.x},${box.y}[${cells.join(',')}]`, rows };
}

/** tmux's layout checksum: a 16-bit rotate right, then add (layout-custom.c). */
export function checksum(layout: string): string {
  let sum = 0;
  for (const byte of Buffer.from(layout)) {
    sum = ((sum >> 1) + ((sum & 1) << 15)) & 0xffff;
    sum = (sum + byte) & 0xffff;
  }
  return sum.toString(16).padStart(4, '0');
}

/**
 * Layout of one page: `sidebar` on the left, `agents` in a grid. Undefined when the area is too small for it.
 * Pane ids in the form `%3`, in the order of their index in the window.
 */
export function pageLayout(area: Area, sidebar: string, agents: readonly string[]): string | undefined {
  const whole = { x: 0, y: 0, ...area };
  const { rows, columns } = gridOf(agents.length, { ...area, width: area.width - SIDEBAR_WIDTH - 1 });
  const fits = area.width >= SIDEBAR_WIDTH + 1 + columns * 2 && area.height >= rows * 2;
  if (!fits) return undefined;
  if (agents.length === 0) return withChecksum(leaf(whole, sidebar));
  const left = leaf({ ...whole, width: SIDEBAR_WIDTH }, sidebar);
  const right = grid({ ...whole, x: SIDEBAR_WIDTH + 1, width: area.width - SIDEBAR_WIDTH - 1 }, agents);
  return withChecksum(`${area.width}x${area.height},0,0{${left},${right.text}}`);
}

const withChecksum = (layout: string) => `${checksum(layout)},${layout}`;

export const AGENTS_PER_PAGE = 9;

/** Agents in pages of nine, in their order. */
export function paginate<T>(agents: readonly T[]): T[][] {
  const pages: T[][] = [];
  for (let at = 0; at < agents.length; at += AGENTS_PER_PAGE) pages.push(agents.slice(at, at + AGENTS_PER_PAGE));
  return pages.length === 0 ? [[]] : pages;
}
