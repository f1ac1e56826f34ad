/** What keys ask of the daemon: call, wait for the event, say what came of it. The model is never patched. */

import type { Agent } from '../src/agents/schema.ts';
import { isLive } from '../src/agents/state.ts';
import { GodelError, messageOf } from '../src/base/error.ts';
import type { InputOf, OutputOf } from '../src/base/operation.ts';
import type { Bead, BeadStatus, Priority } from '../src/beads/schema.ts';
import type { Operations } from '../src/operations.ts';
import { completeLine, splitWords } from './command-line.ts';
import { helpEntries } from './help.ts';
import type { CallAction } from './keymap.ts';
import { inputOf } from './model/input.ts';
import { laneBeside, liveAgentOn, moveReason, PRIORITIES } from './model/reasons.ts';
import { selectedAgent, targetAgents, targetBeads } from './model/selection.ts';
import { setupSteps, wrapIndex } from './model/setup.ts';
import type { Change, Model } from './model/state.ts';
import { clean, shortId } from './model/text.ts';
import type { Surroundings } from './ports.ts';
import type { Store } from './store.ts';

/** How long the board waits to hear of its own change before it says so (ms). */
const EVENT_WAIT_MS = 3_000;

export interface ActionContext extends Surroundings {
  readonly store: Store;
  /** Runs the action of a help entry after help was closed. */
  readonly runAction: (action: string) => void;
  /** Puts a session back or forks it, after the question was answered with yes. */
  confirmedMove: (action: string, targets: readonly string[]) => Promise<void>;
  /** Answers an item of the inbox. */
  readonly answerItem: (id: string, answer: { choice?: string; text?: string }) => Promise<void>;
}

let keys = 0;
const nextKey = () => (keys += 1);

export function good(context: ActionContext, text: string): void {
  context.store.dispatch({ type: 'toast', toast: { kind: 'good', text } });
}

export function bad(context: ActionContext, text: string, hint?: string): void {
  context.store.dispatch({ type: 'toast', toast: { kind: 'bad', text, ...(hint === undefined ? {} : { hint }) } });
}

/** Calls one operation; logs it in the words of the CLI; a refusal becomes a toast. Undefined when refused. */
export async function ask<K extends keyof Operations>(
  context: ActionContext,
  operation: K,
  input: InputOf<Operations[K]>,
  command: string,
): Promise<OutputOf<Operations[K]> | undefined> {
  const { store } = context;
  const key = nextKey();
  store.dispatch({ type: 'log', entry: { key, command, outcome: 'running' } });
  store.dispatch({ type: 'pending', pending: { key, label: command } });
  try {
    const output = await context.client.call(operation, input);
    store.dispatch({ type: 'log', entry: { key, command, outcome: 'done' } });
    return output;
  } catch (error) {
    const text = clean(messageOf(error));
    store.dispatch({ type: 'log', entry: { key, command, outcome: 'refused', detail: text } });
    bad(context, text, error instanceof GodelError ? clean(error.hint) : undefined);
    return undefined;
  } finally {
    store.dispatch({ type: 'settled', key });
  }
}

async function heard(context: ActionContext, holds: (model: Model) => boolean, text: string): Promise<void> {
  const isShown = await context.store.until(holds, EVENT_WAIT_MS);
  good(context, isShown ? text : `${text} (accepted; the board has not heard of it yet)`);
}

const heardBead = (bead: Bead) => (model: Model) => (model.beads.get(bead.id)?.version ?? -1) >= bead.version;

/** Applies one change of a field; the same call undoes and redoes. */
async function apply(context: ActionContext, change: Change, to: string): Promise<Bead | undefined> {
  const { beadId: id, field } = change;
  const quoted = field === 'title' ? JSON.stringify(to) : to;
  if (field === 'status')
    return ask(context, 'beadStatus', { id, status: to as BeadStatus }, `bead status ${id} ${to}`);
  const input = field === 'priority' ? { id, priority: to as Priority } : { id, title: to };
  return ask(context, 'beadUpdate', input, `bead update ${id} --${field} ${quoted}`);
}

async function change(context: ActionContext, wanted: Change): Promise<void> {
  const bead = await apply(context, wanted, wanted.to);
  if (!bead) return;
  context.store.dispatch({ type: 'changed', change: wanted });
  await heard(context, heardBead(bead), wanted.label);
}

async function changeAll(context: ActionContext, changes: readonly Change[]): Promise<void> {
  for (const one of changes) await change(context, one);
  context.store.dispatch({ type: 'unmark' });
}

function moveBy(by: 1 | -1): (context: ActionContext) => Promise<void> {
  return (context) => {
    const changes = targetBeads(context.store.get()).flatMap((bead): Change[] => {
      const to = laneBeside(bead.status, by);
      if (to === undefined || moveReason(bead, by) !== undefined) return [];
      return [{ label: `${shortId(bead.id)} is ${to}`, beadId: bead.id, field: 'status', from: bead.status, to }];
    });
    return changeAll(context, changes);
  };
}

function priorityBy(by: 1 | -1): (context: ActionContext) => Promise<void> {
  return (context) => {
    const changes = targetBeads(context.store.get()).flatMap((bead): Change[] => {
      const to = PRIORITIES[PRIORITIES.indexOf(bead.priority) + by];
      return to === undefined
        ? []
        : [{ label: `${shortId(bead.id)} is ${to}`, beadId: bead.id, field: 'priority', from: bead.priority, to }];
    });
    return changeAll(context, changes);
  };
}

function currentOf(bead: Bead, field: Change['field']): string {
  return field === 'status' ? bead.status : field === 'priority' ? bead.priority : bead.title;
}

async function takeBack(context: ActionContext, direction: 'undo' | 'redo'): Promise<void> {
  const model = context.store.get();
  const last = (direction === 'undo' ? model.done : model.undone).at(-1);
  if (!last) return;
  const [now, to] = direction === 'undo' ? [last.to, last.from] : [last.from, last.to];
  const message = { type: direction === 'undo' ? 'undid' : 'redid' } as const;
  const bead = model.beads.get(last.beadId);
  if (!bead || currentOf(bead, last.field) !== now) {
    context.store.dispatch(message);
    return bad(context, `${shortId(last.beadId)} was changed since by somebody else; left as it is`);
  }
  const result = await apply(context, last, to);
  if (!result) return;
  context.store.dispatch(message);
  await heard(
    context,
    heardBead(result),
    `${direction === 'undo' ? 'Undone' : 'Redone'}: ${shortId(last.beadId)} ${last.field} is ${clean(to)}`,
  );
}

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
    await heard(context, heardBead(result.bead), outcome);
  }
  context.store.dispatch({ type: 'unmark' });
}

async function create(context: ActionContext, title: string, description: string): Promise<void> {
  const words = `bead create ${JSON.stringify(title)}${description ? ` --description ${JSON.stringify(description)}` : ''}`;
  const bead = await ask(context, 'beadCreate', { title, ...(description ? { description } : {}) }, words);
  if (!bead) return;
  context.store.dispatch({ type: 'want', beadId: bead.id });
  await heard(context, heardBead(bead), `Created ${shortId(bead.id)}`);
}

async function sendBack(context: ActionContext, beads: readonly Bead[], comment: string): Promise<void> {
  for (const bead of beads.filter((one) => one.status === 'review')) {
    const words = `review return ${bead.id} --comment ${JSON.stringify(comment)}`;
    const result = await ask(context, 'reviewReturn', { id: bead.id, comment }, words);
    const where =
      result?.delivery === 'queued'
        ? `the comment goes to ${result.bead.agent}`
        : 'the comment waits for its next agent';
    if (result) await heard(context, heardBead(result.bead), `${shortId(bead.id)} is in progress again; ${where}`);
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
    await change(context, {
      label: `Renamed ${shortId(bead.id)}`,
      beadId: bead.id,
      field: 'title',
      from: bead.title,
      to: text,
    });
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
      if (result?.bead) await heard(context, heardBead(result.bead), text);
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
  finishSetup(context, 'Set up. n makes a bead, s starts an agent on it');
}

function finishSetup(context: ActionContext, text: string): void {
  context.rememberSetup();
  context.store.dispatch({ type: 'mode', mode: { name: 'board' } });
  good(context, text);
}

function copyId(context: ActionContext): void {
  const ids = targetBeads(context.store.get()).map((bead) => bead.id);
  context.copy(ids.join(' '));
  good(context, `Copied ${ids.join(' ')}`);
}

async function nextWaiting(context: ActionContext): Promise<void> {
  const waiting = [...context.store.get().agents.values()].filter((agent) => agent.observed.state === 'waiting');
  const [longest] = waiting.sort((a, b) => (a.observed.since < b.observed.since ? -1 : 1));
  if (longest) await focusAgent(context, longest);
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
