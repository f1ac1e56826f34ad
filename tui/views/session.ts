/** The conversation of an agent: one line a turn, checkpoints below the turns they belong to. */
import { selectedRow } from '../model/session.ts';
import type { Model, SessionMode } from '../model/state.ts';
import { clean, wrap } from '../model/text.ts';
import type { Line, Span } from '../theme.ts';
import { cutLine, ends, fillRows, restyled, span } from './lines.ts';

const ROLE_COLOR: Readonly<Record<string, Span['color']>> = {
  user: 'cyan',
  tool: 'gray',
  summary: 'yellow',
};

function rowLine(text: string, isTurn: boolean): Line {
  const found = isTurn ? /^(\s*)(\S+) (\w+): (.*)$/.exec(text) : undefined;
  if (!found) return [span(` ${text}`, { color: 'yellow' })];
  const [, indent = '', id = '', role = '', said = ''] = found;
  const color = ROLE_COLOR[role];
  return [
    span(` ${indent}`),
    span(`${id} `, { color: 'gray' }),
    span(`${role} `, color === undefined ? { bold: true } : { color, bold: true }),
    span(said, role === 'tool' ? { dim: true } : {}),
  ];
}

const MOST_BELOW = 4;

export function sessionPanel(model: Model, mode: SessionMode, rows: number): Line[] {
  const cells = model.size.columns;
  const count = [span(mode.rows.length > 0 ? `${mode.index + 1}/${mode.rows.length} ` : '', { color: 'gray' })];
  const title = ends([span(` ${clean(mode.title)} `, { bold: true, inverse: true })], count, cells);
  if (mode.rows.length === 0) return [title, ...fillRows([[], [span(` ${mode.note}`, { dim: true })]], rows - 1)];
  // A narrow board cuts what was said; the selected line is whole below.
  const whole = wrap(clean(selectedRow(model)?.text.trim() ?? ''), cells - 2).slice(0, MOST_BELOW);
  const below = whole.length > 1 && rows > 3 * MOST_BELOW ? whole : [];
  const room = Math.max(1, rows - 1 - (below.length > 0 ? below.length + 1 : 0));
  const top = Math.floor(mode.index / room) * room;
  const list = mode.rows.slice(top, top + room).map((row) => {
    const line = cutLine(rowLine(clean(row.text), row.turn !== undefined), cells);
    return row === selectedRow(model) ? restyled(line, cells, { inverse: true }) : line;
  });
  if (below.length === 0) return [title, ...fillRows(list, room)];
  const divider: Line = [span('─'.repeat(cells), { color: 'gray' })];
  return [title, ...fillRows(list, room), divider, ...below.map((row): Line => [span(` ${row}`, { dim: true })])];
}
