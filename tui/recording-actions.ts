/** What was recorded between an agent, or the agents of a bead, and models, on the board. */
import { exchangesText } from '../src/recordings/text.ts';
import { type ActionContext, ask, bad } from './ask.ts';
import { selectedBead, targetAgents } from './model/selection.ts';

/** So many requests are shown; the command line has all of them. */
const NEWEST = 50;
const NOTHING = 'Nothing is recorded. Switch it on: godel config set record_bodies true';

async function showRecordings(context: ActionContext): Promise<void> {
  const { store } = context;
  const model = store.get();
  const [agent, bead] = [targetAgents(model)[0]?.name, selectedBead(model)?.id];
  if (agent === undefined && bead === undefined) return bad(context, 'Select an agent or a card first');
  // A bead is asked for where there is one: it has had other agents before.
  const whose = bead === undefined ? { agent } : { bead };
  const title = `recordings of ${bead ?? agent}`;
  const panel = { name: 'output', title, scroll: 0 } as const;
  store.dispatch({ type: 'mode', mode: { ...panel, text: '', running: true } });
  const list = await ask(context, 'recordingList', { ...whose, limit: NEWEST }, title);
  const tree = list && list.items.length > 0 ? await ask(context, 'recordingTree', whose, title) : undefined;
  const { mode } = store.get();
  // Somebody who has left the panel meanwhile is not brought back.
  if (mode.name !== 'output' || mode.title !== title) return;
  const text = list ? exchangesText(list.items, tree?.items ?? []) || NOTHING : 'The recordings could not be read.';
  store.dispatch({ type: 'mode', mode: { ...panel, text, running: false } });
}

export const recordingHandlers = { showRecordings };
