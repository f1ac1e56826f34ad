/** What is on the screen, and the commands that make it what it should be. Pure. */
import { NARROW_BELOW, pageLayout } from './layout-string.ts';

export interface Pane {
  session: string;
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
  /** The pane of its window that has the keys. */
  active: boolean;
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
  'pane_active',
  'session_name',
]
  .map((field) => `#{${field}}`)
  .join('\t');

export function parsePane(line: string): Pane {
  const fields = line.replaceAll('\\011', '\t').split('\t');
  const [window = '', pane = '', kind = '', agent = '', width = '0', height = '0', zoomed, layout = '', ...rest] =
    fields;
  const [dead, auto, active, session = ''] = rest;
  const known = kind === 'board' || kind === 'placeholder' ? kind : agent === '' ? 'other' : 'agent';
  return {
    session,
    window,
    pane,
    kind: known,
    width: Number(width),
    height: Number(height),
    zoomed: zoomed === '1',
    layout,
    dead: dead === '1',
    autoZoomed: auto === '1',
    active: active === '1',
  };
}

/** Panes by window, in the order of the list. */
export function byWindow(panes: readonly Pane[]): Map<string, Pane[]> {
  const windows = new Map<string, Pane[]>();
  for (const pane of panes) windows.set(pane.window, [...(windows.get(pane.window) ?? []), pane]);
  return windows;
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
  const fits = layout === undefined || layout === first.layout;
  const relayout = fits ? [] : [['select-layout', '-t', first.window, layout]];
  if (narrow) {
    // The layout below the zoom decides where C-g h j k l lead; setting it ends the zoom.
    commands.push(...relayout);
    if (!first.zoomed || !fits) commands.push(zoomOf(first.window, true));
    if (!first.autoZoomed) commands.push(['set-option', '-w', '-t', first.window, '@godel_autozoom', '1']);
    return commands;
  }
  if (first.zoomed && first.autoZoomed) commands.push(zoomOf(first.window, false));
  if (first.autoZoomed) commands.push(['set-option', '-w', '-u', '-t', first.window, '@godel_autozoom']);
  if (first.zoomed && !first.autoZoomed) return commands;
  return [...commands, ...relayout];
}

/** Zooms the target, or ends the zoom of its window; a person may have done so since the panes were listed. */
export function zoomOf(target: string, wanted: boolean): Command {
  const condition = wanted ? '#{?window_zoomed_flag,0,1}' : '#{window_zoomed_flag}';
  return ['if-shell', '-F', '-t', target, condition, `resize-pane -Z -t ${target}`];
}
