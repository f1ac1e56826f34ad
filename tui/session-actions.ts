/** The conversation of an agent on the board, and the ways back into it. */
import { treeRows } from '../src/sessions/text.ts';
import { type ActionContext, ask, bad, good } from './ask.ts';
import { selectedBead, targetAgents } from './model/selection.ts';
import { shortId } from './model/text.ts';

async function showSession(context: ActionContext): Promise<void> {
  const { store } = context;
  const model = store.get();
  // The conversation of an agent that has ended is found by its bead.
  const about = targetAgents(model)[0]?.name ?? selectedBead(model)?.id;
  if (about === undefined) return bad(context, 'Select an agent or a card first');
  const title = `session tree ${about}`;
  const panel = { name: 'session', title, rows: [], index: 0 } as const;
  store.dispatch({ type: 'mode', mode: { ...panel, note: 'reading…' } });
  const tree = await ask(context, 'sessionTree', { id: about }, title);
  const { mode } = store.get();
  // Somebody who has left the panel meanwhile is not brought back.
  if (mode.name !== 'session' || mode.title !== title) return;
  if (!tree) return store.dispatch({ type: 'mode', mode: { ...panel, note: 'It has no conversation yet.' } });
  const rows = treeRows(tree.turns, tree.marks);
  const index = Math.max(0, rows.length - 1);
  const note = 'Nothing was said yet.';
  store.dispatch({ type: 'mode', mode: { ...panel, sessionId: tree.session.id, rows, index, note } });
}

async function rewind(context: ActionContext, id: string, to: string): Promise<void> {
  const moved = await ask(context, 'sessionRewind', { id, to }, `session rewind ${shortId(id)} ${to}`);
  if (moved)
    good(context, `${moved.session.agentName} is back there; what was there is checkpoint ${moved.checkpoint}`);
}

async function fork(context: ActionContext, id: string, at: string): Promise<void> {
  const forked = await ask(context, 'sessionFork', { id, at }, `session fork ${shortId(id)} --at ${at}`);
  if (forked) good(context, `${forked.agent.name} goes on from there${forked.beadId ? ` on ${forked.beadId}` : ''}`);
}

/** Yes to the question before a conversation is put back or forked. */
export async function confirmedMove(context: ActionContext, action: string, targets: readonly string[]): Promise<void> {
  const [id = '', point = ''] = targets;
  await (action === 'fork' ? fork(context, id, point) : rewind(context, id, point));
}

export const sessionHandlers = { showSession };
