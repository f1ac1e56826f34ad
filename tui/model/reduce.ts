/** The reducer: model and message in, model out. Data comes from snapshots and events only. */
import type { BoardSnapshot } from '../../src/system/schema.ts';
import type { BoardChange } from './changes.ts';
import { filterOf, plainWords } from './filter.ts';
import { withItem } from './inbox.ts';
import { insert } from './input.ts';
import { crewOf, lanesOf } from './lanes.ts';
import { mergeOf, withMergeChange } from './merge.ts';
import { settle } from './selection.ts';
import { choiceTyped, setupSteps } from './setup.ts';
import {
  type Change,
  type Connection,
  type Found,
  LANES,
  type LogEntry,
  type Mode,
  type Model,
  type Pending,
  type Size,
  type Toast,
} from './state.ts';
import { type UiAction, uiActions } from './ui.ts';

export type Message =
  | { readonly type: 'snapshot'; readonly snapshot: BoardSnapshot }
  | { readonly type: 'changes'; readonly seq: number; readonly changes: readonly BoardChange[] }
  | { readonly type: 'connection'; readonly connection: Connection }
  | { readonly type: 'resize'; readonly size: Size }
  | { readonly type: 'tick' }
  | { readonly type: 'ui'; readonly action: UiAction }
  | { readonly type: 'insert'; readonly text: string; readonly lines?: boolean }
  | { readonly type: 'mode'; readonly mode: Mode }
  | { readonly type: 'toast'; readonly toast: Omit<Toast, 'atMs'> }
  | { readonly type: 'want'; readonly beadId: string }
  /** How far the text of the mode can be scrolled. */
  | { readonly type: 'limit'; readonly scroll: number }
  | { readonly type: 'found'; readonly found: Found }
  | { readonly type: 'unmark' }
  | { readonly type: 'changed'; readonly change: Change }
  | { readonly type: 'undid' }
  | { readonly type: 'redid' }
  | { readonly type: 'remember'; readonly command: string }
  | { readonly type: 'log'; readonly entry: Omit<LogEntry, 'atMs'> }
  | { readonly type: 'pending'; readonly pending: Omit<Pending, 'sinceMs'> }
  | { readonly type: 'settled'; readonly key: number };

const MOST_UNDO = 100;
const MOST_LOG = 200;

/** How long a toast stays (ms); a refusal is read slower. */
export function toastLifeMs(toast: Toast): number {
  return toast.kind === 'bad' ? 12_000 : 4_000;
}

function withSnapshot(model: Model, snapshot: BoardSnapshot): Model {
  const beads = new Map(snapshot.beads.map((bead) => [bead.id, bead]));
  const agents = new Map(snapshot.agents.map((agent) => [agent.id, agent]));
  return relaned({
    ...model,
    project: snapshot.project,
    seq: snapshot.seq,
    beads,
    agents,
    inbox: snapshot.inbox,
    merge: mergeOf(snapshot.merge),
    spentUsd: snapshot.spentUsd,
    needsSetup: snapshot.needsSetup,
    convoys: new Map(snapshot.convoys.map((convoy) => [convoy.id, convoy])),
    crew: crewOf(agents.values()),
  });
}

/** The lanes again, after beads, convoys, the filter or what was found for it changed. */
function relaned(model: Model): Model {
  const { convoys, found, nowMs } = model;
  return { ...model, lanes: lanesOf(model.beads.values(), filterOf(model.filter, { convoys, found, nowMs })) };
}

function withChanges(model: Model, changes: readonly BoardChange[], seq: number): Model {
  const beads = new Map(model.beads);
  const agents = new Map(model.agents);
  const convoys = new Map(model.convoys);
  let { spentUsd, inbox, merge } = model;
  const projectId = model.project?.id;
  for (const change of changes) {
    if (change.kind === 'bead' && change.bead.projectId === projectId) {
      if (change.bead.version >= (beads.get(change.bead.id)?.version ?? 0)) beads.set(change.bead.id, change.bead);
    }
    if (change.kind === 'bead-gone') beads.delete(change.id);
    if (change.kind === 'agent' && change.agent.projectId === projectId) {
      if (change.agent.version >= (agents.get(change.agent.id)?.version ?? 0))
        agents.set(change.agent.id, change.agent);
    }
    if (change.kind === 'merge' && change.projectId === projectId) merge = withMergeChange(merge, change);
    if (change.kind === 'convoy' && change.convoy.projectId === projectId) {
      if (change.convoy.version >= (convoys.get(change.convoy.id)?.version ?? 0)) {
        convoys.set(change.convoy.id, change.convoy);
      }
    }
    if (change.kind === 'inbox' && change.item.projectId === projectId) inbox = withItem(inbox, change.item);
    if (change.kind === 'cost' && (change.projectId === undefined || change.projectId === projectId))
      spentUsd = change.spentUsd;
  }
  return relaned({
    ...model,
    beads,
    convoys,
    agents,
    inbox,
    merge,
    spentUsd,
    seq: Math.max(model.seq, seq),
    crew: crewOf(agents.values()),
  });
}

function withInsert(model: Model, text: string, lines: boolean): Model {
  const { mode } = model;
  if (mode.name === 'prompt' && mode.field === 'description' && mode.description) {
    return { ...model, mode: { ...mode, description: insert(mode.description, text, lines) } };
  }
  if (mode.name === 'prompt') {
    const many =
      lines && (mode.kind === 'message' || mode.kind === 'return' || mode.kind === 'spawn' || mode.kind === 'answer');
    return { ...model, mode: { ...mode, input: insert(mode.input, text, many) } };
  }
  if (mode.name === 'command')
    return { ...model, mode: { ...mode, input: insert(mode.input, text), choices: [], past: -1 } };
  if (mode.name === 'setup') {
    const { choices } = setupSteps[mode.step];
    const typed = choices
      ? { choice: choiceTyped(text, mode.choice, choices.length) }
      : { input: insert(mode.input, text) };
    return { ...model, mode: { ...mode, ...typed } };
  }
  if (mode.name === 'help') return { ...model, mode: { ...mode, input: insert(mode.input, text), index: 0 } };
  if (mode.name === 'filter') return refilter({ ...model, mode: { ...mode, input: insert(mode.input, text) } }, model);
  return model;
}

/** The filter works while it is typed. */
function refilter(model: Model, before: Model): Model {
  const filter = model.mode.name === 'filter' ? model.mode.input.text : model.filter;
  if (filter === before.filter && filter === model.filter) return model;
  return relaned({ ...model, filter });
}

/** What was found joins what the filter shows; while it is typed, the best of it that is shown is selected. */
function withFound(model: Model, found: Found): Model {
  const next = relaned({ ...model, found });
  if (model.mode.name !== 'filter' || plainWords(model.filter) !== found.words) return next;
  const shown = new Set(LANES.flatMap((lane) => next.lanes[lane]));
  const best = found.ids.find((id) => shown.has(id));
  return best === undefined ? next : { ...next, wanted: best };
}

function withLog(model: Model, entry: LogEntry): Model {
  const known = model.log.some((old) => old.key === entry.key);
  const log = known
    ? model.log.map((old) => (old.key === entry.key ? { ...entry, atMs: old.atMs } : old))
    : [...model.log, entry].slice(-MOST_LOG);
  return { ...model, log };
}

function withHistory(model: Model, message: Extract<Message, { type: 'changed' | 'undid' | 'redid' }>): Model {
  if (message.type === 'changed')
    return { ...model, done: [...model.done, message.change].slice(-MOST_UNDO), undone: [] };
  const [from, to] = message.type === 'undid' ? [model.done, model.undone] : [model.undone, model.done];
  const last = from.at(-1);
  if (!last) return model;
  const moved = { from: from.slice(0, -1), to: [...to, last] };
  return message.type === 'undid'
    ? { ...model, done: moved.from, undone: moved.to }
    : { ...model, undone: moved.from, done: moved.to };
}

function withoutOldToast(model: Model): Model {
  if (!model.toast || model.nowMs - model.toast.atMs < toastLifeMs(model.toast)) return model;
  const { toast: _, ...rest } = model;
  return rest;
}

function apply(model: Model, message: Message): Model {
  switch (message.type) {
    case 'snapshot':
      return withSnapshot(model, message.snapshot);
    case 'changes':
      return withChanges(model, message.changes, message.seq);
    case 'connection':
      return { ...model, connection: message.connection };
    case 'resize':
      return { ...model, size: message.size };
    case 'tick':
      return withoutOldToast(model);
    case 'ui':
      return refilter(uiActions[message.action](model), model);
    case 'insert':
      return withInsert(model, message.text, message.lines ?? false);
    case 'mode':
      return { ...model, mode: message.mode };
    case 'toast':
      return { ...model, toast: { ...message.toast, atMs: model.nowMs } };
    case 'want':
      return { ...model, wanted: message.beadId };
    case 'limit': {
      const { mode } = model;
      return 'scroll' in mode && mode.scroll > message.scroll
        ? { ...model, mode: { ...mode, scroll: message.scroll } }
        : model;
    }
    case 'found':
      return withFound(model, message.found);
    case 'unmark':
      return { ...model, marked: new Set() };
    case 'changed':
    case 'undid':
    case 'redid':
      return withHistory(model, message);
    case 'remember':
      return {
        ...model,
        history: [...model.history.filter((old) => old !== message.command), message.command].slice(-100),
      };
    case 'log':
      return withLog(model, { ...message.entry, atMs: model.nowMs });
    case 'pending':
      return { ...model, pending: [...model.pending, { ...message.pending, sinceMs: model.nowMs }] };
    case 'settled':
      return { ...model, pending: model.pending.filter((pending) => pending.key !== message.key) };
  }
}

/** Applies one message at `nowMs` (Unix ms) and keeps selection and scrolling valid. */
export function reduce(model: Model, message: Message, nowMs: number): Model {
  const timed = model.nowMs === nowMs ? model : { ...model, nowMs };
  const next = apply(timed, message);
  return settle(next, model);
}
