/** What is on the screen, and the commands that make it what it should be. Pure. */
import { NARROW_BELOW, pageLayout, paginate } from './layout-string.ts';

export interface Pane {
  window: string;
  pane: string;
  kind: 'board' | 'placeholder' | 'agent' | 'other';
  width: number;
  height: number;
  zoomed: boolean;
  layout: string;
  dead: boolean;
  /** True when Godel zoomed the window because it is narrow. */
  autoZoomed: boolean;
}

export const PANE_FORMAT = [
  'window_id',
  'pane_id',
  '@godel_kind',
  '@godel_agent',
  'window_width',
  'window_height',
  'window_zoomed_flag',
  'window_layout',
  'pane_dead',
  '@godel_autozoom',
]
  .map((field) => `#{${field}}`)
  .join('\t');

export function parsePane(line: string): Pane {
  const [window = '', pane = '', kind = '', agent = '', width = '0', height = '0', zoomed, layout = '', dead, auto] =
    line.replaceAll('\\011', '\t').split('\t');
  const known = kind === 'board' || kind === 'placeholder' ? kind : agent === '' ? 'other' : 'agent';
  return {
    window,
    pane,
    kind: known,
    width: Number(width),
    height: Number(height),
    zoomed: zoomed === '1',
    layout,
    dead: dead === '1',
    autoZoomed: auto === '1',
  };
}

/** Panes by window, in the order of the list. */
export function byWindow(panes: readonly Pane[]): Map<string, Pane[]> {
  const windows = new Map<string, Pane[]>();
  for (const pane of panes) windows.set(pane.window, [...(windows.get(pane.window) ?? []), pane]);
  return windows;
}

/** Which agent pane belongs into which of the windows; undefined stands for a page that has no window yet. */
export function placements(
  agents: readonly string[],
  windows: readonly string[],
): { pane: string; page: number; window: string | undefined }[] {
  return paginate(agents).flatMap((page, index) => page.map((pane) => ({ pane, page: index, window: windows[index] })));
}

type Command = readonly string[];

/** Brings one window to its layout, and its zoom to what the width asks for. */
export function fitWindow(panes: readonly Pane[]): Command[] {
  const [first] = panes;
  if (!first) return [];
  const sidebar = panes.find((pane) => pane.kind === 'board' || pane.kind === 'placeholder');
  const agents = panes.filter((pane) => pane !== sidebar);
  if (!sidebar || agents.length === 0) return [];
  const narrow = first.width < NARROW_BELOW || first.height < 12;
  const layout = pageLayout(
    first,
    sidebar.pane,
    agents.map((pane) => pane.pane),
  );
  const commands: Command[] = [];
  const zoom = ['resize-pane', '-Z', '-t', first.window];
  if (narrow) {
    if (!first.zoomed) commands.push(zoom, ['set-option', '-w', '-t', first.window, '@godel_autozoom', '1']);
    return commands;
  }
  if (first.zoomed && first.autoZoomed) commands.push(zoom);
  if (first.autoZoomed) commands.push(['set-option', '-w', '-u', '-t', first.window, '@godel_autozoom']);
  if (first.zoomed && !first.autoZoomed) return commands;
  if (layout && layout !== first.layout) commands.push(['select-layout', '-t', first.window, layout]);
  return commands;
}
