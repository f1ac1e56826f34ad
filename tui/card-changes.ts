/** Changes of cards that can be taken back: one card, or all that are marked with one request and one undo. */
import type { Bead, BeadStatus, Priority } from '../src/beads/schema.ts';
import { type ActionContext, ask, bad, heard, heardBeads } from './ask.ts';
import { laneBeside, moveReason, PRIORITIES } from './model/reasons.ts';
import { targetBeads } from './model/selection.ts';
import type { CardChange, Change } from './model/state.ts';
import { clean, shortId } from './model/text.ts';

type Field = Change['field'];

async function changeOne(context: ActionContext, field: Field, id: string, to: string): Promise<Bead[] | undefined> {
  const quoted = field === 'title' ? JSON.stringify(to) : to;
  const input = field === 'priority' ? { id, priority: to as Priority } : { id, title: to };
  const bead =
    field === 'status'
      ? await ask(context, 'beadStatus', { id, status: to as BeadStatus }, `bead status ${id} ${to}`)
      : await ask(context, 'beadUpdate', input, `bead update ${id} --${field} ${quoted}`);
  return bead && [bead];
}

/** Sets cards to their new values, those with the same one together; the changed beads, undefined when refused. */
async function apply(context: ActionContext, field: Field, cards: readonly Target[]): Promise<Bead[] | undefined> {
  const [only, ...others] = cards;
  if (only && others.length === 0) return changeOne(context, field, only.beadId, only.to);
  const changed: Bead[] = [];
  for (const to of new Set(cards.map((card) => card.to))) {
    const ids = cards.filter((card) => card.to === to).map((card) => card.beadId);
    const value = field === 'status' ? { status: to as BeadStatus } : { priority: to as Priority };
    const words = `bead bulk ${ids.join(' ')} --${field} ${to}`;
    const result = await ask(context, 'beadBulk', { ids, ...value }, words);
    if (!result) return undefined;
    changed.push(...result.items.map((item) => item.bead));
  }
  return changed;
}

type Target = Pick<CardChange, 'beadId' | 'to'>;

/** `godel-abc12 is review`, or how many of them are. */
function said(field: Field, cards: readonly Target[]): string {
  const [first, ...others] = cards;
  if (!first) return 'Nothing changed';
  if (field === 'title') return `Renamed ${shortId(first.beadId)}`;
  const values = [...new Set(cards.map((card) => card.to))].join(', ');
  return others.length === 0 ? `${shortId(first.beadId)} is ${values}` : `${cards.length} cards are ${values}`;
}

export async function changeCards(context: ActionContext, field: Field, cards: readonly CardChange[]): Promise<void> {
  const beads = cards.length === 0 ? undefined : await apply(context, field, cards);
  // Refused: the marks stay, so that something else can be done with the same cards.
  if (!beads) return;
  context.store.dispatch({ type: 'changed', change: { field, cards } });
  await heard(context, heardBeads(...beads), said(field, cards));
  context.store.dispatch({ type: 'unmark' });
}

export function moveBy(by: 1 | -1): (context: ActionContext) => Promise<void> {
  return (context) => {
    const cards = targetBeads(context.store.get()).flatMap((bead): CardChange[] => {
      const to = laneBeside(bead.status, by);
      if (to === undefined || moveReason(bead, by) !== undefined) return [];
      return [{ beadId: bead.id, from: bead.status, to }];
    });
    return changeCards(context, 'status', cards);
  };
}

export function priorityBy(by: 1 | -1): (context: ActionContext) => Promise<void> {
  return (context) => {
    const cards = targetBeads(context.store.get()).flatMap((bead): CardChange[] => {
      const to = PRIORITIES[PRIORITIES.indexOf(bead.priority) + by];
      return to === undefined ? [] : [{ beadId: bead.id, from: bead.priority, to }];
    });
    return changeCards(context, 'priority', cards);
  };
}

export async function takeBack(context: ActionContext, direction: 'undo' | 'redo'): Promise<void> {
  const model = context.store.get();
  const last = (direction === 'undo' ? model.done : model.undone).at(-1);
  if (!last) return;
  const message = { type: direction === 'undo' ? 'undid' : 'redid' } as const;
  const cards = last.cards.map(({ beadId, from, to }) =>
    direction === 'undo' ? { beadId, now: to, to: from } : { beadId, now: from, to },
  );
  const other = cards.find(({ beadId, now }) => model.beads.get(beadId)?.[last.field] !== now);
  if (other) {
    context.store.dispatch(message);
    return bad(context, `${shortId(other.beadId)} was changed since by somebody else; left as it is`);
  }
  const beads = await apply(context, last.field, cards);
  if (!beads) return;
  context.store.dispatch(message);
  const [first] = cards;
  const what =
    first && cards.length === 1
      ? `${shortId(first.beadId)} ${last.field} is ${clean(first.to)}`
      : `${last.field} of ${cards.length} cards`;
  await heard(context, heardBeads(...beads), `${direction === 'undo' ? 'Undone' : 'Redone'}: ${what}`);
}
