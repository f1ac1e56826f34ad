/**
 * How things look: the terminal's own 16 colours, and never meaning by colour alone. Lines are
 * lists of spans; `paint` turns one into text with SGR codes.
 */
import type { AgentState } from '../src/agents/schema.ts';
import type { BeadStatus, BeadType, Priority } from '../src/beads/schema.ts';

export type Color =
  | 'black'
  | 'red'
  | 'green'
  | 'yellow'
  | 'blue'
  | 'magenta'
  | 'cyan'
  | 'white'
  | 'gray'
  | 'brightRed'
  | 'brightGreen'
  | 'brightYellow'
  | 'brightBlue'
  | 'brightMagenta'
  | 'brightCyan';

export interface Style {
  readonly color?: Color;
  readonly background?: Color;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly inverse?: boolean;
  readonly underline?: boolean;
}

export interface Span extends Style {
  readonly text: string;
}

export type Line = readonly Span[];

const CODE: Readonly<Record<Color, number>> = {
  black: 30,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  white: 37,
  gray: 90,
  brightRed: 91,
  brightGreen: 92,
  brightYellow: 93,
  brightBlue: 94,
  brightMagenta: 95,
  brightCyan: 96,
};

function codes(style: Style, colors: boolean): number[] {
  const result: number[] = [];
  if (style.bold) result.push(1);
  if (style.dim) result.push(2);
  if (style.underline) result.push(4);
  if (style.inverse) result.push(7);
  if (colors && style.color) result.push(CODE[style.color]);
  if (colors && style.background) result.push(CODE[style.background] + 10);
  return result;
}

/** NO_COLOR (any value that is not empty) switches colours off; bold and inverse stay. */
export function wantsColors(env: Readonly<Record<string, string | undefined>>): boolean {
  return !env.NO_COLOR && env.TERM !== 'dumb';
}

/** One line with SGR codes; spans that look the same share one. */
export function paint(line: Line, colors: boolean): string {
  let result = '';
  let open = '';
  for (const span of line) {
    if (span.text === '') continue;
    const wanted = codes(span, colors).join(';');
    if (wanted !== open)
      result += wanted === '' ? '\u001b[0m' : open === '' ? `\u001b[${wanted}m` : `\u001b[0m\u001b[${wanted}m`;
    open = wanted;
    result += span.text;
  }
  return open === '' ? result : `${result}\u001b[0m`;
}

export function plain(line: Line): string {
  return line.map((span) => span.text).join('');
}

export const TYPE_LETTER: Readonly<Record<BeadType, string>> = { task: 'T', bug: 'B', feature: 'F', refactor: 'R' };
export const TYPE_COLOR: Readonly<Record<BeadType, Color>> = {
  task: 'blue',
  bug: 'red',
  feature: 'green',
  refactor: 'magenta',
};
export const PRIORITY_MARK: Readonly<Record<Priority, string>> = {
  critical: '!!',
  high: '! ',
  medium: '  ',
  low: '↓ ',
};
export const PRIORITY_COLOR: Readonly<Record<Priority, Color>> = {
  critical: 'brightRed',
  high: 'yellow',
  medium: 'white',
  low: 'gray',
};
export const STATE_GLYPH: Readonly<Record<AgentState, string>> = {
  starting: '◌',
  busy: '●',
  waiting: '▲',
  idle: '○',
  parked: '◫',
  paused: '‖',
  exited: '□',
  failed: '×',
  unknown: '?',
};
export const STATE_COLOR: Readonly<Record<AgentState, Color>> = {
  starting: 'cyan',
  busy: 'green',
  waiting: 'brightYellow',
  idle: 'white',
  parked: 'yellow',
  paused: 'magenta',
  exited: 'gray',
  failed: 'brightRed',
  unknown: 'gray',
};
export const LANE_TITLE: Readonly<Record<BeadStatus, string>> = {
  open: 'OPEN',
  'in-progress': 'IN-PROGRESS',
  review: 'REVIEW',
  done: 'DONE',
};
export const LANE_COLOR: Readonly<Record<BeadStatus, Color>> = {
  open: 'blue',
  'in-progress': 'yellow',
  review: 'magenta',
  done: 'green',
};
