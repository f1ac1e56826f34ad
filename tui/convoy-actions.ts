/** What keys of the convoys panel ask of the daemon. */
import { type ActionContext, ask, good } from './ask.ts';
import { selectedConvoy } from './model/convoys.ts';

/** Puts the selected convoy away; one that is away comes back. */
export async function archiveConvoy(context: ActionContext): Promise<void> {
  const convoy = selectedConvoy(context.store.get());
  if (!convoy) return;
  const { id, name } = convoy;
  const isAway = convoy.status === 'archived';
  const words = `convoy ${isAway ? 'restore' : 'archive'} ${id}`;
  const changed = await ask(context, isAway ? 'convoyRestore' : 'convoyArchive', { id }, words);
  if (changed) good(context, `${name} is ${changed.status}`);
}
