/** The convoys panel: a bar for each, and what is known of the selected one below. */
import type { Convoy } from '../../src/convoys/schema.ts';
import { estimateText } from '../../src/convoys/state.ts';
import { convoyIndex, convoyView, selectedConvoy, shownConvoys } from '../model/convoys.ts';
import type { Model } from '../model/state.ts';
import { clean, pad, shortId, wrap } from '../model/text.ts';
import { LANE_TITLE, type Line } from '../theme.ts';
import { cutLine, ends, fillRows, restyled, span } from './lines.ts';

const BAR = 12;
const STATUS_COLOR = { active: 'cyan', completed: 'green', archived: 'gray' } as const;

function convoyLine(model: Model, convoy: Convoy, isSelected: boolean, cells: number): Line {
  const { progress } = convoyView(model, convoy);
  const full = progress.total === 0 ? 0 : Math.round((BAR * progress.done) / progress.total);
  const color = STATUS_COLOR[convoy.status];
  const blocked = progress.blocked > 0 ? `⊘ ${progress.blocked} ` : '';
  const left: Line = [
    span(` ${'█'.repeat(full)}`, { color }),
    span('░'.repeat(BAR - full), { color: 'gray' }),
    span(pad(` ${progress.done}/${progress.total}`, 9)),
    span(clean(convoy.name), convoy.status === 'archived' ? { dim: true } : {}),
  ];
  const right: Line = [span(blocked, { color: 'yellow' }), span(`${convoy.status} `, { color })];
  const line = ends(cutLine(left, Math.max(8, cells - 22)), right, cells);
  return isSelected ? restyled(line, cells, { inverse: true }) : line;
}

function detail(model: Model, cells: number): Line[] {
  const convoy = selectedConvoy(model);
  if (!convoy) return [];
  const { progress, estimate } = convoyView(model, convoy);
  const beads = convoy.beads.flatMap((id): Line[] => {
    const bead = model.beads.get(id);
    if (!bead) return [];
    const status = pad(LANE_TITLE[bead.status].toLowerCase(), 12);
    return [
      [span(` ${status}`, { color: 'gray' }), span(`${shortId(bead.id)} `, { color: 'gray' }), span(clean(bead.title))],
    ];
  });
  const facts = [
    `${convoy.id}: ${progress.percent} % done, ${progress.inProgress} in progress, ${progress.review} in review, ${progress.blocked} blocked`,
    `Done: ${convoy.status === 'completed' ? (convoy.completedAt ?? 'all of it') : estimateText(estimate)}`,
    ...(convoy.description ? [convoy.description] : []),
  ];
  const text = facts
    .flatMap((fact) => wrap(clean(fact), cells - 2))
    .map((row): Line => [span(` ${row}`, { dim: true })]);
  return [...text, ...beads].map((line) => cutLine(line, cells));
}

export function convoysPanel(model: Model, rows: number): Line[] {
  const cells = model.size.columns;
  const convoys = shownConvoys(model);
  const count = [span(`${convoys.length} `, { color: 'gray' })];
  const title = ends([span(' Convoys ', { bold: true, inverse: true })], count, cells);
  if (convoys.length === 0) {
    const none: Line[] = [[], [span(' No convoys yet. :convoy create "Sprint 1" <beads> makes one.', { dim: true })]];
    return [title, ...fillRows(none, rows - 1)];
  }
  const below = detail(model, cells).slice(0, Math.max(2, Math.floor(rows / 2)));
  const room = Math.max(1, rows - 2 - below.length);
  const index = convoyIndex(model);
  const top = Math.floor(index / room) * room;
  const list = convoys
    .slice(top, top + room)
    .map((convoy, row) => convoyLine(model, convoy, top + row === index, cells));
  const divider: Line = [span('─'.repeat(cells), { color: 'gray' })];
  return [title, ...fillRows(list, room), divider, ...fillRows(below, Math.max(0, rows - 2 - room))];
}
