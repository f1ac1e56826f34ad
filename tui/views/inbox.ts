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

/** Below this width an item has two rows: who and since when, then what. */
const TWO_ROWS_BELOW = 60;

function itemLines(model: Model, index: number, cells: number): Line[] {
  const item = model.inbox[index];
  if (!item) return [];
  const who = clean(item.agentName ?? item.beadId ?? '');
  const age = span(`${waitText(Date.parse(item.createdAt), model.nowMs)} `, { color: 'gray' });
  const kind = span(` ${pad(item.kind, 11)}`, { color: KIND_COLOR[item.kind], bold: true });
  const title = clean(item.title.split('\n')[0] ?? '');
  const name = (most: number) => span(pad(cut(who, most), most + 1), { color: 'gray' });
  const room = Math.max(8, cells - age.text.length - 1);
  const lines =
    cells < TWO_ROWS_BELOW
      ? [ends(cutLine([kind, name(cells)], room), [age], cells), cutLine([span(`   ${title}`)], cells)]
      : [ends(cutLine([kind, name(14), span(title)], room), [age], cells)];
  return index === inboxIndex(model) ? lines.map((line) => restyled(line, cells, { inverse: true })) : lines;
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
  const shown = Math.max(1, Math.floor(room / (cells < TWO_ROWS_BELOW ? 2 : 1)));
  const top = Math.floor(inboxIndex(model) / shown) * shown;
  const places = Array.from({ length: Math.min(shown, model.inbox.length - top) }, (_, place) => top + place);
  const list = places.flatMap((index) => itemLines(model, index, cells));
  const divider: Line = [span('─'.repeat(cells), { color: 'gray' })];
  return [title, ...fillRows(list, room), divider, ...fillRows(below, Math.max(0, rows - 2 - room))];
}
