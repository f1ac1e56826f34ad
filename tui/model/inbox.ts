/** The inbox as the board shows it: what is selected, which of its answers, and moving between them. Pure. */
import type { InboxItem } from '../../src/inbox/schema.ts';
import type { Model } from './state.ts';

/** The place of the selection, kept inside the list while items come and go. */
export function inboxIndex(model: Model): number {
  if (model.mode.name !== 'inbox') return 0;
  return Math.max(0, Math.min(model.inbox.length - 1, model.mode.index));
}

export function selectedItem(model: Model): InboxItem | undefined {
  return model.mode.name === 'inbox' ? model.inbox[inboxIndex(model)] : undefined;
}

/** The answer that Enter gives; undefined when words are needed. */
export function selectedChoice(model: Model): string | undefined {
  const { mode } = model;
  const choices = selectedItem(model)?.choices ?? [];
  if (mode.name !== 'inbox' || choices.length === 0) return undefined;
  return choices[((mode.choice % choices.length) + choices.length) % choices.length];
}

export function openInbox(model: Model): Model {
  return { ...model, mode: { name: 'inbox', index: 0, choice: 0 } };
}

export function moveInInbox(model: Model, by: number): Model {
  if (model.mode.name !== 'inbox') return model;
  const index = Math.max(0, Math.min(model.inbox.length - 1, inboxIndex(model) + by));
  return { ...model, mode: { ...model.mode, index, choice: 0 } };
}

export function moveChoice(model: Model, by: 1 | -1): Model {
  return model.mode.name === 'inbox' ? { ...model, mode: { ...model.mode, choice: model.mode.choice + by } } : model;
}

/** Items by age after one opened or ended. */
export function withItem(items: readonly InboxItem[], item: InboxItem): readonly InboxItem[] {
  const others = items.filter((each) => each.id !== item.id);
  return item.status === 'open' ? [...others, item].sort((a, b) => (a.id < b.id ? -1 : 1)) : others;
}

export function noItem(model: Model): string | undefined {
  return selectedItem(model) ? undefined : 'Nothing waits for you';
}

export function noAlways(model: Model): string | undefined {
  const item = selectedItem(model);
  if (!item) return noItem(model);
  return item.kind === 'permission' && item.command !== undefined
    ? undefined
    : 'Only a permission for a command can be given for always';
}
