/** The merge queue, full screen: its state, what waits in order, what was set aside, what clashes. */

import type { ListedEntry } from '../../src/merge/schema.ts';
import { duration, remark } from '../../src/merge/text.ts';
import { listedEntries } from '../model/merge.ts';
import type { Model } from '../model/state.ts';
import { clean, cut, shortId, wrap } from '../model/text.ts';
import type { Line } from '../theme.ts';
import { cutLine, span } from './lines.ts';

const COLOR = {
  queued: 'gray',
  gating: 'yellow',
  landing: 'green',
  held: 'brightRed',
  landed: 'green',
  conflicted: 'brightRed',
  evicted: 'brightRed',
  removed: 'gray',
} as const;

function stateLines({ merge }: Model, cells: number): Line[] {
  const { queue } = merge;
  const text = (value: string, style = {}) =>
    wrap(clean(value), cells - 2).map((row): Line => [span(` ${row}`, style)]);
  const counts = `${queue.landed} landed, ${queue.evicted} evicted, ${queue.gateRuns} gate runs, ${queue.flakes} flakes`;
  const gate = queue.gateMs > 0 ? `; a gate takes ${duration(queue.gateMs)}` : '';
  const how = `Batches of up to ${queue.batchSize}${gate}; ${counts}`;
  if (queue.paused) {
    return [
      ...text(`Paused by ${queue.pausedBy}`, { color: 'yellow', bold: true }),
      ...text('→ :merge resume'),
      ...text(how, { dim: true }),
    ];
  }
  if (!queue.hold) return text(how, { dim: true });
  return [
    ...text(queue.hold.message, { color: 'brightRed', bold: true }),
    ...text(`→ ${queue.hold.command}`),
    ...text(how, { dim: true }),
  ];
}

function entryLines(entry: ListedEntry, cells: number): Line[] {
  const place = entry.position === undefined ? ' -' : String(entry.position).padStart(2);
  const eta = entry.etaMs === undefined ? '' : ` ~${duration(entry.etaMs)}`;
  const kind = entry.kind === 'rollback' ? ' rollback' : '';
  const first: Line = [
    span(` ${place} `, { bold: true }),
    span(`${shortId(entry.beadId)} `, { color: 'gray' }),
    span(`${entry.status}${kind}${eta} `, { color: COLOR[entry.status] }),
    span(cut(clean(entry.title), Math.max(8, cells - 30))),
  ];
  const about = remark(entry);
  const rest =
    about === '' ? [] : wrap(clean(about), cells - 6).map((row): Line => [span(`     ${row}`, { dim: true })]);
  return [cutLine(first, cells), ...rest];
}

export function queueBody(model: Model, cells: number): Line[] {
  const entries = listedEntries(model);
  const none: Line[] = [[span(' Nothing waits to land. a on a card in review puts it here.', { dim: true })]];
  const clashes = model.merge.overlaps.flatMap((overlap): Line[] => {
    const text = `${shortId(overlap.a)} and ${overlap.b.startsWith('godel-') ? shortId(overlap.b) : overlap.b}: ${overlap.files.join(' ')}`;
    return wrap(clean(text), cells - 4).map((row): Line => [span(`   ${row}`, { color: 'yellow' })]);
  });
  return [
    ...stateLines(model, cells),
    [],
    ...(entries.length === 0 ? none : entries.flatMap((entry) => entryLines(entry, cells))),
    ...(clashes.length === 0 ? [] : [[], [span(' Unfinished work that clashes', { bold: true })], ...clashes]),
  ];
}
