/** What keys do to the screen alone: moving, opening, closing, typing. Pure; nothing is asked of the daemon. */
import type { BeadStatus } from '../../src/beads/schema.ts';
import { filterConvoy, moveInConvoys, openConvoys } from './convoys.ts';
import { arrangementOf, cardHeight, endOfWindow, geometryOf } from './geometry.ts';
import { moveChoice, moveInInbox, openInbox } from './inbox.ts';
import { type Edit, edits, emptyInput, inputOf, type TextInput } from './input.ts';
import { selectedAgent, selectedBead, targetAgents, targetBeads } from './selection.ts';
import { askFork, askRewind, moveInSession } from './session.ts';
import { LANES, type Mode, type Model, type PromptKind, setupStart } from './state.ts';

function selectIn(model: Model, lane: BeadStatus, index: number): Model {
  const ids = model.lanes[lane];
  const id = ids[Math.max(0, Math.min(ids.length - 1, index))];
  return { ...model, selected: { ...model.selected, [lane]: id }, cursor: { ...model.cursor, zone: 'lanes', lane } };
}

/** Stacked lanes read as one list: moving past the end of one goes on in the next that has cards. */
function flow(model: Model, step: 1 | -1): Model {
  if (arrangementOf(model.size) !== 'stacked') return model;
  const rest =
    step === 1
      ? LANES.slice(LANES.indexOf(model.cursor.lane) + 1)
      : LANES.slice(0, LANES.indexOf(model.cursor.lane)).reverse();
  const lane = rest.find((candidate) => model.lanes[candidate].length > 0);
  return lane === undefined ? model : selectIn(model, lane, step === 1 ? 0 : model.lanes[lane].length - 1);
}

function moveAgent(model: Model, by: number): Model {
  const index = model.crew.indexOf(model.cursor.agentId ?? '');
  const id = model.crew[Math.max(0, Math.min(model.crew.length - 1, index + by))];
  return id === undefined ? model : { ...model, cursor: { ...model.cursor, agentId: id } };
}

function scrolled(model: Model, by: number): Model {
  const { mode } = model;
  if (!('scroll' in mode)) return model;
  return { ...model, mode: { ...mode, scroll: Math.max(0, mode.scroll + by) } };
}

function move(model: Model, by: number): Model {
  if (model.mode.name === 'inbox') return moveInInbox(model, by);
  if (model.mode.name === 'convoys') return moveInConvoys(model, by);
  if (model.mode.name === 'session') return moveInSession(model, by);
  if (model.mode.name !== 'board') return scrolled(model, by);
  if (model.cursor.zone === 'agents') return moveAgent(model, by * geometryOf(model).agentColumns);
  const { lane } = model.cursor;
  const index = model.lanes[lane].indexOf(model.selected[lane] ?? '');
  const next = index + by;
  if (Math.abs(by) === 1 && (next < 0 || next >= model.lanes[lane].length)) return flow(model, by === 1 ? 1 : -1);
  return selectIn(model, lane, next);
}

function half(model: Model): number {
  if (model.mode.name !== 'board') return Math.max(1, Math.floor((model.size.rows - 4) / 2));
  const geometry = geometryOf(model);
  const { lane } = model.cursor;
  const heights = (index: number) =>
    cardHeight(model, model.beads.get(model.lanes[lane][index] ?? ''), geometry.arrangement);
  const shown =
    endOfWindow(heights, model.lanes[lane].length, model.tops[lane], geometry.cardRows[lane]) - model.tops[lane];
  return Math.max(1, Math.floor(shown / 2));
}

function sideways(model: Model, by: 1 | -1): Model {
  if (model.cursor.zone === 'agents') return moveAgent(model, by);
  const lane = LANES[LANES.indexOf(model.cursor.lane) + by];
  return lane === undefined ? model : { ...model, cursor: { ...model.cursor, lane } };
}

function edge(model: Model, last: boolean): Model {
  if (model.mode.name === 'inbox') return moveInInbox(model, last ? 1_000_000 : -1_000_000);
  if (model.mode.name === 'convoys') return moveInConvoys(model, last ? 1_000_000 : -1_000_000);
  if (model.mode.name === 'session') return moveInSession(model, last ? 1_000_000 : -1_000_000);
  if (model.mode.name !== 'board') return scrolled(model, last ? 1_000_000 : -1_000_000);
  if (model.cursor.zone === 'agents') return moveAgent(model, last ? model.crew.length : -model.crew.length);
  return selectIn(model, model.cursor.lane, last ? Number.MAX_SAFE_INTEGER : 0);
}

function activeInput(mode: Mode): TextInput | undefined {
  if (mode.name === 'prompt') return mode.field === 'description' ? mode.description : mode.input;
  return 'input' in mode ? mode.input : undefined;
}

function withInput(model: Model, input: TextInput): Model {
  const { mode } = model;
  if (mode.name === 'prompt' && mode.field === 'description')
    return { ...model, mode: { ...mode, description: input } };
  if (mode.name === 'prompt' || mode.name === 'filter' || mode.name === 'setup')
    return { ...model, mode: { ...mode, input } };
  if (mode.name === 'command') return { ...model, mode: { ...mode, input, choices: [], past: -1 } };
  if (mode.name === 'help') return { ...model, mode: { ...mode, input, index: 0 } };
  return model;
}

const edit = (name: Edit) => (model: Model) => {
  const input = activeInput(model.mode);
  return input ? withInput(model, edits[name](input)) : model;
};

function fromDetail(model: Model): { from?: string } {
  return model.mode.name === 'detail' ? { from: model.mode.beadId } : {};
}

function openPrompt(model: Model, kind: PromptKind, label: string, targets: readonly string[], text = ''): Model {
  const base = {
    name: 'prompt',
    kind,
    label,
    targets,
    input: inputOf(text),
    field: 'title',
    ...fromDetail(model),
  } as const;
  return { ...model, mode: kind === 'create' ? { ...base, description: emptyInput } : base };
}

const beadIds = (model: Model) => targetBeads(model).map((bead) => bead.id);

function closeOnBoard(model: Model): Model {
  if (model.toast) {
    const { toast: _, ...rest } = model;
    return rest;
  }
  if (model.marked.size > 0) return { ...model, marked: new Set() };
  if (model.filter !== '') return { ...model, filter: '' };
  return model.cursor.zone === 'agents' ? { ...model, cursor: { ...model.cursor, zone: 'lanes' } } : model;
}

/** One level back. Esc in the filter line restores the filter that was there before. */
function back(model: Model): Model {
  const { mode } = model;
  if (mode.name === 'board') return closeOnBoard(model);
  if (mode.name === 'filter') return { ...model, filter: mode.before, mode: { name: 'board' } };
  if ((mode.name === 'prompt' || mode.name === 'help') && mode.from !== undefined) {
    return { ...model, mode: { name: 'detail', beadId: mode.from, scroll: 0 } };
  }
  if (mode.name === 'prompt' && mode.kind === 'answer') return openInbox(model);
  return { ...model, mode: { name: 'board' } };
}

function recall(model: Model, by: 1 | -1): Model {
  const { mode, history } = model;
  if (mode.name === 'help') return { ...model, mode: { ...mode, index: mode.index - by } };
  if (mode.name === 'setup') return { ...model, mode: { ...mode, choice: mode.choice - by } };
  if (mode.name !== 'command') return model;
  const past = Math.max(-1, Math.min(history.length - 1, mode.past + by));
  const text = past === -1 ? '' : (history[history.length - 1 - past] ?? '');
  return { ...model, mode: { ...mode, input: inputOf(text), choices: [], past } };
}

function toggleMark(model: Model): Model {
  const bead = selectedBead(model);
  if (!bead) return model;
  const marked = new Set(model.marked);
  if (!marked.delete(bead.id)) marked.add(bead.id);
  return move({ ...model, marked }, 1);
}

function nextField(model: Model): Model {
  const { mode } = model;
  if (mode.name !== 'prompt' || !mode.description) return model;
  return { ...model, mode: { ...mode, field: mode.field === 'title' ? 'description' : 'title' } };
}

function askStop(model: Model): Model {
  const agents = targetAgents(model);
  const names = agents.map((agent) => agent.name).join(', ');
  const question = `Stop ${names}? Its work is kept.`;
  return {
    ...model,
    mode: { name: 'confirm', question, action: 'stopAgents', targets: agents.map((agent) => agent.id) },
  };
}

export const uiActions = {
  moveDown: (model: Model) => move(model, 1),
  moveUp: (model: Model) => move(model, -1),
  laneLeft: (model: Model) => sideways(model, -1),
  laneRight: (model: Model) => sideways(model, 1),
  first: (model: Model) => edge(model, false),
  last: (model: Model) => edge(model, true),
  halfDown: (model: Model) => move(model, Math.max(2, half(model))),
  halfUp: (model: Model) => move(model, -Math.max(2, half(model))),
  switchZone: (model: Model): Model => ({
    ...model,
    cursor: { ...model.cursor, zone: model.cursor.zone === 'lanes' ? 'agents' : 'lanes' },
  }),
  toggleMark,
  openDetail: (model: Model): Model => {
    const bead = targetBeads({ ...model, marked: new Set() })[0];
    return bead ? { ...model, mode: { name: 'detail', beadId: bead.id, scroll: 0 } } : model;
  },
  openFilter: (model: Model): Model => ({
    ...model,
    mode: { name: 'filter', input: inputOf(model.filter), before: model.filter },
  }),
  applyFilter: (model: Model): Model => ({ ...model, mode: { name: 'board' } }),
  openConvoys,
  askRewind,
  askFork,
  filterConvoy,
  openCommand: (model: Model): Model => ({
    ...model,
    mode: { name: 'command', input: emptyInput, choices: [], past: -1 },
  }),
  openHelp: (model: Model): Model => ({
    ...model,
    mode: { name: 'help', input: emptyInput, index: 0, ...fromDetail(model) },
  }),
  openInbox,
  choiceLeft: (model: Model) => moveChoice(model, -1),
  choiceRight: (model: Model) => moveChoice(model, 1),
  openQueue: (model: Model): Model => ({ ...model, mode: { name: 'queue', scroll: 0 } }),
  openLog: (model: Model): Model => ({ ...model, mode: { name: 'log', scroll: 0 } }),
  openSetup: (model: Model): Model => ({ ...model, mode: setupStart }),
  promptCreate: (model: Model) => openPrompt(model, 'create', 'New bead', []),
  promptEdit: (model: Model) => {
    const bead = selectedBead(model);
    return bead ? openPrompt(model, 'edit', 'Title', [bead.id], bead.title) : model;
  },
  promptSpawn: (model: Model) => openPrompt(model, 'spawn', 'Prompt for the new agent', beadIds(model)),
  promptMessage: (model: Model) => {
    const agent = selectedAgent(model);
    return agent ? openPrompt(model, 'message', `To ${agent.name}`, [agent.id]) : model;
  },
  promptReturn: (model: Model) => openPrompt(model, 'return', 'What shall be changed?', beadIds(model)),
  askStop,
  nextField,
  back,
  recallOlder: (model: Model) => recall(model, 1),
  recallNewer: (model: Model) => recall(model, -1),
  cursorLeft: edit('left'),
  cursorRight: edit('right'),
  cursorStart: edit('start'),
  cursorEnd: edit('end'),
  eraseLeft: edit('backspace'),
  eraseRight: edit('delete'),
  eraseWord: edit('deleteWord'),
  eraseToStart: edit('deleteToStart'),
  eraseToEnd: edit('deleteToEnd'),
} as const satisfies Record<string, (model: Model) => Model>;

export type UiAction = keyof typeof uiActions;
