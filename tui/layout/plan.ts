/**
 * Where every pane belongs, as one list of commands: agents on pages of nine, pages without agents closed, every
 * window in its layout. The list is run as one step, so nobody ever sees, or types into, a screen half way. Pure.
 */
import { paginate } from './layout-string.ts';
import { byWindow, fitWindow, type Pane, zoomOf } from './panes.ts';

type Command = readonly string[];

export interface PlanOptions {
  panes: readonly Pane[];
  /** Panes of agents in the order of the pages. */
  wanted: readonly string[];
  /** Target of a window for panes that are on no page. */
  hold: string;
}

/** Below this width a window cannot be split for every agent; they wait until it is wider. */
const SPLIT_FROM = 20;

/** How many pages are missing for the agents that are wanted. */
export function missingPages(panes: readonly Pane[], wanted: readonly string[]): number {
  return Math.max(0, paginate(wanted).length - byWindow(panes).size);
}

/** The commands that make the screen what it should be; none when it is. */
export function plan({ panes, wanted, hold }: PlanOptions): Command[] {
  const windows = [...byWindow(panes).entries()];
  const pageOf = new Map(
    paginate(wanted).flatMap((page, index) => page.map((pane) => [pane, windows[index]?.[0]] as const)),
  );
  const known = new Map(panes.map((pane) => [pane.pane, pane]));
  const moves = panes.filter((pane) => pane.kind === 'agent' && !pageOf.has(pane.pane)).map((pane) => pane.pane);
  const commands: Command[] = moves.map((pane) => ['break-pane', '-d', '-s', pane, '-t', hold]);
  const touched = new Set(moves.flatMap((pane) => known.get(pane)?.window ?? []));
  const after = new Map(windows.map(([window, here]) => [window, here.filter((pane) => !moves.includes(pane.pane))]));
  for (const [pane, window] of pageOf) {
    const from = known.get(pane)?.window;
    const page = window === undefined ? undefined : after.get(window);
    const first = page?.[0];
    if (!first || window === undefined || from === window || first.width < SPLIT_FROM) continue;
    commands.push(
      // Even cells first: a window of many panes has no room to split its last one.
      ['select-layout', '-t', window, 'tiled'],
      ['join-pane', '-d', '-h', '-s', pane, '-t', `${window}.{bottom-right}`],
    );
    if (from !== undefined) {
      touched.add(from);
      after.set(
        from,
        (after.get(from) ?? []).filter((each) => each.pane !== pane),
      );
    }
    touched.add(window);
    page.push({ ...first, pane, kind: 'agent', active: false });
  }
  for (const [window, here] of after) {
    const swaps = sort(here, wanted);
    if (swaps.length > 0) touched.add(window);
    commands.push(...swaps);
  }
  return [...commands, ...close(after), ...[...after].flatMap(([window, here]) => settle(here, touched.has(window)))];
}

/** Brings the agents of a page into the order of all agents; `panes` is sorted along. */
function sort(panes: Pane[], wanted: readonly string[]): Command[] {
  const places = panes.flatMap((pane, place) => (pane.kind === 'agent' ? [place] : []));
  const ordered = wanted.filter((id) => panes.some((pane) => pane.pane === id));
  if (ordered.length !== places.length) return [];
  return places.flatMap((place, index) => {
    const from = panes.findIndex((pane) => pane.pane === ordered[index]);
    const [here, there] = [panes[place], panes[from]];
    if (from === place || !here || !there) return [];
    panes[place] = there;
    panes[from] = here;
    return [['swap-pane', '-d', '-s', there.pane, '-t', here.pane]];
  });
}

/** Closes pages without agents, but for the first; the board never goes with one. */
function close(windows: Map<string, Pane[]>): Command[] {
  const [first, ...others] = windows;
  const commands: Command[] = [];
  for (const [window, panes] of others) {
    if (panes.some((pane) => pane.kind === 'agent')) continue;
    const board = panes.find((pane) => pane.kind === 'board');
    const left = first?.[1].find((pane) => pane.kind === 'placeholder');
    if (board && left) commands.push(['swap-pane', '-d', '-s', board.pane, '-t', left.pane]);
    commands.push(['kill-window', '-t', window]);
    windows.delete(window);
  }
  return commands;
}

/** Moving panes ends a zoom and makes cells even: a window that was touched gets layout and zoom again. */
function settle(panes: readonly Pane[], touched: boolean): Command[] {
  if (!touched) return fitWindow(panes);
  const active = panes.find((pane) => pane.active);
  const [first] = panes;
  const commands = fitWindow(panes.map((pane) => ({ ...pane, zoomed: false, layout: '' })));
  if (!first?.zoomed || first.autoZoomed || !active) return commands;
  return [...commands, zoomOf(active.pane, true)];
}
