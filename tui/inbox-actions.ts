/** What keys of the inbox ask of the daemon. */
import { focusAgent } from './actions.ts';
import { type ActionContext, ask, bad, good } from './ask.ts';
import { selectedChoice, selectedItem } from './model/inbox.ts';
import { inputOf } from './model/input.ts';

const shortOf = (id: string) => id.slice(-6);

/** Answers one item and says what came of it. */
export async function answerItem(
  context: ActionContext,
  id: string,
  answer: { choice?: string; text?: string; always?: boolean },
): Promise<void> {
  const words = [
    `inbox answer ${shortOf(id)}`,
    ...(answer.choice === undefined ? [] : [JSON.stringify(answer.choice)]),
    ...(answer.text === undefined ? [] : ['--text', JSON.stringify(answer.text)]),
    ...(answer.always ? ['--always'] : []),
  ];
  const item = await ask(context, 'inboxAnswer', { id, ...answer }, words.join(' '));
  if (!item) return;
  const said = item.answer?.choice ?? item.answer?.text ?? 'answered';
  good(
    context,
    `${said}${item.answer?.outcome ? `: ${item.answer.outcome}` : ''}${answer.always ? '; always from now on' : ''}`,
  );
}

/** Opens the line for an answer in words; the choice goes with them. */
function promptWords(context: ActionContext, choice?: string): void {
  const item = selectedItem(context.store.get());
  if (!item) return;
  const label = choice === undefined ? `Answer to ${item.agentName ?? item.kind}` : `${choice}: what shall be said`;
  const base = {
    name: 'prompt',
    kind: 'answer',
    label,
    targets: [item.id],
    input: inputOf(''),
    field: 'title',
  } as const;
  context.store.dispatch({ type: 'mode', mode: choice === undefined ? base : { ...base, choice } });
}

export async function giveChoice(context: ActionContext): Promise<void> {
  const model = context.store.get();
  const [item, choice] = [selectedItem(model), selectedChoice(model)];
  if (!item) return;
  if (choice === undefined || choice === 'send back') return promptWords(context, choice);
  await answerItem(context, item.id, { choice });
}

export async function giveAlways(context: ActionContext): Promise<void> {
  const model = context.store.get();
  const [item, choice] = [selectedItem(model), selectedChoice(model)];
  if (item && choice !== undefined) await answerItem(context, item.id, { choice, always: true });
}

export const answerInWords = (context: ActionContext): void => promptWords(context);

export async function dismissItem(context: ActionContext): Promise<void> {
  const item = selectedItem(context.store.get());
  if (item && (await ask(context, 'inboxDismiss', { id: item.id }, `inbox dismiss ${shortOf(item.id)}`)))
    good(context, 'Taken off the list');
}

export async function goToAsker(context: ActionContext): Promise<void> {
  const model = context.store.get();
  const item = selectedItem(model);
  const agent = item?.agentId === undefined ? undefined : model.agents.get(item.agentId);
  if (agent) return focusAgent(context, agent);
  if (item?.beadId !== undefined && model.beads.has(item.beadId))
    return context.store.dispatch({ type: 'mode', mode: { name: 'detail', beadId: item.beadId, scroll: 0 } });
  bad(context, 'Neither its agent nor its bead is on the board');
}
