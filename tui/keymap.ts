/**
 * The one table of keys: what each does in which mode, the operation it asks the daemon for, its
 * hint and help, and why it is refused now. Dispatch, hints, `?` and the docs all read this table.
 */
import { indexKeys, type KeyBinding } from './key-table.ts';
import { edit, typing } from './keymap-text.ts';
import { noConvoy } from './model/convoys.ts';
import { noAlways, noItem } from './model/inbox.ts';
import {
  awayReason,
  noAgent,
  noBead,
  noChoices,
  noConflict,
  noEdit,
  noLiveAgent,
  noMessage,
  noMove,
  noPriority,
  noRestart,
  noReview,
  noSpawn,
  noVerdict,
  noWaiting,
} from './model/reasons.ts';
import { selectedBead } from './model/selection.ts';
import { noPoint } from './model/session.ts';
import type { Model, ModeName } from './model/state.ts';
import type { UiAction } from './model/ui.ts';

/** Actions that ask the daemon, or anything else outside the model; `actions.ts` has one function for each. */
export const callActions = [
  'open',
  'moveLeft',
  'moveRight',
  'raisePriority',
  'lowerPriority',
  'copyId',
  'spawn',
  'confirmed',
  'showSession',
  'restart',
  'pauseOrResume',
  'review',
  'accept',
  'showConflicts',
  'showCosts',
  'showRecordings',
  'keepOurs',
  'takeTheirs',
  'undo',
  'redo',
  'nextWaiting',
  'submitPrompt',
  'runCommand',
  'showWorktrees',
  'complete',
  'runHelpEntry',
  'answerSetup',
  'skipSetup',
  'giveChoice',
  'giveAlways',
  'answerInWords',
  'dismissItem',
  'goToAsker',
  'archiveConvoy',
  'leaveHint',
] as const;
export type CallAction = (typeof callActions)[number];
export type ActionName = UiAction | CallAction;

export type Binding = KeyBinding<ModeName, ActionName, Model>;

const cards: readonly ModeName[] = ['board', 'detail'];
const scrolling: readonly ModeName[] = ['board', 'detail', 'log', 'queue', 'output', 'inbox', 'convoys', 'session'];
const noChange = (list: 'done' | 'undone', word: string) => (model: Model) =>
  awayReason(model) ?? (model[list].length === 0 ? `Nothing to ${word}` : undefined);

// biome-ignore format: one line a key reads as the table it is.
const boardKeys: readonly Binding[] = [
  { action: 'promptCreate', modes: ['board'], keys: ['n'], operation: 'beadCreate', hint: 'new', tooltip: 'Make a bead', disabledReason: awayReason },
  { action: 'open', modes: ['board'], keys: ['enter'], operation: 'boardFocus', hint: 'open', tooltip: 'Go to the agent of the bead when it runs, else open the bead' },
  { action: 'spawn', modes: cards, keys: ['s'], operation: 'agentSpawn', hint: 'spawn', tooltip: 'Start an agent on the bead', disabledReason: noSpawn },
  { action: 'review', modes: cards, keys: ['d'], operation: 'boardPopup', hint: 'diff', tooltip: 'Look at the diff of the bead in a popup', disabledReason: noReview },
  { action: 'accept', modes: cards, keys: ['a'], operation: 'reviewAccept', hint: 'accept', tooltip: 'Accept: run the gate and land the work on the main branch', disabledReason: noVerdict },
  { action: 'promptReturn', modes: cards, keys: ['R'], operation: 'reviewReturn', hint: 'send back', tooltip: 'Send the work back to its agent with a comment', disabledReason: noVerdict },
  { action: 'openInbox', modes: ['board'], keys: ['i'], hint: 'inbox', tooltip: 'Show everything that waits for you, and answer it' },
  { action: 'openFilter', modes: ['board'], keys: ['/'], hint: 'filter', tooltip: 'Show only beads with these words anywhere, or type:bug, agent:x, label:x, convoy:x, parent:x, is:late' },
  { action: 'openHelp', modes: cards, keys: ['?'], hint: 'help', tooltip: 'Search all keys and run one' },
  { action: 'openDetail', modes: ['board'], keys: ['o'], tooltip: 'Open the bead with its notes, commits and proof', disabledReason: noBead },
  { action: 'moveLeft', modes: cards, keys: ['H', 'S-left'], operation: 'beadStatus', tooltip: 'Move the card one lane left', disabledReason: noMove(-1) },
  { action: 'moveRight', modes: cards, keys: ['L', 'S-right'], operation: 'beadStatus', tooltip: 'Move the card one lane right', disabledReason: noMove(1) },
  { action: 'lowerPriority', modes: cards, keys: ['J'], operation: 'beadUpdate', tooltip: 'Lower the priority', disabledReason: noPriority(-1) },
  { action: 'raisePriority', modes: cards, keys: ['K'], operation: 'beadUpdate', tooltip: 'Raise the priority', disabledReason: noPriority(1) },
  { action: 'promptEdit', modes: cards, keys: ['e'], operation: 'beadUpdate', tooltip: 'Edit the title', disabledReason: noEdit },
  { action: 'copyId', modes: cards, keys: ['y'], tooltip: 'Copy the id of the bead', disabledReason: noBead },
  { action: 'promptSpawn', modes: cards, keys: ['S'], operation: 'agentSpawn', tooltip: 'Start an agent with a prompt of your own', disabledReason: awayReason },
  { action: 'promptMessage', modes: cards, keys: ['m'], operation: 'agentSend', tooltip: 'Send a message to the agent', disabledReason: noMessage },
  { action: 'askStop', modes: ['board'], keys: ['x'], operation: 'agentStop', tooltip: 'Stop the agent (asks first)', disabledReason: (model) => awayReason(model) ?? noLiveAgent(model) },
  { action: 'restart', modes: cards, keys: ['r'], operation: 'agentRestart', tooltip: 'Start an ended agent again, with its conversation', disabledReason: noRestart },
  { action: 'pauseOrResume', modes: cards, keys: ['p'], operation: 'agentPause', tooltip: 'Pause the agent, or let it go on', disabledReason: (model) => awayReason(model) ?? noLiveAgent(model) },
  { action: 'nextWaiting', modes: ['board'], keys: ['!'], operation: 'boardFocus', tooltip: 'Go to an agent that waits for you', disabledReason: noWaiting },
  { action: 'toggleMark', modes: ['board'], keys: ['space'], tooltip: 'Mark the card; keys then act on all marked', disabledReason: (model) => (selectedBead(model) && model.cursor.zone === 'lanes' ? undefined : 'Select a card first') },
  { action: 'switchZone', modes: ['board'], keys: ['tab', 'S-tab'], tooltip: 'Between cards and agents', disabledReason: (model) => (model.crew.length === 0 ? noAgent(model) : undefined) },
  { action: 'showConflicts', modes: cards, keys: ['c'], operation: 'beadConflicts', tooltip: 'Show what another clone changed differently (≠ on the card)', disabledReason: noConflict },
  { action: 'keepOurs', modes: ['board', 'detail', 'output'], keys: ['<'], operation: 'beadResolve', tooltip: 'Conflicts of the bead: keep the values that are there', disabledReason: (model) => awayReason(model) ?? noConflict(model) },
  { action: 'takeTheirs', modes: ['board', 'detail', 'output'], keys: ['>'], operation: 'beadResolve', tooltip: 'Conflicts of the bead: take the values that were lost', disabledReason: (model) => awayReason(model) ?? noConflict(model) },
  { action: 'openCommand', modes: cards, keys: [':'], tooltip: 'Run a command, in the words of the CLI' },
  { action: 'undo', modes: cards, keys: ['u'], operation: 'beadUpdate', tooltip: 'Take back the last move or edit', disabledReason: noChange('done', 'undo') },
  { action: 'redo', modes: cards, keys: ['C-r'], operation: 'beadUpdate', tooltip: 'Do again what was taken back', disabledReason: noChange('undone', 'redo') },
  { action: 'openQueue', modes: ['board'], keys: ['Q'], operation: 'mergeList', tooltip: 'Show the merge queue, and unfinished work that clashes' },
  { action: 'showWorktrees', modes: [...cards, 'output'], keys: ['w'], operation: 'worktreeList', tooltip: 'Show the worktrees: state, ports, size; again reads them anew', disabledReason: awayReason },
  { action: 'showCosts', modes: cards, keys: ['$'], operation: 'costOverview', tooltip: 'Show what was spent, by whom and on what, and the budgets', disabledReason: awayReason },
  { action: 'showSession', modes: [...cards, 'session'], keys: ['T'], operation: 'sessionTree', tooltip: 'Show the conversation with its checkpoints: go back to one, or fork there', disabledReason: awayReason },
  { action: 'showRecordings', modes: [...cards, 'output'], keys: ['V'], operation: 'recordingTree', tooltip: 'Show what the models were asked for the bead or agent, and what they answered, where it is recorded', disabledReason: awayReason },
  { action: 'openConvoys', modes: ['board'], keys: ['C'], tooltip: 'Show the convoys: how far each is and when it may be done' },
  { action: 'openLog', modes: ['board'], keys: ['@'], tooltip: 'Show what was run' },
  { action: 'openSetup', modes: ['board'], keys: [','], operation: 'configSet', tooltip: 'Choose provider, set-up and proof command', disabledReason: awayReason },
];

// biome-ignore format: one line a key reads as the table it is.
const movementKeys: readonly Binding[] = [
  { action: 'moveDown', modes: scrolling, keys: ['j', 'down'], tooltip: 'Down' },
  { action: 'moveUp', modes: scrolling, keys: ['k', 'up'], tooltip: 'Up' },
  { action: 'laneLeft', modes: ['board'], keys: ['h', 'left'], tooltip: 'Lane to the left' },
  { action: 'laneRight', modes: ['board'], keys: ['l', 'right'], tooltip: 'Lane to the right' },
  { action: 'first', modes: scrolling, keys: ['g', 'home'], tooltip: 'First' },
  { action: 'last', modes: scrolling, keys: ['G', 'end'], tooltip: 'Last' },
  { action: 'halfDown', modes: scrolling, keys: ['C-d', 'pagedown'], tooltip: 'Half a page down' },
  { action: 'halfUp', modes: scrolling, keys: ['C-u', 'pageup'], tooltip: 'Half a page up' },
  { action: 'back', modes: scrolling, keys: ['esc', 'q'], tooltip: 'One level back' },
  { action: 'leaveHint', modes: ['board', 'detail', 'log', 'queue', 'output', 'inbox', 'convoys', 'session', 'filter', 'command', 'prompt', 'confirm', 'help', 'setup'], keys: ['C-c'], tooltip: 'How to leave the board' },
];

// biome-ignore format: one line a key reads as the table it is.
const lineKeys: readonly Binding[] = [
  { action: 'applyFilter', modes: ['filter'], keys: ['enter'], hint: 'keep', tooltip: 'Keep the filter' },
  { action: 'back', modes: ['filter'], keys: ['esc'], hint: 'drop', tooltip: 'Back to the filter before' },
  { action: 'runCommand', modes: ['command'], keys: ['enter'], hint: 'run', tooltip: 'Run the command' },
  { action: 'complete', modes: ['command'], keys: ['tab'], hint: 'complete', tooltip: 'Complete the word' },
  { action: 'submitPrompt', modes: ['prompt'], keys: ['enter'], hint: 'send', tooltip: 'Send what was typed' },
  { action: 'nextField', modes: ['prompt'], keys: ['tab', 'S-tab'], hint: 'description', tooltip: 'Between title and description', disabledReason: (model) => (model.mode.name === 'prompt' && model.mode.description ? undefined : 'There is one field only') },
  { action: 'back', modes: ['command', 'prompt', 'help'], keys: ['esc'], hint: 'cancel', tooltip: 'Close without doing anything' },
  { action: 'confirmed', modes: ['confirm'], keys: ['y'], hint: 'yes', tooltip: 'Do it', disabledReason: awayReason },
  { action: 'back', modes: ['confirm'], keys: ['n', 'esc', 'q', 'enter'], hint: 'no', tooltip: 'Leave it as it is' },
  { action: 'runHelpEntry', modes: ['help'], keys: ['enter'], hint: 'run', tooltip: 'Run the selected entry' },
  { action: 'answerSetup', modes: ['setup'], keys: ['enter'], operation: 'configSet', hint: 'next', tooltip: 'Take this answer' },
  { action: 'skipSetup', modes: ['setup'], keys: ['esc'], hint: 'skip', tooltip: 'Skip the questions; , asks them again' },
  { action: 'recallOlder', modes: ['command', 'help'], keys: ['up', 'C-p'], tooltip: 'Entry before' },
  { action: 'recallNewer', modes: ['command', 'help'], keys: ['down', 'C-n'], tooltip: 'Entry after' },
  { action: 'recallOlder', modes: ['setup'], keys: ['up', 'C-p'], tooltip: 'The choice before; k as well', disabledReason: noChoices },
  { action: 'recallNewer', modes: ['setup'], keys: ['down', 'C-n'], hint: 'choose', tooltip: 'The choice after; j as well', disabledReason: noChoices },
];

// biome-ignore format: one line a key reads as the table it is.
const convoyKeys: readonly Binding[] = [
  { action: 'filterConvoy', modes: ['convoys'], keys: ['enter'], hint: 'cards', tooltip: 'Show the cards of the convoy only', disabledReason: noConvoy },
  { action: 'archiveConvoy', modes: ['convoys'], keys: ['A'], operation: 'convoyArchive', hint: 'archive', tooltip: 'Put the convoy away, or take it back', disabledReason: (model) => awayReason(model) ?? noConvoy(model) },
];

// biome-ignore format: one line a key reads as the table it is.
const sessionKeys: readonly Binding[] = [
  { action: 'askRewind', modes: ['session'], keys: ['b'], operation: 'sessionRewind', hint: 'go back', tooltip: 'Put conversation and files back to this point (asks first)', disabledReason: (model) => awayReason(model) ?? noPoint(model) },
  { action: 'askFork', modes: ['session'], keys: ['f'], operation: 'sessionFork', hint: 'fork', tooltip: 'Another agent goes on from this point (asks first)', disabledReason: (model) => awayReason(model) ?? noPoint(model) },
];

// biome-ignore format: one line a key reads as the table it is.
const inboxKeys: readonly Binding[] = [
  { action: 'giveChoice', modes: ['inbox'], keys: ['enter'], operation: 'inboxAnswer', hint: 'answer', tooltip: 'Give the chosen answer; where there is none, answer in words', disabledReason: (model) => awayReason(model) ?? noItem(model) },
  { action: 'choiceRight', modes: ['inbox'], keys: ['l', 'right', 'tab'], hint: 'choose', tooltip: 'Next answer', disabledReason: noItem },
  { action: 'choiceLeft', modes: ['inbox'], keys: ['h', 'left', 'S-tab'], tooltip: 'Answer before', disabledReason: noItem },
  { action: 'giveAlways', modes: ['inbox'], keys: ['A'], operation: 'inboxAnswer', hint: 'always', tooltip: 'Give this answer now and always to this command, in this project', disabledReason: (model) => awayReason(model) ?? noAlways(model) },
  { action: 'answerInWords', modes: ['inbox'], keys: ['t'], operation: 'inboxAnswer', hint: 'words', tooltip: 'Answer in words', disabledReason: (model) => awayReason(model) ?? noItem(model) },
  { action: 'goToAsker', modes: ['inbox'], keys: ['o'], operation: 'boardFocus', hint: 'go there', tooltip: 'Go to the agent, or open the bead', disabledReason: noItem },
  { action: 'dismissItem', modes: ['inbox'], keys: ['x'], operation: 'inboxDismiss', hint: 'dismiss', tooltip: 'Take it off the list without an answer', disabledReason: (model) => awayReason(model) ?? noItem(model) },
];

export const keymap: readonly Binding[] = [
  ...boardKeys,
  ...inboxKeys,
  ...convoyKeys,
  ...sessionKeys,
  ...movementKeys,
  ...lineKeys,
  ...edit.map(({ action, keys, tooltip }) => ({ action, keys, tooltip, modes: typing })),
];

/** The binding of a key in a mode. */
export const bindingOf = indexKeys(keymap);
