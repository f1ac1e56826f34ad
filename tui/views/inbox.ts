/** The inbox panel: what waits on top, the selected item with its choices below. */
import { waitText } from '../model/age.ts';
import { inboxIndex, selectedChoice, selectedItem } from '../model/inbox.ts';
import type { Model } from '../model/state.ts';
import { clean, cut, pad, wrap } from '../model/text.ts';
import type { Line, Span } from '../theme.ts';
import { cutLine, ends, fillRows, restyled, span } from './lines.ts';

const KIND_COLOR = {
  permission: 'brightYellow',
  question: 'yellow',
  review: 'cyan',
  conflict: 'brightRed',
  budget: 'magenta',
  failure: 'brightRed',
} as const;

function itemLine(model: Model, index: number, cells: number): Line {
  const item = model.inbox[index];
  if (!item) return [];
  const who = clean(item.agentName ?? item.beadId ?? '');
  const age = waitText(Date.parse(item.createdAt), model.nowMs);
  const line: Line = [
    span(` ${pad(item.kind, 11)}`, { color: KIND_COLOR[item.kind], bold: true }),
    span(pad(cut(who, 14), 15), { color: 'gray' }),
    span(clean(item.title.split('\n')[0] ?? '')),
  ];
  const row = ends(cutLine(line, Math.max(8, cells - age.length - 2)), [span(`${age} `, { color: 'gray' })], cells);
  return index === inboxIndex(model) ? restyled(row, cells, { inverse: true }) : row;
}

function choiceLine(model: Model): Line[] {
  const item = selectedItem(model);
  if (!item) return [];
  if (item.choices.length === 0) return [[span(' Enter: answer in words', { dim: true })]];
  const chosen = selectedChoice(model);
  const spans = item.choices.flatMap((choice): Span[] => [
    span(' '),
    span(` ${clean(choice)} `, choice === chosen ? { inverse: true, bold: true } : { color: 'gray' }),
  ]);
  return [spans];
}

function detail(model: Model, cells: number): Line[] {
  const item = selectedItem(model);
  if (!item) return [];
  const text = wrap(clean(item.title), cells - 2).map((row): Line => [span(` ${row}`, { bold: true })]);
  const command = item.command === undefined ? [] : wrap(`${item.tool ?? 'tool'}: ${clean(item.command)}`, cells - 3);
  return [...text, ...command.map((row): Line => [span(`  ${row}`, { color: 'cyan' })]), [], ...choiceLine(model)];
}

export function inboxPanel(model: Model, rows: number): Line[] {
  const cells = model.size.columns;
  const count = `${model.inbox.length} `;
  const title = ends([span(' Inbox ', { bold: true, inverse: true })], [span(count, { color: 'gray' })], cells);
  if (model.inbox.length === 0)
    return [title, ...fillRows([[], [span(' Nothing waits for you.', { dim: true })]], rows - 1)];
  const below = detail(model, cells).slice(0, Math.max(3, Math.floor(rows / 2)));
  const room = Math.max(1, rows - 2 - below.length);
  const top = Math.floor(inboxIndex(model) / room) * room;
  const list = Array.from({ length: Math.min(room, model.inbox.length - top) }, (_, row) =>
    itemLine(model, top + row, cells),
  );
  const divider: Line = [span('─'.repeat(cells), { color: 'gray' })];
  return [title, ...fillRows(list, room), divider, ...fillRows(below, Math.max(0, rows - 2 - room))];
}
