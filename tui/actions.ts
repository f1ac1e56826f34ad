/** What keys ask of the daemon: call, wait for the event, say what came of it. The model is never patched. */

import type { Agent } from '../src/agents/schema.ts';
import { isLive } from '../src/agents/state.ts';
import type { Bead } from '../src/beads/schema.ts';
import { type ActionContext, ask, bad, good, heard, heardBeads, nextKey } from './ask.ts';
import { changeCards, moveBy, priorityBy, takeBack } from './card-changes.ts';
import { completeLine, splitWords } from './command-line.ts';
import { helpEntries } from './help.ts';
import type { CallAction } from './keymap.ts';
import { inputOf } from './model/input.ts';
import { liveAgentOn } from './model/reasons.ts';
import { selectedAgent, targetAgents, targetBeads } from './model/selection.ts';
import { setupSteps, wrapIndex } from './model/setup.ts';
import { shortId } from './model/text.ts';

export async function focusAgent(context: ActionContext, agent: Agent): Promise<void> {
  if (await ask(context, 'boardFocus', { agent: agent.name }, `board focus ${agent.name}`))
    good(context, `Went to ${agent.name}`);
}

async function open(context: ActionContext): Promise<void> {
  const model = context.store.get();
  const agent = selectedAgent(model);
  if (agent && isLive(agent.lifecycle) && !agent.headless) return focusAgent(context, agent);
  context.store.dispatch({ type: 'ui', action: 'openDetail' });
  if (targetBeads(context.store.get()).length === 0)
    bad(context, agent ? `${agent.name} is ${agent.observed.state}` : 'No beads yet: press n');
}

async function spawnOn(context: ActionContext, beads: readonly Bead[], prompt?: string): Promise<void> {
  const { store } = context;
  const free = beads.filter((bead) => bead.status !== 'done' && !liveAgentOn(store.get(), bead));
  const requests = free.length === 0 ? [undefined] : free;
  for (const bead of requests) {
    const input = { ...(bead ? { bead: bead.id } : {}), ...(prompt ? { prompt } : {}) };
    const words = `agent spawn${prompt ? ` ${JSON.stringify(prompt)}` : ''}${bead ? ` --bead ${bead.id}` : ''}`;
    const result = await ask(context, 'agentSpawn', input, words);
    const agent = result?.items[0];
    if (agent)
      await heard(
        context,
        (model) => model.agents.has(agent.id),
        `Spawned ${agent.name}${bead ? ` on ${shortId(bead.id)}` : ''}`,
      );
  }
  store.dispatch({ type: 'unmark' });
}

async function control(
  context: ActionContext,
  agents: readonly Agent[],
  operation: 'agentStop' | 'agentRestart' | 'agentPause' | 'agentResume',
  word: string,
): Promise<void> {
  const verb = operation.slice('agent'.length).toLowerCase();
  for (const agent of agents) {
    const result = await ask(context, operation, { id: agent.id }, `agent ${verb} ${agent.name}`);
    if (result)
      await heard(
        context,
        (model) => (model.agents.get(agent.id)?.version ?? -1) >= result.version,
        `${word} ${agent.name}`,
      );
  }
  context.store.dispatch({ type: 'unmark' });
}

/** Yes to the question that is asked. */
async function confirmed(context: ActionContext): Promise<void> {
  const { mode, agents } = context.store.get();
  if (mode.name !== 'confirm') return;
  context.store.dispatch({ type: 'mode', mode: { name: 'board' } });
  if (mode.action !== 'stopAgents') return context.confirmedMove(mode.action, mode.targets);
  const chosen = mode.targets.flatMap((id) => agents.get(id) ?? []).filter((agent) => isLive(agent.lifecycle));
  await control(context, chosen, 'agentStop', 'Stopped');
}

function pauseOrResume(context: ActionContext): Promise<void> {
  const agents = targetAgents(context.store.get()).filter((agent) => isLive(agent.lifecycle));
  const isPaused = agents.every((agent) => agent.lifecycle === 'paused');
  const chosen = agents.filter((agent) => (agent.lifecycle === 'paused') === isPaused);
  return control(context, chosen, isPaused ? 'agentResume' : 'agentPause', isPaused ? 'Resumed' : 'Paused');
}

function restart(context: ActionContext): Promise<void> {
  const agents = targetAgents(context.store.get());
  const ended = agents.filter(
    (agent) => !isLive(agent.lifecycle) || agent.observed.state === 'exited' || agent.observed.state === 'failed',
  );
  return control(context, ended, 'agentRestart', 'Restarted');
}

async function review(context: ActionContext): Promise<void> {
  const bead = targetBeads(context.store.get()).find(
    (one) => one.branch !== undefined || one.landedCommit !== undefined,
  );
  if (bead) await ask(context, 'boardPopup', { kind: 'review', bead: bead.id }, `board popup review ${bead.id}`);
}

async function accept(context: ActionContext): Promise<void> {
  for (const bead of targetBeads(context.store.get()).filter((one) => one.status === 'review')) {
    const result = await ask(context, 'reviewAccept', { id: bead.id }, `review accept ${bead.id}`);
    if (!result) continue;
    const { commit } = result;
    const id = shortId(bead.id);
    const outcome = commit === undefined ? `${id} is in the merge queue` : `Landed ${id} as ${commit.slice(0, 10)}`;
    await heard(context, heardBeads(result.bead), outcome);
  }
  context.store.dispatch({ type: 'unmark' });
}

async function create(context: ActionContext, title: string, description: string): Promise<void> {
  const words = `bead create ${JSON.stringify(title)}${description ? ` --description ${JSON.stringify(description)}` : ''}`;
  const bead = await ask(context, 'beadCreate', { title, ...(description ? { description } : {}) }, words);
  if (!bead) return;
  context.store.dispatch({ type: 'want', beadId: bead.id });
  await heard(context, heardBeads(bead), `Created ${shortId(bead.id)}`);
}

async function sendBack(context: ActionContext, beads: readonly Bead[], comment: string): Promise<void> {
  for (const bead of beads.filter((one) => one.status === 'review')) {
    const words = `review return ${bead.id} --comment ${JSON.stringify(comment)}`;
    const result = await ask(context, 'reviewReturn', { id: bead.id, comment }, words);
    const where =
      result?.delivery === 'queued'
        ? `the comment goes to ${result.bead.agent}`
        : 'the comment waits for its next agent';
    if (result) await heard(context, heardBeads(result.bead), `${shortId(bead.id)} is in progress again; ${where}`);
  }
  context.store.dispatch({ type: 'unmark' });
}

async function message(context: ActionContext, agent: Agent | undefined, text: string): Promise<void> {
  if (!agent) return;
  const prompt = await ask(
    context,
    'agentSend',
    { id: agent.id, text },
    `agent send ${agent.name} ${JSON.stringify(text)}`,
  );
  if (prompt) good(context, `Message to ${agent.name} is ${prompt.status}`);
}

async function submitPrompt(context: ActionContext): Promise<void> {
  const { store } = context;
  const { mode, beads, agents } = store.get();
  if (mode.name !== 'prompt') return;
  const text = mode.input.text.trim();
  if (text === '')
    return bad(
      context,
      mode.kind === 'create' || mode.kind === 'edit'
        ? 'A title is needed; Esc cancels'
        : 'Some text is needed; Esc cancels',
    );
  store.dispatch({ type: 'ui', action: 'back' });
  if (mode.kind === 'answer') {
    const words = mode.choice === undefined ? { text } : { choice: mode.choice, text };
    return context.answerItem(mode.targets[0] ?? '', words);
  }
  const chosen = mode.targets.flatMap((id) => beads.get(id) ?? []);
  const [bead] = chosen;
  if (mode.kind === 'create') return create(context, text, mode.description?.text.trim() ?? '');
  if (mode.kind === 'spawn') return spawnOn(context, chosen, text);
  if (mode.kind === 'return') return sendBack(context, chosen, text);
  if (mode.kind === 'message') return message(context, agents.get(mode.targets[0] ?? ''), text);
  if (bead && text !== bead.title)
    await changeCards(context, 'title', [{ beadId: bead.id, from: bead.title, to: text }]);
}

/** Shows both values of what two clones disagree about. */
async function showConflicts(context: ActionContext): Promise<void> {
  const bead = targetBeads(context.store.get()).find((one) => (one.conflicts ?? 0) > 0);
  if (bead) await runLine(context, `bead conflicts ${bead.id}`);
}

/** All of the money on one page. */
const showCosts = (context: ActionContext) => runLine(context, 'cost overview');

function resolveConflicts(way: 'keep' | 'take'): (context: ActionContext) => Promise<void> {
  return async (context) => {
    const { store } = context;
    if (store.get().mode.name === 'output') store.dispatch({ type: 'ui', action: 'back' });
    for (const bead of targetBeads(store.get()).filter((one) => (one.conflicts ?? 0) > 0)) {
      const input = { id: bead.id, [way]: true };
      const result = await ask(context, 'beadResolve', input, `bead resolve ${bead.id} --${way}`);
      const text = `${shortId(bead.id)}: ${way === 'keep' ? 'kept what is there' : 'took what was lost'}`;
      if (result?.bead) await heard(context, heardBeads(result.bead), text);
    }
    store.dispatch({ type: 'unmark' });
  };
}

async function runCommand(context: ActionContext): Promise<void> {
  const { store } = context;
  const { mode } = store.get();
  if (mode.name !== 'command') return;
  const line = mode.input.text.trim();
  if (line === '') return store.dispatch({ type: 'mode', mode: { name: 'board' } });
  await runLine(context, line);
}

/** Runs a line of the CLI and shows what it prints. */
async function runLine(context: ActionContext, line: string): Promise<void> {
  const { store } = context;
  const words = splitWords(line);
  if (!words) return bad(context, 'A quote is not closed');
  store.dispatch({ type: 'remember', command: line });
  const output = { name: 'output', title: line, scroll: 0 } as const;
  store.dispatch({ type: 'mode', mode: { ...output, text: '', running: true } });
  const key = nextKey();
  store.dispatch({ type: 'log', entry: { key, command: line, outcome: 'running' } });
  const result = await context.runCli(words);
  store.dispatch({
    type: 'log',
    entry: { key, command: line, outcome: result.code === 0 ? 'done' : 'refused', detail: `exit ${result.code}` },
  });
  const current = store.get().mode;
  const isShown = current.name === 'output' && current.title === line;
  if (isShown) store.dispatch({ type: 'mode', mode: { ...output, text: result.output, running: false } });
  else if (result.code === 0) good(context, `Done: ${line}`);
  else bad(context, `Failed (exit ${result.code}): ${line}`);
}

function complete(context: ActionContext): void {
  const model = context.store.get();
  if (model.mode.name !== 'command') return;
  const { text, choices } = completeLine(model.mode.input.text, model);
  context.store.dispatch({ type: 'mode', mode: { ...model.mode, input: inputOf(text), choices } });
}

function runHelpEntry(context: ActionContext): void {
  const model = context.store.get();
  if (model.mode.name !== 'help') return;
  const entries = helpEntries(model);
  const entry = entries[wrapIndex(model.mode.index, entries.length)];
  if (!entry) return;
  if (entry.reason !== undefined) {
    bad(context, entry.reason);
    return;
  }
  context.store.dispatch({ type: 'ui', action: 'back' });
  context.runAction(entry.binding.action);
}

async function answerSetup(context: ActionContext): Promise<void> {
  const { mode } = context.store.get();
  if (mode.name !== 'setup') return;
  const step = setupSteps[mode.step];
  const value = step.choices
    ? (step.choices[wrapIndex(mode.choice, step.choices.length)]?.value ?? '')
    : mode.input.text.trim();
  if (
    value !== '' &&
    !(await ask(context, 'configSet', { key: step.key, value }, `config set ${step.key} ${JSON.stringify(value)}`))
  )
    return;
  const next = mode.step + 1;
  if (next < setupSteps.length) {
    const suggested = await ask(context, 'projectSuggest', {}, 'project suggest');
    const text = (next === 1 ? suggested?.setupCommand : suggested?.proofCommand) ?? '';
    return context.store.dispatch({
      type: 'mode',
      mode: { name: 'setup', step: next as 1 | 2, choice: 0, input: inputOf(text) },
    });
  }
  await finishSetup(context, 'Set up. n makes a bead, s starts an agent on it');
}

async function finishSetup(context: ActionContext, text: string): Promise<void> {
  context.rememberSetup();
  context.store.dispatch({ type: 'mode', mode: { name: 'board' } });
  good(context, text);
  await remindOfKey(context);
}

/** A provider may be chosen before it has its key: better said now than when the first agent cannot start. */
async function remindOfKey(context: ActionContext): Promise<void> {
  const config = await ask(context, 'configShow', { origin: false }, 'config show');
  const chosen = config?.items.find(({ key }) => key === 'provider')?.value;
  const known = await ask(context, 'providerList', {}, 'provider list');
  if (typeof chosen !== 'string' || !known || known.items.some(({ id }) => id === chosen)) return;
  bad(context, `${chosen} has no key yet, so no agent can start.`, `In a shell: godel secret set ${chosen}`);
}

function copyId(context: ActionContext): void {
  const ids = targetBeads(context.store.get()).map((bead) => bead.id);
  context.copy(ids.join(' '));
  good(context, `Copied ${ids.join(' ')}`);
}

/** To the pane with its dialog; what was asked by the inbox is answered there, as its pane shows a tool that runs. */
async function nextWaiting(context: ActionContext): Promise<void> {
  const { agents, inbox } = context.store.get();
  const waiting = [...agents.values()].filter((agent) => agent.observed.state === 'waiting');
  const [longest] = waiting.sort((a, b) => (a.observed.since < b.observed.since ? -1 : 1));
  if (!longest) return;
  const index = inbox.findIndex(({ id }) => id === longest.observed.question?.item);
  if (index < 0) await focusAgent(context, longest);
  else context.store.dispatch({ type: 'mode', mode: { name: 'inbox', index, choice: 0 } });
}

function leaveHint(context: ActionContext): void {
  if (context.exit) context.exit();
  else
    context.store.dispatch({ type: 'toast', toast: { kind: 'info', text: 'C-g d detaches; daemon and agents go on' } });
}

export const boardHandlers = {
  open,
  moveLeft: moveBy(-1),
  moveRight: moveBy(1),
  raisePriority: priorityBy(1),
  lowerPriority: priorityBy(-1),
  copyId,
  spawn: (context) => spawnOn(context, targetBeads(context.store.get())),
  confirmed,
  restart,
  pauseOrResume,
  review,
  accept,
  showConflicts,
  showCosts,
  keepOurs: resolveConflicts('keep'),
  takeTheirs: resolveConflicts('take'),
  undo: (context) => takeBack(context, 'undo'),
  redo: (context) => takeBack(context, 'redo'),
  nextWaiting,
  submitPrompt,
  runCommand,
  complete,
  runHelpEntry,
  answerSetup,
  skipSetup: (context) => finishSetup(context, 'Skipped. , asks again; godel config set does the same'),
  leaveHint,
} as const satisfies Partial<Record<CallAction, (context: ActionContext) => void | Promise<void>>>;
